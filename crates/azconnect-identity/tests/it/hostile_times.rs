//! Lives and pauses that no service means, under clocks that nobody sets.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, ErrorKind, Retry, Scope, Secret, SecretStore};
use azconnect_credential::{Candidate, CredentialVerifier, TokenProvider};
use azconnect_identity::{FetchedToken, KeptTokens, SecretVerifier, TokenCache, TokenRequest, TokenSource};
use azconnect_store::MemorySecrets;
use azconnect_testkit::VirtualClock;
use time::macros::datetime;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::stage::{Scripted, client, refusal, token};

const LENGTHS: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_secs(3600),
    Duration::from_secs(i64::MAX as u64),
    Duration::from_secs(u64::MAX),
    Duration::MAX,
];

fn moments() -> [OffsetDateTime; 5] {
    [
        PrimitiveDateTime::MAX.assume_utc(),
        PrimitiveDateTime::MIN.assume_utc(),
        PrimitiveDateTime::MAX.assume_offset(UtcOffset::from_hms(-25, 0, 0).unwrap()),
        datetime!(9999-12-31 23:59:59 -23:59),
        datetime!(2026-11-21 0:00 UTC),
    ]
}

/// A source of tokens that live, and are to be renewed, after any length.
struct Named(Duration, Option<Duration>);

#[async_trait]
impl TokenSource for Named {
    async fn fetch(&self, _: TokenRequest<'_>) -> Result<FetchedToken, Error> {
        Ok(FetchedToken::new(Secret::new("a-token"), self.0).with_refresh_in(self.1))
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_any_life_is_kept_and_given_out_at_any_moment() {
    let scope = Scope::of_resource("https://graph.microsoft.com");
    for start in moments() {
        for life in LENGTHS {
            for refresh in LENGTHS.into_iter().map(Some).chain([None]) {
                let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(start));
                let cache = TokenCache::new(Named(life, refresh), clock);
                let first = cache.token(&scope).await.unwrap();
                let again = cache.token(&scope).await.unwrap();
                assert!(
                    first.expires_at >= start && again.expires_at >= first.refresh_at,
                    "{start} {life:?} {refresh:?}"
                );
                cache.invalidate(&scope, &again).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_any_life_outlives_the_process_at_any_moment() {
    let scope = Scope::of_resource("https://graph.microsoft.com");
    for start in moments() {
        for life in LENGTHS {
            for refresh in LENGTHS.into_iter().map(Some).chain([None]) {
                let secrets = Arc::new(MemorySecrets::new());
                for _ in 0..3 {
                    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::starting_at(start));
                    let ports = (secrets.clone() as Arc<dyn SecretStore>, clock.clone());
                    let kept = KeptTokens::new(Named(life, refresh), ports, "portal", &Secret::new("the secret"));
                    let token = TokenCache::new(kept, clock).token(&scope).await.unwrap();
                    assert!(token.expires_at >= start, "{start} {life:?} {refresh:?}");
                }
                let names = secrets.list("", None).await.unwrap();
                assert!(names.len() <= 1, "none stays that nobody reads again: {start} {life:?} {refresh:?} {names:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_minted_at_any_moment_is_tried_and_judged() {
    let secret = Secret::new("the-candidate");
    for minted_at in moments() {
        let script = Scripted::new(|_| Ok(refusal(401, "invalid_client", 7_000_215)));
        for propagation in LENGTHS {
            let verifier = SecretVerifier::new(&script.endpoint(), client()).with_propagation(propagation);
            let assessment = verifier.verify(&Candidate::new(&secret).with_minted_at(minted_at)).await;
            assert!(!assessment.is_accepted(), "{minted_at} {propagation:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_spacing_and_a_pause_of_any_length_are_kept() {
    let secret = Secret::new("the-candidate");
    for length in LENGTHS {
        let script = Scripted::new(|_| Ok(token()));
        // Time has passed already, so that the longest length ends beyond what can be counted.
        script.clock().sleep(Duration::from_secs(1)).await;
        let verifier = SecretVerifier::new(&script.endpoint(), client()).with_spacing(length).with_successes(1);
        assert!(verifier.verify(&Candidate::new(&secret)).await.is_accepted(), "{length:?}");
        let script =
            Scripted::new(move |_| Err(Error::new(ErrorKind::Throttled, "slow down").with_retry(Retry::After(length))));
        script.clock().sleep(Duration::from_secs(1)).await;
        let verifier = SecretVerifier::new(&script.endpoint(), client());
        for _ in 0..2 {
            let assessment = verifier.verify(&Candidate::new(&secret)).await;
            assert!(!assessment.is_accepted(), "{length:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_life_that_is_no_length_is_an_error_and_never_a_panic() {
    for life in
        ["-1", "1e400", "18446744073709551616", "\"-5\"", "\"18446744073709551615\"", "null", "[]", "0.5", "\"\""]
    {
        let body = format!(r#"{{"token_type":"Bearer","expires_in":{life},"access_token":"s3cr3t-token"}}"#);
        let script = Scripted::new(move |_| Ok(http::Response::new(body.clone().into())));
        let secret = Secret::new("the-candidate");
        let assessment = SecretVerifier::new(&script.endpoint(), client()).verify(&Candidate::new(&secret)).await;
        assert!(!assessment.is_accepted(), "{life}");
        assert!(!format!("{assessment:?}").contains("s3cr3t"), "{life}");
    }
}
