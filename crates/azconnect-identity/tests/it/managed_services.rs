//! App Service, Azure Machine Learning and Cloud Shell: their requests, and what they are not asked.

use std::time::Duration;

use azconnect_core::{Effect, ErrorKind, Retry, Secret};
use azconnect_identity::TokenSource;
use azconnect_identity::managed::{AppService, CloudShell, MachineLearning, ManagedIdentityId};
use azconnect_testkit::Canary;
use serde_json::{Value, json};
use wiremock::matchers::{body_string, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::managed_stage::{documented, fetch, on_sockets};

const CLIENT: &str = "10000000-0000-4000-8000-000000000002";
const RESOURCE: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/deployer";

fn assigned() -> ManagedIdentityId {
    ManagedIdentityId::Client(CLIENT.parse().unwrap())
}

/// App Service says when the token ends, and not how long it lives.
fn ending_in(seconds: i64, as_text: bool) -> Value {
    let end = azconnect_core::Clock::now(&azconnect_http::SystemClock::new()).unix_timestamp() + seconds;
    let end = if as_text { json!(end.to_string()) } else { json!(end) };
    json!({"access_token": "eyJ0eXAi", "expires_on": end, "resource": "https://management.azure.com", "token_type": "Bearer",
           "client_id": CLIENT})
}

#[tokio::test]
async fn app_service_is_asked_with_its_header_and_the_end_counts_from_now() {
    for as_text in [true, false] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/msi/token"))
            .and(query_param("api-version", "2019-08-01"))
            .and(query_param("resource", "https://management.azure.com"))
            .and(query_param("mi_res_id", RESOURCE))
            .and(header("x-identity-header", "the-header"))
            .respond_with(ResponseTemplate::new(200).set_body_json(ending_in(3000, as_text)))
            .expect(1)
            .mount(&server)
            .await;
        let identity = ManagedIdentityId::resource(RESOURCE).unwrap();
        let endpoint = format!("{}/msi/token", server.uri());
        let source = AppService::new(&on_sockets(), identity, &endpoint, Secret::new("the-header")).unwrap();
        let token = fetch(&source).await.unwrap();
        let life = token.expires_in;
        assert!(life <= Duration::from_secs(3000) && life > Duration::from_secs(2900), "{life:?}");
    }
}

#[tokio::test]
async fn machine_learning_has_its_own_spelling() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(query_param("api-version", "2017-09-01"))
        .and(query_param("resource", "https://management.azure.com"))
        .and(query_param("clientid", CLIENT))
        .and(header("secret", "the-secret"))
        .respond_with(ResponseTemplate::new(200).set_body_json(ending_in(3000, true)))
        .expect(1)
        .mount(&server)
        .await;
    let source = MachineLearning::new(&on_sockets(), assigned(), &server.uri(), Secret::new("the-secret")).unwrap();
    fetch(&source).await.unwrap();

    let by_resource = ManagedIdentityId::resource(RESOURCE).unwrap();
    let error = MachineLearning::new(&on_sockets(), by_resource, &server.uri(), Secret::new("x")).unwrap_err();
    assert_eq!(error.field(), Some("identity"));
}

#[tokio::test]
async fn cloud_shell_is_asked_with_a_form_and_knows_no_other_identity() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header("metadata", "true"))
        .and(body_string("resource=https%3A%2F%2Fmanagement.azure.com"))
        .respond_with(ResponseTemplate::new(200).set_body_json(documented(true)))
        .expect(1)
        .mount(&server)
        .await;
    fetch(&CloudShell::new(&on_sockets(), &ManagedIdentityId::System, &server.uri()).unwrap()).await.unwrap();
    let error = CloudShell::new(&on_sockets(), &assigned(), &server.uri()).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("identity")));
}

#[test]
fn an_endpoint_elsewhere_is_refused_before_the_header_goes_there() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let _guard = runtime.enter();
    for endpoint in ["http://example.com/msi/token", "http://8.8.8.8/", "nonsense"] {
        let error = AppService::new(&on_sockets(), ManagedIdentityId::System, endpoint, Secret::new("x")).unwrap_err();
        assert_eq!((error.field(), error.effect()), (Some("IDENTITY_ENDPOINT"), Effect::None), "{endpoint}");
    }
}

#[tokio::test]
async fn each_refusal_is_told_with_its_advice_and_neither_header_nor_token_is_shown() {
    let canary = Canary::new();
    let ears = canary.listen();
    let secret = canary.secret();
    for (status, description, kind, advice) in [
        (400, "Identity not found".to_owned(), ErrorKind::Unauthenticated, "assign the identity"),
        (400, format!("AADSTS700016: {}", secret.expose()), ErrorKind::Unauthenticated, "client id"),
        (401, secret.expose().to_owned(), ErrorKind::Unauthenticated, "stands between"),
        (403, String::new(), ErrorKind::PermissionDenied, "may ask there"),
        (404, String::new(), ErrorKind::Unavailable, "some minutes"),
        (429, String::new(), ErrorKind::Throttled, "ask less often"),
        (500, secret.expose().to_owned(), ErrorKind::Unavailable, "later"),
    ] {
        let server = MockServer::start().await;
        let body = json!({"error": "x", "error_description": description, "access_token": secret.expose()});
        let template = ResponseTemplate::new(status).set_body_json(body);
        Mock::given(wiremock::matchers::any()).respond_with(template).mount(&server).await;
        let platform = on_sockets();
        let sources: [Box<dyn TokenSource>; 3] = [
            Box::new(AppService::new(&platform, assigned(), &server.uri(), canary.secret()).unwrap()),
            Box::new(MachineLearning::new(&platform, assigned(), &server.uri(), canary.secret()).unwrap()),
            Box::new(CloudShell::new(&platform, &ManagedIdentityId::System, &server.uri()).unwrap()),
        ];
        let debug = AppService::new(&platform, assigned(), &server.uri(), canary.secret()).unwrap();
        for source in &sources {
            let error = fetch(&**source).await.unwrap_err();
            assert_eq!((error.kind(), error.effect()), (kind, Effect::None), "{status}: {error}");
            assert!(error.advice().contains(advice), "{status}: {}", error.advice());
            assert_eq!(error.retry() != Retry::No, matches!(status, 404 | 429 | 500), "{status}");
            canary.assert_absent("an error", format!("{error} {error:?} {} {debug:?}", error.advice()).as_bytes());
        }
    }
    drop(ears);
    assert!(canary.heard() > 0);
    canary.assert_absent_from_logs();
}
