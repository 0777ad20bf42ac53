//! How often a secret is tried, and what each answer proves.

use std::time::Duration;

use azconnect_core::{Clock, Error, ErrorKind, Scope, Secret};
use azconnect_credential::{Assessment, Candidate, CredentialVerdict, CredentialVerifier};
use azconnect_http::{Response, answer_lost, no_answer, not_connected};
use azconnect_identity::SecretVerifier;

use crate::stage::{Scripted, client, refusal, token, wrong_secret};

const MINUTE: Duration = Duration::from_secs(60);

type Answer = fn() -> Result<Response, Error>;

async fn verdict(answer: Answer, minted_before: Option<Duration>) -> (Assessment, usize) {
    let script = Scripted::new(move |_| answer());
    let secret = Secret::new("the-candidate");
    let mut candidate = Candidate::new(&secret);
    if let Some(age) = minted_before {
        candidate = candidate.with_minted_at(script.clock().now() - age);
    }
    let assessment = SecretVerifier::new(&script.endpoint(), client()).verify(&candidate).await;
    (assessment, script.requests())
}

#[tokio::test(start_paused = true)]
async fn three_successes_a_second_apart_on_fresh_connections_are_a_proof() {
    let script = Scripted::new(|_| Ok(token()));
    let secret = Secret::new("the-candidate");
    let assessment = SecretVerifier::new(&script.endpoint(), client()).verify(&Candidate::new(&secret)).await;
    assert_eq!(assessment.verdict, CredentialVerdict::Accepted);
    assert_eq!(assessment.evidence, "3 of 3 sign-ins on fresh connections succeeded");
    assert_eq!(script.times(), [0, 1, 2].map(Duration::from_secs));
    assert!(script.all_on_fresh_connections());
}

#[tokio::test(start_paused = true)]
async fn successes_and_spacing_are_the_caller_s_within_reason() {
    let script = Scripted::new(|_| Ok(token()));
    let verifier = SecretVerifier::new(&script.endpoint(), client()).with_spacing(MINUTE).with_successes(0);
    let secret = Secret::new("the-candidate");
    assert!(verifier.verify(&Candidate::new(&secret)).await.is_accepted());
    assert_eq!(script.requests(), 1);
    let verifier = verifier.with_successes(1000);
    assert!(verifier.verify(&Candidate::new(&secret)).await.is_accepted());
    assert_eq!(script.requests(), 11);
    assert_eq!(script.times()[1], MINUTE, "the pace is kept across checks and clones");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_pending_while_the_secret_is_new_and_final_afterwards() {
    // An application that the tenant does not know is no secret that does not match: giving it back would mend nothing.
    for (word, number, at_last) in [
        ("invalid_client", 7_000_215, CredentialVerdict::Rejected),
        ("unauthorized_client", 700_016, CredentialVerdict::Inconclusive),
        ("invalid_client", 700_213, CredentialVerdict::Rejected),
    ] {
        for (age, expected) in [
            (Some(Duration::ZERO), CredentialVerdict::Pending),
            (Some(MINUTE * 10 - Duration::from_secs(1)), CredentialVerdict::Pending),
            (Some(MINUTE * 10), at_last),
            (None, at_last),
        ] {
            let script = Scripted::new(move |_| Ok(refusal(401, word, number)));
            let secret = Secret::new("the-candidate");
            let mut candidate = Candidate::new(&secret);
            if let Some(age) = age {
                candidate = candidate.with_minted_at(script.clock().now() - age);
            }
            let assessment = SecretVerifier::new(&script.endpoint(), client()).verify(&candidate).await;
            assert_eq!(assessment.verdict, expected, "{number} {age:?}");
            assert_eq!(assessment.service_code(), Some(format!("AADSTS{number}").as_str()));
            assert_eq!(script.requests(), 1, "it returns at the first that is no success");
            assert!(assessment.advice().is_some());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_to_propagate_is_the_caller_s() {
    let script = Scripted::new(|_| Ok(wrong_secret()));
    let secret = Secret::new("the-candidate");
    let candidate = Candidate::new(&secret).with_minted_at(script.clock().now() - MINUTE);
    let verifier = SecretVerifier::new(&script.endpoint(), client()).with_propagation(MINUTE);
    assert_eq!(verifier.verify(&candidate).await.verdict, CredentialVerdict::Rejected);
}

#[tokio::test(start_paused = true)]
async fn an_expired_secret_is_rejected_however_new() {
    let expired: Answer = || Ok(refusal(401, "invalid_client", 7_000_222));
    assert_eq!(verdict(expired, Some(Duration::ZERO)).await.0.verdict, CredentialVerdict::Rejected);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_learnt_from_policies_throttles_failures_and_strangers() {
    let answers: [Answer; 16] = [
        || Ok(refusal(400, "invalid_grant", 53_003)),
        || Ok(refusal(400, "access_denied", 530_032)),
        || Ok(refusal(400, "invalid_grant", 65_001)),
        || Ok(refusal(400, "invalid_resource", 500_011)),
        || Ok(refusal(400, "invalid_request", 90_002)),
        || Ok(refusal(400, "unauthorized_client", 7_000_112)),
        || Ok(refusal(400, "temporarily_unavailable", 90_033)),
        || Ok(refusal(401, "invalid_client", 999)),
        || Ok(refusal(429, "invalid_client", 7_000_215)),
        || Ok(refusal(503, "invalid_client", 7_000_215)),
        || Ok(http::Response::builder().status(401).body("<html>sign in</html>".into()).unwrap()),
        || Ok(http::Response::builder().status(407).body("".into()).unwrap()),
        || Ok(http::Response::new("{}".into())),
        || Err(answer_lost("reset")),
        || Err(not_connected("refused")),
        || Err(no_answer(MINUTE)),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        for age in [None, Some(Duration::ZERO)] {
            let (assessment, requests) = verdict(answer, age).await;
            assert_eq!(assessment.verdict, CredentialVerdict::Inconclusive, "answer {number}: {assessment:?}");
            assert_eq!(requests, 1, "it does not repeat by itself");
            assert!(assessment.advice().is_some());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn replicas_that_disagree_decide_nothing() {
    let script = Scripted::new(|number| if number == 2 { Ok(wrong_secret()) } else { Ok(token()) });
    let secret = Secret::new("the-candidate");
    let verifier = SecretVerifier::new(&script.endpoint(), client());
    let old = verifier.verify(&Candidate::new(&secret)).await;
    assert_eq!(old.verdict, CredentialVerdict::Inconclusive);
    assert!(old.evidence.starts_with("1 of 3 sign-ins succeeded, then: "), "{}", old.evidence);

    let script = Scripted::new(|number| if number == 3 { Ok(wrong_secret()) } else { Ok(token()) });
    let new = Candidate::new(&secret).with_minted_at(script.clock().now());
    let assessment = SecretVerifier::new(&script.endpoint(), client()).verify(&new).await;
    assert_eq!((assessment.verdict, script.requests()), (CredentialVerdict::Pending, 3));
}

#[tokio::test(start_paused = true)]
async fn after_a_throttle_nothing_is_sent_until_its_time_has_passed() {
    let script = Scripted::new(|number| match number {
        1 => Ok(http::Response::builder().status(429).header("retry-after", "90").body("".into()).unwrap()),
        _ => Ok(token()),
    });
    let secret = Secret::new("the-candidate");
    let verifier = SecretVerifier::new(&script.endpoint(), client());
    let first = verifier.verify(&Candidate::new(&secret)).await;
    assert_eq!((first.verdict, first.retry_after()), (CredentialVerdict::Inconclusive, Some(Duration::from_secs(90))));

    script.clock().sleep(MINUTE).await;
    let second = verifier.clone().verify(&Candidate::new(&secret)).await;
    assert_eq!(
        (second.verdict, second.retry_after()),
        (CredentialVerdict::Inconclusive, Some(Duration::from_secs(30)))
    );
    assert_eq!(script.requests(), 1);

    script.clock().sleep(Duration::from_secs(30)).await;
    assert!(verifier.verify(&Candidate::new(&secret)).await.is_accepted());
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_the_service_saw_makes_it_pause() {
    let script = Scripted::new(|_| Ok(refusal(400, "invalid_grant", 50_196)));
    let secret = Secret::new("the-candidate");
    let verifier = SecretVerifier::new(&script.endpoint(), client());
    for _ in 0..50 {
        let assessment = verifier.verify(&Candidate::new(&secret)).await;
        assert_eq!(assessment.verdict, CredentialVerdict::Inconclusive);
        assert!(assessment.retry_after().is_some());
    }
    assert_eq!(script.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_a_secret_is_rejected_without_a_request() {
    let script = Scripted::new(|_| Ok(token()));
    let verifier = SecretVerifier::new(&script.endpoint(), client());
    for text in ["", "1272a66f-e2e8-4e88-ab43-487409186c3f", "with space"] {
        let secret = Secret::new(text);
        let assessment = verifier.verify(&Candidate::new(&secret)).await;
        assert_eq!(assessment.verdict, CredentialVerdict::Rejected);
        assert!(assessment.advice().unwrap().contains("Value"));
    }
    assert_eq!(script.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_scope_is_the_caller_s() {
    let script = Scripted::new(|_| Err(Error::new(ErrorKind::Unavailable, "no")));
    let verifier = SecretVerifier::new(&script.endpoint(), client());
    assert!(format!("{verifier:?}").contains("https://management.azure.com/.default"));
    let verifier = verifier.with_scope(Scope::of_resource("https://vault.azure.net"));
    assert!(format!("{verifier:?}").contains("https://vault.azure.net/.default"));
}
