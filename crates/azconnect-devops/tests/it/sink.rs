//! A service connection as a sink of rotated secrets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use azconnect_core::{Clock, Effect, ErrorKind, Secret};
use azconnect_credential::{Candidate, CheckStatus, CredentialSink, CredentialVerdict};
use azconnect_devops::{
    CandidateTest, EndpointChange, OrganizationName, ProjectRef, RegistryCheck, ServiceConnectionSink,
};
use azconnect_http::SystemClock;
use azconnect_testkit::Canary;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::support::{CLIENT, Fake, ID, TENANT, azurerm, client_with, docker, endpoint, endpoints, id, pipeline};

fn sink(server: &MockServer) -> ServiceConnectionSink {
    ServiceConnectionSink::new(endpoints(server), id())
        .unwrap()
        .with_application(TENANT.parse().unwrap(), CLIENT.parse().unwrap())
        .with_registry_check(RegistryCheck::new(pipeline()).danger_allow_http_loopback())
}

fn refuse(fake: &Fake, code: &str) {
    let text = format!("Failed to obtain the Json Web Token. Exception message: {code}: no.");
    fake.with(|state| state.verdict = json!({"result": [], "statusCode": 500, "errorMessage": text}));
}

#[tokio::test]
async fn a_push_tests_writes_and_reads_back() {
    let fake = Fake::new(azurerm());
    let server = fake.start().await;
    let sink = sink(&server);
    assert_eq!(sink.id().as_str(), format!("devops:contoso/{ID}"));
    let report = sink.inspect().await.unwrap();
    assert!(report.checks.is_empty());
    assert_eq!(report.title, "service connection \"deploy\" (AzureRM) in contoso/Web");

    let secret = Secret::new("new-secret");
    let candidate = Candidate::new(&secret);
    let receipt = sink.push(&candidate).await.unwrap();
    assert!(receipt.evidence.contains("read back"), "{}", receipt.evidence);
    let (tested, written) = fake.with(|state| (state.tests[0].clone(), state.writes[0].clone()));
    assert_eq!(tested["dataSourceDetails"], json!({"dataSourceName": "TestConnection"}));
    assert_eq!(tested["serviceEndpointDetails"]["authorization"]["parameters"]["ServicePrincipalKey"], "new-secret");
    assert_eq!(written["authorization"]["parameters"]["ServicePrincipalKey"], "new-secret");
    assert!(sink.verify(&candidate).await.is_accepted());
    let stored = fake.with(|state| state.tests[1].clone());
    assert!(stored.get("serviceEndpointDetails").is_none(), "the stored credential is tested, not the candidate");
    sink.push(&candidate).await.expect("pushing what it holds already succeeds");
}

/// A secret is changed only with Administer (bit 2) on `endpoints/Collection/{id}`, whatever groups the caller is in.
#[tokio::test]
async fn who_may_not_change_the_secret_is_told_before_anything_is_tested_or_written() {
    let fake = Fake::new(azurerm());
    fake.with(|state| state.administers = Some(false));
    let server = fake.start().await;
    let sink = sink(&server);
    let report = sink.inspect().await.unwrap();
    let check = report.checks.of("may-not-change-secret").unwrap();
    assert!(check.blocks() && check.remedy.contains("[contoso]\\Project Collection Administrators"), "{check}");
    let asked = fake.with(|state| state.asked[0].clone());
    assert_eq!(
        (asked["token"].clone(), asked["permissions"].clone()),
        (json!(format!("endpoints/Collection/{ID}")), json!(2))
    );

    let error = sink.push(&Candidate::new(&Secret::new("new-secret"))).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::None));
    assert_eq!(error.service_code(), Some("may-not-change-secret"));
    assert_eq!(fake.with(|state| (state.writes.len(), state.tests.len())), (0, 0));
}

/// The permission service may be closed to the caller: then the write itself tells.
#[tokio::test]
async fn a_permission_that_cannot_be_read_is_unknown_and_no_blocker() {
    let fake = Fake::new(azurerm());
    fake.with(|state| state.administers = None);
    let server = fake.start().await;
    let sink = sink(&server);
    let report = sink.inspect().await.unwrap();
    let check = report.checks.of("permission-unknown").unwrap();
    assert!(check.status == CheckStatus::Unknown && check.is_advisory && report.accepts(), "{check}");
    sink.push(&Candidate::new(&Secret::new("new-secret"))).await.unwrap();
    assert_eq!(fake.with(|state| state.writes.len()), 1);
}

#[tokio::test]
async fn a_refused_candidate_is_never_written() {
    let secret = Secret::new("new-secret");
    for (code, minted, kind) in [
        ("AADSTS7000215", None, ErrorKind::InvalidInput),
        ("AADSTS7000215", Some(SystemClock::new().now()), ErrorKind::Unavailable),
        ("AADSTS7000222", Some(SystemClock::new().now()), ErrorKind::InvalidInput),
        ("AADSTS7000112", None, ErrorKind::Unavailable),
        ("AADSTS90002", None, ErrorKind::Unavailable),
    ] {
        let fake = Fake::new(azurerm());
        refuse(&fake, code);
        let server = fake.start().await;
        let mut candidate = Candidate::new(&secret);
        candidate.minted_at = minted;
        let error = sink(&server).push(&candidate).await.unwrap_err();
        assert_eq!((error.kind(), error.effect(), error.service_code()), (kind, Effect::None, Some(code)));
        assert_eq!(fake.with(|state| state.writes.len()), 0);
    }
}

#[tokio::test]
async fn the_time_to_propagate_is_the_caller_s() {
    let fake = Fake::new(azurerm());
    refuse(&fake, "AADSTS7000215");
    let server = fake.start().await;
    let minted = Some(SystemClock::new().now() - Duration::from_secs(120));
    let usual = endpoints(&server);
    assert_eq!(usual.verify_stored(&endpoint(azurerm()), minted).await.verdict, CredentialVerdict::Pending);
    let brief = usual.with_propagation(Duration::from_secs(60));
    assert_eq!(brief.verify_stored(&endpoint(azurerm()), minted).await.verdict, CredentialVerdict::Rejected);
}

#[tokio::test]
async fn an_inconclusive_test_stops_the_push_only_if_one_is_required() {
    let secret = Secret::new("new-secret");
    let fake = Fake::new(azurerm());
    fake.with(|state| state.verdict = json!({"statusCode": "forbidden", "errorMessage": ""}));
    let server = fake.start().await;
    let strict = sink(&server).with_candidate_test(CandidateTest::Required);
    assert_eq!(strict.push(&Candidate::new(&secret)).await.unwrap_err().effect(), Effect::None);
    assert_eq!(fake.with(|state| state.writes.len()), 0);
    sink(&server).push(&Candidate::new(&secret)).await.unwrap();
    assert_eq!(fake.with(|state| state.writes.len()), 1);
}

#[tokio::test]
async fn a_connection_of_another_application_or_tenant_is_refused() {
    let other = "d6245f20-2af8-44f4-9451-8107cb2767db";
    for (parameter, rule) in [("serviceprincipalid", "other-application"), ("tenantId", "other-tenant")] {
        let mut document = azurerm();
        document["authorization"]["parameters"][parameter] = other.into();
        let server = Fake::new(document).start().await;
        let report = sink(&server).inspect().await.unwrap();
        assert_eq!(report.checks.checks[0].code, rule);
        assert!(!report.accepts());
    }
}

#[tokio::test]
async fn a_change_between_reading_and_writing_is_not_overwritten() {
    let fake = Fake::new(azurerm());
    fake.with(|state| state.meddle = Some((2, |document| document["description"] = "somebody else".into())));
    let server = fake.start().await;
    let error = sink(&server).push(&Candidate::new(&Secret::new("new-secret"))).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None));
    assert!(error.to_string().contains("description") && !error.to_string().contains("somebody else"));
    assert_eq!(fake.with(|state| state.writes.len()), 0);
}

#[tokio::test]
async fn a_connection_that_is_not_what_was_written_is_reported() {
    let fake = Fake::new(azurerm());
    fake.with(|state| state.distort = Some(|document| document["data"]["subscriptionId"] = "lost".into()));
    let server = fake.start().await;
    let error = endpoints(&server)
        .update(&endpoint(azurerm()), &EndpointChange::new().with_secret(&Secret::new("new-secret")))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::Unknown));
    assert!(error.to_string().contains("data.subscriptionId"));
}

/// A registry that gives tokens for one password.
#[derive(Clone)]
struct Registry {
    password: &'static str,
    realm: Arc<Mutex<String>>,
}

impl Respond for Registry {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let header = request.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let realm = self.realm.lock().unwrap().clone();
        let expected = azconnect_test_basic(CLIENT, self.password);
        match (request.url.path(), header.as_deref()) {
            ("/v2/", Some("Bearer registry-token")) => ResponseTemplate::new(200),
            ("/v2/", _) => ResponseTemplate::new(401)
                .insert_header("www-authenticate", format!("Bearer realm=\"{realm}\",service=\"r.example\"")),
            ("/token", Some(header)) if header == expected => {
                assert_eq!(request.url.query(), Some("service=r.example"));
                ResponseTemplate::new(200).set_body_json(json!({"token": "registry-token"}))
            }
            ("/token", _) => ResponseTemplate::new(401),
            _ => ResponseTemplate::new(404),
        }
    }
}

fn azconnect_test_basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

async fn registry(password: &'static str) -> (MockServer, Registry) {
    let server = MockServer::start().await;
    let realm = Arc::new(Mutex::new(format!("{}/token", server.uri())));
    let registry = Registry { password, realm };
    Mock::given(any()).respond_with(registry.clone()).mount(&server).await;
    (server, registry)
}

#[tokio::test]
async fn a_docker_password_is_proven_at_the_registry_s_own_login() {
    let (registry, _) = registry("good-password").await;
    let fake = Fake::new(docker(&registry.uri()));
    let server = fake.start().await;
    let sink = sink(&server).with_destination(registry.uri());
    assert!(sink.inspect().await.unwrap().checks.is_empty());

    let wrong = Secret::new("wrong-password");
    let error = sink.push(&Candidate::new(&wrong)).await.unwrap_err();
    assert_eq!((error.effect(), error.service_code()), (Effect::None, Some("RegistryUnauthorized")));
    let young = Candidate::new(&wrong).with_minted_at(SystemClock::new().now());
    assert_eq!(sink.verify(&young).await.verdict, CredentialVerdict::Pending);
    assert_eq!(fake.with(|state| (state.writes.len(), state.tests.len())), (0, 0));

    let good = Secret::new("good-password");
    sink.push(&Candidate::new(&good)).await.unwrap();
    assert_eq!(fake.with(|state| state.writes[0]["authorization"]["parameters"]["password"].clone()), "good-password");
    assert!(sink.verify(&Candidate::new(&good)).await.is_accepted());
}

/// The firewall of an Azure Container Registry answers 403, to the first request or to the login, without a look at the
/// password.
#[tokio::test]
async fn a_registry_s_403_says_nothing_of_the_password() {
    let challenge = |realm: &str| ResponseTemplate::new(401).insert_header("www-authenticate", realm);
    let secret = Secret::new("new-secret");
    let old = Candidate::new(&secret).with_minted_at(SystemClock::new().now() - Duration::from_secs(86_400));
    for walled in ["/v2/", "/token", "basic"] {
        let server = MockServer::start().await;
        let realm = match walled {
            "basic" => "Basic realm=\"r\"".to_owned(),
            _ => format!("Bearer realm=\"{}/token\"", server.uri()),
        };
        let answer = move |request: &Request| match (request.url.path(), request.headers.get("authorization")) {
            (path, _) if path == walled => ResponseTemplate::new(403),
            ("/v2/", None) => challenge(&realm),
            _ => ResponseTemplate::new(403),
        };
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let check = RegistryCheck::new(pipeline()).danger_allow_http_loopback();
        let assessment = check.verify(&server.uri(), CLIENT, &old).await;
        assert_eq!(assessment.verdict, CredentialVerdict::Inconclusive, "{walled}: {assessment:?}");
        assert!(assessment.evidence.contains("403"), "{assessment:?}");
    }
}

/// Two secrets live, and the connection works: with which of them is not known unless the date of its last change moved.
#[tokio::test]
async fn a_connection_that_works_proves_nothing_if_no_date_has_moved() {
    let secret = Secret::new("new-secret");
    let candidate = Candidate::new(&secret).with_minted_at(SystemClock::new().now() - Duration::from_secs(3600));
    for date in [json!(null), json!("2026-01-01T00:00:00Z")] {
        let mut document = azurerm();
        document["modificationDate"] = date.clone();
        let fake = Fake::new(document);
        fake.with(|state| state.date = Some(date));
        let server = fake.start().await;
        let sink = sink(&server);
        let receipt = sink.push(&candidate).await.unwrap();
        assert_eq!(receipt.revision, None);
        let assessment = sink.verify(&candidate).await;
        assert_eq!(assessment.verdict, CredentialVerdict::Inconclusive, "{assessment:?}");
        assert!(assessment.evidence.contains("did not move") && assessment.advice().is_some(), "{assessment:?}");
    }
}

#[tokio::test]
async fn a_password_is_not_sent_to_a_foreign_realm() {
    let (thief, _) = registry("good-password").await;
    let (server_of_registry, registry) = registry("good-password").await;
    let foreign = thief.uri().replace("127.0.0.1", "localhost");
    *registry.realm.lock().unwrap() = format!("{foreign}/token");
    let server = Fake::new(docker(&server_of_registry.uri())).start().await;
    let secret = Secret::new("good-password");
    let sink = sink(&server).with_destination(server_of_registry.uri());
    let assessment = sink.verify(&Candidate::new(&secret)).await;
    assert_eq!(
        (assessment.verdict, assessment.service_code()),
        (CredentialVerdict::Inconclusive, Some("ForeignRealm"))
    );
    assert!(thief.received_requests().await.unwrap().is_empty());

    let by_host = RegistryCheck::new(pipeline()).danger_allow_http_loopback();
    let other_port = by_host.clone().with_token_host("localhost");
    let assessment = other_port.verify(&server_of_registry.uri(), CLIENT, &Candidate::new(&secret)).await;
    assert_eq!(assessment.service_code(), Some("ForeignRealm"), "it was allowed on its usual port only");
    let allowed = by_host.with_token_host(foreign.trim_start_matches("http://"));
    let assessment = allowed.verify(&server_of_registry.uri(), CLIENT, &Candidate::new(&secret)).await;
    assert_eq!(thief.received_requests().await.unwrap().len(), 1);
    assert!(assessment.is_accepted(), "{assessment:?}");
}

#[tokio::test]
async fn a_registry_on_an_internal_network_is_not_called() {
    let check = RegistryCheck::new(pipeline());
    for registry in [
        "https://10.0.0.1",
        "http://registry.example.com",
        "https://[::1]",
        "https://localhost",
        "vault.internal",
        "metadata",
    ] {
        assert!(check.reachable(registry).await.is_err(), "{registry}");
    }
}

#[tokio::test]
async fn the_secret_is_nowhere_but_in_the_requests() {
    for canary in [Canary::new(), Canary::awkward()] {
        let ears = canary.listen();
        let fake = Fake::new(azurerm());
        let server = fake.start().await;
        let pat = Canary::new();
        canary.watch(&pat.secret());
        let organization =
            client_with(&server, pat.secret()).organization(&OrganizationName::new("contoso").unwrap()).unwrap();
        let sink = ServiceConnectionSink::new(organization.endpoints(ProjectRef::new("Web").unwrap()), id()).unwrap();
        let secret = canary.secret();
        let candidate = Candidate::new(&secret);
        let receipt = sink.push(&candidate).await.unwrap();
        let verified = sink.verify(&candidate).await;
        assert_eq!(
            fake.with(|state| state.writes[0]["authorization"]["parameters"]["ServicePrincipalKey"].clone()),
            secret.expose()
        );
        // A service that repeats what it was sent.
        fake.with(|state| {
            let text = format!("AADSTS7000215: Invalid client secret provided: {}", secret.expose());
            state.verdict = json!({"result": [secret.expose()], "statusCode": 500, "errorMessage": text});
        });
        let error = sink.push(&candidate).await.unwrap_err();
        let refused = sink.verify(&candidate).await;
        let broken = MockServer::start().await;
        let echo = json!({"message": format!("cannot use {}", secret.expose()), "typeKey": secret.expose()});
        Mock::given(any()).respond_with(ResponseTemplate::new(400).set_body_json(echo)).mount(&broken).await;
        let echoed = endpoints(&broken).get(id()).await.unwrap_err();
        let everything = format!(
            "{receipt:?}{verified:?}{error}{error:?}{}{refused:?}{sink:?}{candidate:?}{echoed}{echoed:?}",
            error.advice()
        );
        canary.assert_absent("what the client returned", everything.as_bytes());
        canary.assert_absent_from_logs();
        assert!(canary.heard() > 0);
        drop(ears);
    }
}
