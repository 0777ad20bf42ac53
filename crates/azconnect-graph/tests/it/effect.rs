//! What an answer proves about an addition, and whether it is sent again.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::{Marker, Retirement};
use azconnect_graph::{AddedPassword, NewPassword, PasswordHolder};
use azconnect_http::{Response, answer_lost, no_answer, not_connected};
use serde_json::json;
use time::macros::datetime;

use crate::stage::{CLIENT, KEY, Scripted, added, answer, refusal};

const CONCURRENT: &str = "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.";

type First = fn() -> Result<Response, Error>;

fn holder() -> PasswordHolder {
    PasswordHolder::ApplicationOf(CLIENT.parse().unwrap())
}

/// Adds a password where the first answer is given and every later one is a success.
async fn add(first: First) -> (Result<AddedPassword, Error>, usize) {
    let script = Scripted::new(move |number, _| if number == 1 { first() } else { Ok(answer(200, &added())) });
    let wish = NewPassword::new(Marker::new("azconnect 0001").unwrap(), datetime!(2026-03-01 0:00 UTC));
    let outcome = script.client().add_password(holder(), &wish).await;
    (outcome, script.seen().len())
}

#[tokio::test(start_paused = true)]
async fn an_addition_is_sent_again_only_after_proof_that_nothing_was_added() {
    let proofs: [First; 7] = [
        || Ok(refusal(429, "TooManyRequests", "slow down")),
        || Ok(refusal(401, "InvalidAuthenticationToken", "expired")),
        || Ok(refusal(409, "Directory_ConcurrencyViolation", CONCURRENT)),
        || Ok(refusal(503, "Service_ServiceUnavailable", CONCURRENT)),
        || Ok(refusal(400, "Request_BadRequest", CONCURRENT)),
        || Ok(refusal(409, "Error_MsaAppDoesNotExist", "The corresponding MSA application does not exist.")),
        || Err(not_connected("refused")),
    ];
    for (number, proof) in proofs.into_iter().enumerate() {
        let (outcome, requests) = add(proof).await;
        assert_eq!(outcome.unwrap().key.to_string(), KEY, "{number}");
        assert_eq!(requests, 2, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_leaves_doubt_is_not_sent_again() {
    let doubts: [First; 9] = [
        || Ok(refusal(500, "Service_InternalServerError", "oops")),
        || Ok(refusal(503, "Service_ServiceUnavailable", "oops")),
        || Ok(refusal(504, "", "")),
        || Ok(refusal(499, "", "")),
        // A removal is refused so for other changes under way; no document says what an addition's is.
        || Ok(refusal(500, "Service_InternalServerError", CONCURRENT)),
        || Ok(refusal(409, "Some_NewConflict", "oops")),
        || Ok(refusal(408, "", "")),
        || Err(answer_lost("reset")),
        || Err(no_answer(Duration::from_secs(60))),
    ];
    for (number, doubt) in doubts.into_iter().enumerate() {
        let (outcome, requests) = add(doubt).await;
        let error = outcome.unwrap_err();
        assert_eq!((error.effect(), requests), (Effect::Unknown, 1), "{number}: {error}");
        assert_eq!(error.operation(), Some("graph.application.add_password"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_proves_that_nothing_was_added() {
    let refusals: [(First, ErrorKind); 5] = [
        (|| Ok(refusal(403, "Authorization_RequestDenied", "x")), ErrorKind::PermissionDenied),
        (|| Ok(refusal(404, "Request_ResourceNotFound", "x")), ErrorKind::NotFound),
        (|| Ok(refusal(400, "Request_BadRequest", "x")), ErrorKind::InvalidInput),
        (|| Ok(refusal(400, "CredentialInvalidLifetimeAsPerAppPolicy", "x")), ErrorKind::InvalidInput),
        (
            || {
                Ok(refusal(
                    400,
                    "Request_BadRequest",
                    "Not allowed to add 3 passwords. You can only add a maximum of 2 passwords.",
                ))
            },
            ErrorKind::Conflict,
        ),
    ];
    for (first, kind) in refusals {
        let (outcome, requests) = add(first).await;
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.effect(), requests), (kind, Effect::None, 1), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_that_cannot_be_read_leaves_a_password_nobody_has() {
    let unreadable: [First; 6] = [
        || Ok(http::Response::new("".into())),
        || Ok(http::Response::new("<html>".into())),
        || Ok(answer(200, &json!({"keyId": KEY}))),
        || Ok(answer(200, &json!({"keyId": KEY, "secretText": null}))),
        || Ok(answer(200, &json!({"keyId": KEY, "secretText": ""}))),
        || Ok(answer(200, &json!({"keyId": "odd", "secretText": "[6gyXA5S20@MN+WRXAJ]I-TO7g1:h2P8"}))),
    ];
    for first in unreadable {
        let (outcome, requests) = add(first).await;
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.effect(), requests), (ErrorKind::Unexpected, Effect::Unknown, 1));
        assert!(error.advice().contains("display name"), "{}", error.advice());
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_not_answered_is_the_one_asked_for() {
    let first: First = || Ok(answer(200, &json!({"keyId": KEY, "secretText": "[6gyXA5S20@MN+WRXAJ]"})));
    assert_eq!(add(first).await.0.unwrap().ends_at, datetime!(2026-03-01 0:00 UTC));
}

#[tokio::test(start_paused = true)]
async fn a_removal_is_sent_again_after_any_passing_failure() {
    let failures: [First; 4] = [
        || Ok(refusal(500, "Service_InternalServerError", CONCURRENT)),
        || Ok(refusal(503, "Service_ServiceUnavailable", "oops")),
        || Ok(refusal(429, "TooManyRequests", "slow down")),
        || Err(answer_lost("reset")),
    ];
    for failure in failures {
        let script = Scripted::new(move |number, _| match number {
            1 => failure(),
            _ => Ok(refusal(400, "Request_BadRequest", "No password credential found with keyId 'x'.")),
        });
        let removed = script.client().remove_password(holder(), KEY.parse().unwrap()).await.unwrap();
        assert_eq!((removed, script.seen().len()), (Retirement::NotListed, 2));
    }
}
