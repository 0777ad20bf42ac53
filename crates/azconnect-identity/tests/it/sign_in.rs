//! The requests of the token endpoint and its answers, over a real socket.

use std::sync::Arc;

use azconnect_core::{Cloud, Effect, ErrorKind, ExponentialBackoff, Secret, danger};
use azconnect_http::{Pipeline, ReqwestTransport, SystemClock, answer_lost};
use azconnect_identity::{ClientSecretSource, TokenEndpoint, TokenRequest, TokenSource};
use azconnect_testkit::Canary;
use serde_json::json;
use wiremock::matchers::{body_string, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::stage::{CLIENT, Scripted, TENANT, client, tenant};

fn source(server: &MockServer, secret: Secret) -> ClientSecretSource {
    let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
    let quick = ExponentialBackoff::default().with_pauses(std::time::Duration::ZERO, std::time::Duration::ZERO);
    let pipeline = Pipeline::new(Arc::new(transport), Arc::new(SystemClock::new())).with_retry(Arc::new(quick));
    let cloud = danger::allow_http_loopback(Cloud::custom("Test")).with_login(&server.uri()).unwrap().build();
    ClientSecretSource::new(TokenEndpoint::new(pipeline, &cloud, tenant()), client(), secret).unwrap()
}

async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(template).mount(&server).await;
    server
}

/// The answer of Microsoft's *OAuth 2.0 client credentials flow*.
fn documented() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "token_type": "Bearer",
        "expires_in": 3599,
        "access_token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsIng1dCI6Ik1uQ19WWmNBVGZNNXBP",
    }))
}

#[tokio::test]
async fn the_form_is_the_documented_one_with_every_value_encoded() {
    let server = MockServer::start().await;
    let body = format!(
        "client_id={CLIENT}&grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default\
         &client_secret=a%7E%26b%3D%25%2Bc"
    );
    Mock::given(method("POST"))
        .and(path(format!("/{TENANT}/oauth2/v2.0/token")))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(header("accept", "application/json"))
        .and(body_string(body))
        .respond_with(documented())
        .expect(1)
        .mount(&server)
        .await;
    let token = source(&server, Secret::new("a~&b=%+c"))
        .fetch(TokenRequest::new(&Cloud::public().graph_scope()))
        .await
        .unwrap();
    assert_eq!(token.expires_in.as_secs(), 3599);
    assert!(token.secret.expose().starts_with("eyJ0"));
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked[0].headers["client-request-id"], asked[0].headers["x-ms-client-request-id"]);
    assert!(!asked[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_refusal_is_told_once_and_passing_trouble_is_outlasted() {
    for (status, word, number, requests) in [
        (401, "invalid_client", 7_000_215, 1),
        (400, "invalid_request", 90_002, 1),
        (400, "invalid_grant", 50_196, 1),
        (400, "temporarily_unavailable", 90_033, 5),
        (503, "", 0, 5),
        (429, "", 0, 5),
    ] {
        let body = json!({"error": word, "error_codes": [number]});
        let server = answering(ResponseTemplate::new(status).set_body_json(body)).await;
        let error = source(&server, Secret::new("secret"))
            .fetch(TokenRequest::new(&Cloud::public().graph_scope()))
            .await
            .unwrap_err();
        assert_eq!(error.operation(), Some("entra.token"));
        assert_eq!(error.effect(), Effect::None, "asking for a token changes nothing");
        assert_eq!(server.received_requests().await.unwrap().len(), requests, "{status} {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_leaves_no_doubt_since_nothing_can_have_changed() {
    let script = Scripted::new(|_| Err(answer_lost("reset")));
    let source = ClientSecretSource::new(script.endpoint(), client(), Secret::new("secret")).unwrap();
    let error = source.fetch(TokenRequest::new(&Cloud::public().graph_scope())).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None));
    assert_eq!(script.requests(), 5, "a sign-in may be repeated");
}

#[tokio::test]
async fn an_answer_beyond_reason_is_refused() {
    let server = answering(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 1024 * 1024 + 1])).await;
    let error = source(&server, Secret::new("secret"))
        .fetch(TokenRequest::new(&Cloud::public().graph_scope()))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unexpected, Effect::None));
}

#[tokio::test]
async fn neither_secret_nor_token_is_shown_whatever_is_answered() {
    let (canary, token) = (Canary::new(), Canary::new());
    let ears = canary.listen();
    let (secret, token) = (canary.secret(), token.secret());
    canary.watch(&token);
    let (secret_text, token_text) = (secret.expose(), token.expose());
    let bodies = [
        json!({"token_type": "Bearer", "expires_in": 3599, "access_token": token_text}).to_string(),
        json!({"token_type": "Bearer", "expires_in": token_text, "access_token": token_text}).to_string(),
        json!({"error": secret_text, "error_description": format!("AADSTS7000215: {secret_text}"),
               "trace_id": secret_text, "error_uri": secret_text})
        .to_string(),
        format!("<html>{secret_text} {token_text}</html>"),
    ];
    for body in &bodies {
        for status in [200, 400, 500] {
            let server = answering(ResponseTemplate::new(status).set_body_string(body)).await;
            let source = source(&server, canary.secret());
            let outcome = source.fetch(TokenRequest::new(&Cloud::public().graph_scope())).await;
            let mut shown = format!("{source:?} {outcome:?}");
            if let Err(error) = outcome {
                shown += &format!("{error} {}", error.advice());
            }
            canary.assert_absent("Debug, Display or advice", shown.as_bytes());
        }
    }
    drop(ears);
    assert!(canary.heard() > 0);
    canary.assert_absent_from_logs();
}

#[tokio::test]
async fn an_id_in_place_of_a_secret_is_refused_before_anything_is_sent() {
    let server = answering(documented()).await;
    let source = source(&server, Secret::new("good-secret"));
    let id = Secret::new("1272a66f-e2e8-4e88-ab43-487409186c3f");
    let error = ClientSecretSource::new(source.endpoint().clone(), client(), id.duplicate()).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("client_secret")));
    source.replace_secret(id).unwrap_err();
    assert!(source.holds(&Secret::new("good-secret")), "the former one stays in use");
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_replaced_secret_is_used_from_the_next_sign_in_on_by_every_clone() {
    let server = answering(documented()).await;
    let source = source(&server, Secret::new("the-old-one"));
    let clone = source.clone();
    source.replace_secret(Secret::new("the-new-one")).unwrap();
    clone.fetch(TokenRequest::new(&Cloud::public().graph_scope())).await.unwrap();
    let asked = server.received_requests().await.unwrap();
    assert!(String::from_utf8_lossy(&asked[0].body).ends_with("&client_secret=the-new-one"));
}
