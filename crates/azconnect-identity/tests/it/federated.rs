//! Tokens of other issuers: where they come from, and how an application signs in with them.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use azconnect_core::{Cloud, Effect, Error, ErrorKind, NoRetry, Scope, Secret};
use azconnect_emulator::{Emulator, Seed};
use azconnect_http::{Pipeline, ReqwestTransport, SystemClock};
use azconnect_identity::federated::{
    AssertionSource, AzurePipelines, FederatedProof, FnAssertion, GitHubActions, TokenAssertion, TokenFile,
    WorkloadIdentity,
};
use azconnect_identity::{Application, Availability, TokenEndpoint, TokenRequest, TokenSource};
use azconnect_testkit::{Canary, VirtualClock, fake};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use wiremock::matchers::{any, body_string, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::stage::{CLIENT, Scripted, TENANT, client, tenant, token};

const AUDIENCE: &str = "api://AzureADTokenExchange";

fn on_sockets() -> Pipeline {
    let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
    Pipeline::new(Arc::new(transport), Arc::new(SystemClock::new())).with_retry(Arc::new(NoRetry))
}

async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    server
}

#[tokio::test]
async fn a_file_is_read_at_each_use_and_trimmed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "a.first.one\n").unwrap();
    let source = TokenFile::new(&path);
    assert_eq!(source.assertion(AUDIENCE).await.unwrap().expose(), "a.first.one");
    std::fs::write(&path, "a.second.one").unwrap();
    assert_eq!(source.assertion(AUDIENCE).await.unwrap().expose(), "a.second.one");
}

#[tokio::test]
async fn a_file_without_a_token_is_told_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("empty"), " \n").unwrap();
    std::fs::write(path("other"), "s3cr3t-but-no-token").unwrap();
    std::fs::write(path("huge"), format!("a.b.{}", "c".repeat(20_000))).unwrap();
    for (name, kind, why) in [
        ("missing", ErrorKind::NotFound, "does not exist"),
        ("empty", ErrorKind::Corrupt, "is empty"),
        ("other", ErrorKind::Corrupt, "no signed token"),
        ("huge", ErrorKind::Corrupt, "larger than"),
    ] {
        let error = TokenFile::new(path(name)).assertion(AUDIENCE).await.unwrap_err();
        assert_eq!((error.kind(), error.effect(), error.field()), (kind, Effect::None, Some("token_file")), "{error}");
        assert!(error.message().contains(why) && error.message().contains(name), "{error}");
        assert!(error.advice().contains("projected"), "{}", error.advice());
        assert!(!format!("{error:?}").contains("s3cr3t"));
    }
}

#[tokio::test]
async fn github_is_asked_at_an_address_that_has_a_query_already() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/run/idtoken"))
        .and(query_param("api-version", "2.0"))
        .and(query_param("audience", AUDIENCE))
        .and(header("authorization", "bearer the-job"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"count": 1, "value": "a.b.c"})))
        .expect(1)
        .mount(&server)
        .await;
    let url = format!("{}/run/idtoken?api-version=2.0", server.uri());
    let lookup = |name: &str| match name {
        "ACTIONS_ID_TOKEN_REQUEST_URL" => Some(url.clone()),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => Some("the-job".to_owned()),
        _ => None,
    };
    let source = GitHubActions::from_variables(on_sockets(), lookup).unwrap().here().unwrap();
    assert_eq!(source.assertion(AUDIENCE).await.unwrap().expose(), "a.b.c");
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked[0].url.query(), Some("api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange"));
}

#[tokio::test]
async fn a_job_without_the_permission_has_no_variables() {
    let none = GitHubActions::from_variables(on_sockets(), |_| None).unwrap();
    assert!(matches!(none, Availability::NotHere(reason) if reason.contains("id-token: write")));
    for bad in ["nonsense", "http://example.com/?x=1"] {
        let error = GitHubActions::new(on_sockets(), bad, Secret::new("t")).unwrap_err();
        assert_eq!(error.field(), Some("ACTIONS_ID_TOKEN_REQUEST_URL"), "{bad}");
    }
}

#[tokio::test]
async fn azure_pipelines_is_asked_for_a_connection_with_an_empty_body() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(query_param("api-version", "7.1"))
        .and(query_param("serviceConnectionId", "the-connection"))
        .and(header("authorization", "bearer the-job"))
        .and(header("content-type", "application/json"))
        .and(header("x-tfs-fedauthredirect", "Suppress"))
        .and(body_string(""))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"oidcToken": "a.b.c"})))
        .expect(1)
        .mount(&server)
        .await;
    let lookup = |name: &str| match name {
        "SYSTEM_OIDCREQUESTURI" => Some(server.uri()),
        "SYSTEM_ACCESSTOKEN" => Some("the-job".to_owned()),
        _ => None,
    };
    let source = AzurePipelines::from_variables(on_sockets(), "the-connection", lookup).unwrap().here().unwrap();
    assert_eq!(source.assertion(AUDIENCE).await.unwrap().expose(), "a.b.c");
    assert_eq!(source.assertion("api://other").await.unwrap_err().field(), Some("audience"));

    let unmapped =
        AzurePipelines::from_variables(on_sockets(), "c", |name| lookup(name).filter(|text| text != "the-job"));
    assert!(matches!(unmapped.unwrap(), Availability::NotHere(reason) if reason.contains("System.AccessToken")));
}

#[tokio::test]
async fn what_a_job_is_refused_or_answered_wrongly_is_told_and_not_shown() {
    let canary = Canary::new();
    let ears = canary.listen();
    let secret = canary.secret();
    for (status, body, kind) in [
        (401, secret.expose().to_owned(), ErrorKind::Unauthenticated),
        (403, String::new(), ErrorKind::PermissionDenied),
        (404, String::new(), ErrorKind::NotFound),
        (203, format!("<html>{}", secret.expose()), ErrorKind::Unexpected),
        (302, String::new(), ErrorKind::Unexpected),
        (200, json!({"value": secret.expose(), "oidcToken": secret.expose()}).to_string(), ErrorKind::Corrupt),
        (200, json!({"value": null, "oidcToken": [secret.expose()]}).to_string(), ErrorKind::Unexpected),
        (503, String::new(), ErrorKind::Unavailable),
    ] {
        let server = answering(ResponseTemplate::new(status).set_body_string(&body)).await;
        let github = GitHubActions::new(on_sockets(), &server.uri(), canary.secret()).unwrap();
        let pipelines = AzurePipelines::new(on_sockets(), &server.uri(), canary.secret(), "c").unwrap();
        for (source, word) in [(&github as &dyn AssertionSource, "id-token: write"), (&pipelines, "authorised")] {
            let error = source.assertion(AUDIENCE).await.unwrap_err();
            assert_eq!((error.kind(), error.effect()), (kind, Effect::None), "{status}: {error}");
            assert_eq!(error.advice().contains(word), matches!(status, 401..=404), "{status}: {}", error.advice());
            canary.assert_absent("an error", format!("{error} {error:?} {github:?} {pipelines:?}").as_bytes());
        }
    }
    drop(ears);
    assert!(canary.heard() > 0);
    canary.assert_absent_from_logs();
}

/// An endpoint at which an application shows the token of a source.
fn application(endpoint: TokenEndpoint, source: impl AssertionSource + 'static) -> Application {
    Application::new(endpoint, client(), Arc::new(FederatedProof::new(source)))
}

async fn sign_in(application: &Application) -> Result<(), Error> {
    application.fetch(TokenRequest::new(&Cloud::public().graph_scope())).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn what_is_no_token_is_never_sent() {
    let script = Scripted::new(|_| Ok(token()));
    let source = FnAssertion::new(|_: &str| async { Ok(Secret::new("no-token")) });
    let error = sign_in(&application(script.endpoint(), source)).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Corrupt, Some("assertion")));
    let failing = FnAssertion::new(|_: &str| async { Err(Error::new(ErrorKind::Unavailable, "the issuer is down")) });
    assert_eq!(sign_in(&application(script.endpoint(), failing)).await.unwrap_err().message(), "the issuer is down");
    assert_eq!(script.requests(), 0);
}

/// Remembers for which audience it was asked.
#[derive(Clone, Default)]
struct Noting(Arc<std::sync::Mutex<Vec<String>>>);

#[async_trait]
impl AssertionSource for Noting {
    async fn assertion(&self, audience: &str) -> Result<Secret, Error> {
        self.0.lock().unwrap().push(audience.to_owned());
        Ok(Secret::new("a.b.c"))
    }
}

#[tokio::test(start_paused = true)]
async fn the_audience_is_the_usual_one_or_the_caller_s() {
    let script = Scripted::new(|_| Ok(token()));
    let noting = Noting::default();
    sign_in(&application(script.endpoint(), noting.clone())).await.unwrap();
    let proof = FederatedProof::new(noting.clone()).with_audience("api://AzureADTokenExchangeUSGov");
    sign_in(&Application::new(script.endpoint(), client(), Arc::new(proof))).await.unwrap();
    assert_eq!(*noting.0.lock().unwrap(), [AUDIENCE, "api://AzureADTokenExchangeUSGov"]);
}

#[tokio::test]
async fn a_token_of_one_s_own_serves_as_assertion() {
    let tokens = Arc::new(fake::Tokens::new(Arc::new(azconnect_testkit::ManualClock::new())));
    let given = TokenAssertion::new(tokens.clone()).assertion(AUDIENCE).await.unwrap();
    let scope = Scope::of_resource(AUDIENCE);
    let held = azconnect_credential::TokenProvider::token(&*tokens, &scope).await.unwrap();
    assert!(given.same_as(&held.secret));
}

#[tokio::test]
async fn a_workload_is_known_by_its_variables() {
    let all = [
        ("AZURE_CLIENT_ID", CLIENT),
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_FEDERATED_TOKEN_FILE", "/var/run/secrets/azure/tokens/azure-identity-token"),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"),
    ];
    let find = |changed: Option<(&'static str, &'static str)>| {
        WorkloadIdentity::from_variables(move |name| {
            let value = all.iter().find(|(held, _)| *held == name).map(|(_, value)| *value);
            let value = changed.filter(|(other, _)| *other == name).map_or(value, |(_, value)| Some(value));
            value.map(str::to_owned)
        })
    };
    let workload = find(None).unwrap().here().unwrap();
    assert_eq!(workload.cloud().unwrap().name(), "AzureUSGovernment");
    assert!(workload.application(on_sockets(), &Cloud::us_government()).is_ok());
    let elsewhere = workload.application(on_sockets(), &Cloud::public()).unwrap_err();
    assert_eq!((elsewhere.kind(), elsewhere.field()), (ErrorKind::InvalidInput, Some("AZURE_AUTHORITY_HOST")));

    for name in ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"] {
        let missing = find(Some((name, " "))).unwrap();
        assert!(matches!(missing, Availability::NotHere(reason) if reason.contains(name)), "{name}");
    }
    for name in ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST"] {
        let error = find(Some((name, "nonsense"))).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(name)), "set, and wrong: {name}");
    }
    let unknown = find(Some(("AZURE_AUTHORITY_HOST", "https://login.stack.example/"))).unwrap().here().unwrap();
    assert!(unknown.cloud().is_none());
}

/// A key of an issuer, and what it publishes.
struct Issuer(KeyPair);

impl Issuer {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        Self(KeyPair::from_pkcs8(key.serialized_der()).unwrap())
    }

    fn published(&self) -> Value {
        // `SEQUENCE { INTEGER 0x00…, INTEGER }` of a key with 2048 bits.
        let der = self.0.public_key().as_ref();
        json!({"kty": "RSA", "kid": "k1", "n": URL_SAFE_NO_PAD.encode(&der[9..265]), "e": URL_SAFE_NO_PAD.encode(&der[267..])})
    }

    fn sign(&self, subject: &str) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        // The clock of the tests stands at 2026-01-01.
        let claims = json!({"iss": "https://issuer.example", "sub": subject, "aud": AUDIENCE, "exp": 1_767_225_900});
        let text = format!("{}.{}", part(&json!({"alg": "RS256", "kid": "k1"})), part(&claims));
        let mut bytes = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut bytes).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[tokio::test(start_paused = true)]
async fn a_workload_signs_in_with_its_file_and_a_wrong_subject_is_told_with_github_s_ids() {
    let issuer = Issuer::new();
    let seed = json!({
        "issuers": [{"issuer": "https://issuer.example", "keys": [issuer.published()]}],
        "tenants": [{"id": TENANT, "domain": "contoso.onmicrosoft.com", "applications": [{
            "displayName": "Deployer", "clientId": CLIENT,
            "federatedCredentials": [{"name": "pod", "issuer": "https://issuer.example", "subject": "the-pod"}],
        }]}],
    });
    let clock = VirtualClock::new();
    let emulator = Emulator::from_seed(Seed::from_json(&seed.to_string()).unwrap(), Arc::new(clock.clone())).unwrap();
    let pipeline = Pipeline::new(emulator.transport(), Arc::new(clock)).with_retry(Arc::new(NoRetry));
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("token");
    let workload = WorkloadIdentity::new(tenant(), client(), &path);
    let application = workload.application(pipeline, &emulator.cloud()).unwrap();

    std::fs::write(&path, issuer.sign("the-pod")).unwrap();
    sign_in(&application).await.unwrap();
    std::fs::write(&path, issuer.sign("repo:contoso@1/web@2:ref:refs/heads/main")).unwrap();
    let error = sign_in(&application).await.unwrap_err();
    assert_eq!((error.service_code(), error.effect()), (Some("AADSTS700213"), Effect::None));
    assert!(error.advice().contains("repo:owner@id/name@id"), "{}", error.advice());
}
