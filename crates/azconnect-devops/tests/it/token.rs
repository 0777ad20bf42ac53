//! Personal access tokens, as the service keeps them.

use std::sync::{Arc, Mutex};

use azconnect_core::{Clock, Effect, ErrorKind};
use azconnect_credential::{CredentialIssuer, Marker, MintRequest, Retirement};
use azconnect_devops::{NewToken, PersonalTokenIssuer};
use azconnect_testkit::{Canary, VirtualClock};
use serde_json::{Value, json};
use time::macros::datetime;

use crate::support::{Script, plain};

const KEY: &str = "4ab5764f-4193-4f1d-b995-64144880b7d7";

fn service(value: String) -> Script {
    let tokens: Arc<Mutex<Vec<Value>>> = Arc::default();
    Script::new(move |request| {
        let mut tokens = tokens.lock().unwrap();
        assert!(request.uri().to_string().starts_with("https://vssps.dev.azure.com/contoso/_apis/tokens/pats?"));
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        match request.method().as_str() {
            "POST" => {
                let mut token = json!({"displayName": body["displayName"], "scope": body["scope"], "validTo": body["validTo"],
                    "validFrom": "2026-01-01T00:00:00.1033333Z", "authorizationId": KEY, "targetAccounts": null, "token": null});
                tokens.push(token.clone());
                token["token"] = value.as_str().into();
                plain(200, json!({"patToken": token, "patTokenError": "none"}))
            }
            "PUT" => {
                tokens[0]["validTo"] = body["validTo"].clone();
                plain(200, json!({"patToken": tokens[0], "patTokenError": "none"}))
            }
            "DELETE" if tokens.is_empty() => plain(404, json!({"typeKey": "AuthorizationIdNotFoundException"})),
            "DELETE" => {
                tokens.clear();
                plain(204, Value::Null)
            }
            _ if request.uri().query().unwrap().contains("continuationToken=n") => {
                plain(200, json!({"continuationToken": "", "patTokens": *tokens}))
            }
            _ => plain(
                200,
                json!({"continuationToken": "n", "patTokens": [{"displayName": "foreign", "authorizationId": "cf42cc9f-f170-4375-92ba-c13d58a6545f"}]}),
            ),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_stored_token_is_rotated_through_the_issuer_s_port() {
    let canary = Canary::new();
    let ears = canary.listen();
    let script = service(canary.secret().expose().to_owned());
    let clock = VirtualClock::new();
    let organization = script.organization(&clock);
    let issuer = PersonalTokenIssuer::new(organization, "Ada@contoso.example", "vso.serviceendpoint_manage").unwrap();
    assert_eq!(issuer.subject().as_str(), "pat/contoso/ada@contoso.example");
    let marker = Marker::new("azconnect 1").unwrap();
    let ends_at = datetime!(2026-02-01 0:00 UTC);
    let minted = issuer.mint(&MintRequest::new(marker.clone(), ends_at)).await.unwrap();
    assert!(minted.secret.same_as(&canary.secret()));
    assert_eq!((minted.key.to_string().as_str(), minted.ends_at), (KEY, ends_at));
    assert_eq!(
        script.bodies("POST")[0],
        json!({"displayName": "azconnect 1", "scope": "vso.serviceendpoint_manage", "validTo": "2026-02-01T00:00:00Z", "allOrgs": false})
    );

    let inventory = issuer.inventory().await.unwrap();
    assert_eq!(inventory.keys.len(), 2, "over all pages, foreign ones too");
    assert_eq!(inventory.carrying(&marker).next().unwrap().ends_at, Some(ends_at));
    assert_eq!(issuer.retire(minted.key).await.unwrap(), Retirement::Accepted);
    assert_eq!(issuer.retire(minted.key).await.unwrap(), Retirement::NotListed);
    canary.assert_absent("what was shown", format!("{minted:?}{inventory:?}{issuer:?}").as_bytes());
    canary.assert_absent_from_logs();
    drop(ears);
    assert!(clock.now() >= datetime!(2026-01-01 0:00 UTC));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_extended_without_a_new_value() {
    let script = service("the-value".to_owned());
    let organization = script.organization(&VirtualClock::new());
    let (entry, _) = organization
        .create_personal_token(&NewToken::new("n", "vso.code", datetime!(2026-02-01 0:00 UTC)))
        .await
        .unwrap();
    let later = datetime!(2026-06-01 0:00 UTC);
    assert_eq!(organization.extend_personal_token(entry.id, later).await.unwrap().valid_to, Some(later));
}

#[tokio::test(start_paused = true)]
async fn failures_inside_a_success_are_failures() {
    let (invalid, denied, missing) = (ErrorKind::InvalidInput, ErrorKind::PermissionDenied, ErrorKind::NotFound);
    for (code, kind, effect, advice) in [
        ("displayNameRequired", invalid, Effect::None, "another name"),
        ("invalidDisplayName", invalid, Effect::None, "another name"),
        ("invalidValidTo", invalid, Effect::None, "within a year"),
        ("invalidScope", invalid, Effect::None, "vso.serviceendpoint_manage"),
        ("invalidAuthorizationScopes", invalid, Effect::None, "vso.serviceendpoint_manage"),
        ("globalPatPolicyViolation", denied, Effect::None, "shorten its life"),
        ("fullScopePatPolicyViolation", denied, Effect::None, "shorten its life"),
        ("patLifespanPolicyViolation", denied, Effect::None, "shorten its life"),
        ("accessDenied", denied, Effect::None, "sign in as a user"),
        ("userPermissionDenied", denied, Effect::None, "sign in as a user"),
        ("deploymentHostNotSupported", denied, Effect::None, "sign in as a user"),
        ("authorizationNotFound", missing, Effect::None, "revoked already"),
        ("tokenNotFound", missing, Effect::None, "revoked already"),
        ("hostAuthorizationNotFound", missing, Effect::None, "revoked already"),
        ("invalidAuthorizationId", missing, Effect::None, "revoked already"),
        // A name that no document explains proves nothing.
        ("somethingNew", ErrorKind::Unexpected, Effect::Unknown, "request id"),
    ] {
        let script = Script::new(move |_| plain(200, json!({"patToken": null, "patTokenError": code})));
        let wanted = NewToken::new("n", "vso.code", datetime!(2026-02-01 0:00 UTC));
        let error = script.organization(&VirtualClock::new()).create_personal_token(&wanted).await.unwrap_err();
        assert_eq!((error.kind(), error.effect(), error.service_code()), (kind, effect, Some(code)));
        assert_eq!(error.operation(), Some("devops.token.create"));
        assert!(error.advice().contains(advice), "{code}: {}", error.advice());
    }
    let script = Script::new(|_| plain(401, Value::String("TF400813".to_owned())));
    let error = script.organization(&VirtualClock::new()).personal_tokens().await.unwrap_err();
    assert!(error.advice().contains("neither service principals nor personal access tokens"));
}

/// Where the service shows a token, there is one, whatever failure stands beside it.
#[tokio::test(start_paused = true)]
async fn a_failure_beside_a_token_does_not_deny_the_token() {
    let shown = json!({"authorizationId": KEY, "token": "the-value"});
    let wanted = NewToken::new("n", "vso.code", datetime!(2026-02-01 0:00 UTC));
    for (code, made) in [
        (json!("none"), true),
        (json!("None"), true),
        (json!(""), true),
        (json!(null), true),
        (json!("invalidScope"), false),
    ] {
        let answer = json!({"patToken": shown, "patTokenError": code});
        let script = Script::new(move |_| plain(200, answer.clone()));
        match script.organization(&VirtualClock::new()).create_personal_token(&wanted).await {
            Ok((entry, _)) => assert!(made && entry.id.to_string() == KEY, "{code}"),
            Err(error) => assert_eq!((error.effect(), made), (Effect::Unknown, false), "{code}"),
        }
    }
    // One that was made and is not shown can only be looked for.
    let veiled = Script::new(|_| plain(200, json!({"patToken": {"authorizationId": KEY}, "patTokenError": "none"})));
    let error = veiled.organization(&VirtualClock::new()).create_personal_token(&wanted).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unexpected, Effect::Unknown));
    assert!(error.advice().contains("revoke the token of this name"), "{}", error.advice());
    let nothing = Script::new(|_| plain(200, json!({"patToken": null, "patTokenError": "none"})));
    let error = nothing.organization(&VirtualClock::new()).create_personal_token(&wanted).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unexpected, Effect::Unknown));
}

/// A 404 that is not the service's own word for a token is no proof that there is none: it may still sign in.
#[tokio::test(start_paused = true)]
async fn a_404_of_something_else_does_not_call_a_token_unknown() {
    let key = KEY.parse().unwrap();
    for (body, known) in [
        (json!({"typeKey": "AuthorizationIdNotFoundException"}), Some(false)),
        (json!({"typeKey": "SessionTokenNotFoundException"}), Some(false)),
        (json!({"typeKey": "HostDoesNotExistException"}), None),
        (json!({"typeKey": "ProjectDoesNotExistException"}), None),
        (json!({"message": "no route"}), None),
        (json!("<html>"), None),
    ] {
        let answer = body.clone();
        let script = Script::new(move |_| plain(404, answer.clone()));
        let outcome = script.organization(&VirtualClock::new()).revoke_personal_token(key).await;
        assert_eq!(outcome.as_ref().ok(), known.as_ref(), "{body}: {outcome:?}");
        assert!(outcome.is_ok() || outcome.unwrap_err().kind() == ErrorKind::NotFound, "{body}");
    }
}

/// What stands in the place of a failure's name and is none may be anything, a secret too: it is not repeated.
#[tokio::test(start_paused = true)]
async fn a_failure_s_name_that_is_no_name_is_not_repeated() {
    let wanted = NewToken::new("n", "vso.code", datetime!(2026-02-01 0:00 UTC));
    for (code, is_name) in [("a secret, perhaps".to_owned(), false), ("x".repeat(80), true), ("x".repeat(81), false)] {
        let answer = json!({"patToken": null, "patTokenError": code});
        let script = Script::new(move |_| plain(200, answer.clone()));
        let error = script.organization(&VirtualClock::new()).create_personal_token(&wanted).await.unwrap_err();
        assert_eq!(error.service_code().is_some(), is_name, "{code}");
        assert_eq!(format!("{error:?}").contains(&code), is_name, "{code}");
    }
}
