//! Connections of every kind that may hold an application's secret, and of those that do not.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, NoRetry, Secret};
use azconnect_credential::{Candidate, CheckStatus, ConsumerFinder, CredentialSink, CredentialVerdict};
use azconnect_devops::{
    ConnectionAddress, ConnectionSearch, Endpoint, EndpointQuery, Execution, OrganizationName, Picker, ProjectAddress,
    ProjectRef, RegistryCheck, ServiceConnectionSink, ServiceConnections,
};
use azconnect_http::Pipeline;
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

use crate::support::{CLIENT, Fake, ID, Script, TENANT, azurerm, endpoint, endpoints, id, plain};

const OTHER: &str = "d6245f20-2af8-44f4-9451-8107cb2767db";

fn document(kind: &str, url: &str, data: Value, (scheme, parameters): (&str, Value)) -> Value {
    json!({"id": ID, "name": "one", "type": kind, "url": url, "data": data, "isReady": true, "isShared": false,
        "authorization": {"scheme": scheme, "parameters": parameters}})
}

fn azure_registry(login_server: &str) -> Value {
    let parameters = json!({"loginServer": login_server, "tenantid": TENANT, "servicePrincipalId": CLIENT,
        "authenticationType": "spnKey", "serviceprincipalkey": null});
    document(
        "dockerregistry",
        "https://hub.docker.com/",
        json!({"registrytype": "ACR"}),
        ("ServicePrincipal", parameters),
    )
}

fn cluster(parameters: Value) -> Value {
    let data = json!({"authorizationType": "AzureSubscription"});
    document("kubernetes", "https://cluster.contoso.com:6443/", data, ("Kubernetes", parameters))
}

fn server(url: &str) -> Value {
    document("generic", url, json!({}), ("UsernamePassword", json!({"username": CLIENT, "password": null})))
}

/// The service with one connection, and registries that ask for a login.
fn service(document: Value) -> Script {
    Script::new(move |request| {
        let uri = request.uri().to_string();
        if uri.contains("permissionevaluationbatch") {
            let text = String::from_utf8(request.body().to_vec()).unwrap();
            let mut answer: Value = serde_json::from_str(&text).unwrap();
            answer["evaluations"][0]["value"] = true.into();
            return plain(200, answer);
        }
        if uri.contains("/v2/") {
            return (401, vec![("www-authenticate", "Basic realm=\"r\"".to_owned())], Value::Null);
        }
        plain(200, document.clone())
    })
}

fn sink(script: &Script) -> ServiceConnectionSink {
    let clock = VirtualClock::new();
    let registry = Pipeline::new(Arc::new(script.clone()), Arc::new(clock.clone())).with_retry(Arc::new(NoRetry));
    ServiceConnectionSink::new(script.organization(&clock).endpoints(ProjectRef::new("Web").unwrap()), id())
        .unwrap()
        .with_application(TENANT.parse().unwrap(), CLIENT.parse().unwrap())
        .with_registry_check(RegistryCheck::new(registry))
}

fn certificate() -> Value {
    let mut document = azurerm();
    document["authorization"]["parameters"] = json!({"tenantid": TENANT, "serviceprincipalid": CLIENT,
        "authenticationType": "spnCertificate", "servicePrincipalCertificate": null});
    document
}

/// `authenticationType` tells a service principal's certificate from its key; the secret of a rotation is no certificate.
#[tokio::test]
async fn a_connection_with_a_certificate_is_refused_by_that_name_and_left_as_it_is() {
    let fake = Fake::new(certificate());
    let server = fake.start().await;
    let sink = ServiceConnectionSink::new(endpoints(&server), id()).unwrap();
    let sink = sink.with_application(TENANT.parse().unwrap(), CLIENT.parse().unwrap());
    let report = sink.inspect().await.unwrap();
    let check = report.checks.of("certificate").unwrap();
    assert!(check.blocks() && check.cause.contains("certificate") && check.remedy.contains("by name"), "{check}");
    let error = sink.push(&Candidate::new(&Secret::new("new-secret"))).await.unwrap_err();
    assert_eq!((error.service_code(), error.effect()), (Some("certificate"), Effect::None));
    assert_eq!(fake.with(|state| (state.writes.len(), state.tests.len())), (0, 0));
}

#[tokio::test]
async fn a_certificate_gives_way_to_the_secret_where_that_is_asked_for_by_name() {
    let fake = Fake::new(certificate());
    let server = fake.start().await;
    let sink = ServiceConnectionSink::new(endpoints(&server), id()).unwrap().with_certificate_replaced(true);
    let sink = sink.with_application(TENANT.parse().unwrap(), CLIENT.parse().unwrap());
    let report = sink.inspect().await.unwrap();
    let check = report.checks.of("certificate").unwrap();
    assert!(report.accepts() && check.status == CheckStatus::Unknown && check.is_advisory, "{check}");
    let secret = Secret::new("new-secret");
    let candidate = Candidate::new(&secret);
    sink.push(&candidate).await.unwrap();
    let (tested, written) =
        fake.with(|state| (state.tests[0]["serviceEndpointDetails"].clone(), state.writes[0].clone()));
    for sent in [tested, written] {
        let parameters = &sent["authorization"]["parameters"];
        assert_eq!(
            (&parameters["authenticationType"], &parameters["serviceprincipalkey"]),
            (&json!("spnKey"), &json!("new-secret"))
        );
        assert!(parameters.get("servicePrincipalCertificate").is_none(), "the rival does not stay: {parameters}");
    }
    assert!(sink.verify(&candidate).await.is_accepted());
}

#[tokio::test(start_paused = true)]
async fn the_host_of_every_kind_must_be_agreed_to() {
    let secret = Secret::new("new-secret");
    for (document, hosts) in [
        (azure_registry("contoso.azurecr.io"), "contoso.azurecr.io"),
        (hub(json!({"username": CLIENT})), "index.docker.io"),
        (hub(json!({"username": CLIENT, "registry": "https://mirror.example/v1/"})), "mirror.example"),
        (server("https://server.contoso.com/a"), "server.contoso.com"),
        (server("http://server.contoso.com"), "http://server.contoso.com"),
        (cluster(json!({"spnId": CLIENT, "spnKey": null, "azureTenantId": TENANT})), "cluster.contoso.com:6443"),
    ] {
        let script = service(document);
        let report = sink(&script).inspect().await.unwrap();
        assert_eq!((report.destination.as_deref(), report.accepts()), (Some(hosts), true), "{:?}", report.checks);
        for (agreed, code) in [(None, "DestinationNotAgreed"), (Some("thief.example"), "DestinationChanged")] {
            let before = script.calls().len();
            let candidate = Candidate::new(&secret).with_destination(agreed);
            let error = sink(&script).push(&candidate).await.unwrap_err();
            assert_eq!((error.service_code(), error.effect()), (Some(code), Effect::None), "{hosts}");
            assert_eq!(script.calls().len(), before + 1, "the connection is read, and nothing else: {hosts}");
        }
    }
}

fn hub(parameters: Value) -> Value {
    document(
        "dockerregistry",
        "https://hub.docker.com/",
        json!({"registrytype": "DockerHub"}),
        ("UsernamePassword", parameters),
    )
}

#[tokio::test(start_paused = true)]
async fn another_application_s_connection_is_refused_whatever_its_kind() {
    let mut registry = azure_registry("contoso.azurecr.io");
    registry["authorization"]["parameters"]["servicePrincipalId"] = OTHER.into();
    let mut generic = server("https://server.contoso.com");
    generic["authorization"]["parameters"]["username"] = OTHER.into();
    let kubernetes = cluster(json!({"spnId": OTHER, "azureTenantId": TENANT}));
    let elsewhere = cluster(json!({"spnId": CLIENT, "azureTenantId": OTHER}));
    for (document, code) in [
        (registry, "other-application"),
        (generic, "other-application"),
        (hub(json!({"username": OTHER})), "other-application"),
        (kubernetes, "other-application"),
        (elsewhere, "other-tenant"),
    ] {
        let report = sink(&service(document)).inspect().await.unwrap();
        assert!(report.checks.of(code).is_some_and(|check| check.blocks()), "{code}: {}", report.checks);
    }
}

/// Docker Hub's users are no applications: their tokens are rotated by an issuer of the caller's own.
#[tokio::test(start_paused = true)]
async fn a_person_s_password_is_replaced_only_by_a_sink_that_serves_no_application() {
    let script = service(hub(json!({"username": "contosobot"})));
    let report = sink(&script).inspect().await.unwrap();
    assert!(report.checks.of("user-is-no-application").is_some_and(|check| check.blocks()), "{}", report.checks);
    let endpoints = script.organization(&VirtualClock::new()).endpoints(ProjectRef::new("Web").unwrap());
    let registry = Pipeline::new(Arc::new(script.clone()), Arc::new(VirtualClock::new()));
    let own = ServiceConnectionSink::new(endpoints, id()).unwrap().with_registry_check(RegistryCheck::new(registry));
    let report = own.inspect().await.unwrap();
    assert!(report.accepts() && report.checks.of("user-is-no-application").is_some(), "{}", report.checks);
}

/// The key of an application goes to the sign-in of the cloud that the connection names.
#[tokio::test(start_paused = true)]
async fn a_cluster_in_a_cloud_that_is_not_azure_s_gets_no_key() {
    let of = |cloud: &str| cluster(json!({"spnId": CLIENT, "azureTenantId": TENANT, "azureEnvironment": cloud}));
    for cloud in ["AzureCloud", "azureusgovernment"] {
        assert!(sink(&service(of(cloud))).inspect().await.unwrap().accepts(), "{cloud}");
    }
    for cloud in ["AzureStack", "https://thief.example"] {
        let report = sink(&service(of(cloud))).inspect().await.unwrap();
        assert!(report.checks.of("foreign-address").is_some_and(|check| check.blocks()), "{cloud}");
    }
}

/// The published type marks `spnKey` as no secret, so the service may show it.
#[tokio::test(start_paused = true)]
async fn a_cluster_s_key_is_written_in_its_place_and_shown_nowhere() {
    let shown = cluster(json!({"spnId": CLIENT, "spnKey": "the-former-key", "azureTenantId": TENANT}));
    let script = service(shown.clone());
    assert_eq!(endpoint(shown).parameter("spnKey"), None);
    let secret = Secret::new("new-secret");
    let candidate = Candidate::new(&secret).with_destination(Some("cluster.contoso.com:6443"));
    sink(&script).push(&candidate).await.unwrap();
    assert_eq!(script.bodies("PUT")[0]["authorization"]["parameters"]["spnKey"], "new-secret");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_test_stays_inconclusive_and_the_plan_says_so() {
    let secret = Secret::new("new-secret");
    for (document, host) in [
        (server("https://server.contoso.com"), "server.contoso.com"),
        (cluster(json!({"spnId": CLIENT, "azureTenantId": TENANT})), "cluster.contoso.com:6443"),
    ] {
        let script = service(document);
        let sink = sink(&script).with_destination(host);
        let report = sink.inspect().await.unwrap();
        let check = report.checks.of("not-verifiable").unwrap();
        assert!(check.is_advisory && check.remedy.contains("with_receipt_as_proof"), "{check}");
        let assessment = sink.verify(&Candidate::new(&secret)).await;
        assert_eq!(
            (assessment.verdict, assessment.service_code()),
            (CredentialVerdict::Inconclusive, Some("NotVerifiable"))
        );
        assert!(!script.calls().iter().any(|call| call.contains("endpointproxy")), "the service has no test for it");
    }
}

#[tokio::test(start_paused = true)]
async fn an_azure_container_registry_is_proven_by_its_own_login() {
    let script = service(azure_registry("contoso.azurecr.io"));
    let sink = sink(&script).with_destination("contoso.azurecr.io");
    let secret = Secret::new("new-secret");
    // This one refuses every login.
    let error = sink.push(&Candidate::new(&secret)).await.unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::InvalidInput, Some("RegistryUnauthorized")));
    assert!(script.calls().iter().any(|call| call == "GET https://contoso.azurecr.io/v2/"), "{:?}", script.calls());
    assert!(script.bodies("PUT").is_empty());
}

/// A project with these connections.
struct Listed(Vec<Value>);

#[async_trait]
impl ServiceConnections for Listed {
    async fn list(&self, _: &ProjectAddress, _: &EndpointQuery) -> Result<Vec<Endpoint>, Error> {
        Ok(self.0.iter().cloned().map(endpoint).collect())
    }
    async fn read(&self, _: &ConnectionAddress) -> Result<Endpoint, Error> {
        Err(Error::new(ErrorKind::Unsupported, "not asked for"))
    }
    async fn find(&self, _: &ProjectAddress, _: &str) -> Result<Option<Endpoint>, Error> {
        Ok(None)
    }
    async fn choices(&self, _: &ProjectAddress) -> Result<Picker, Error> {
        Err(Error::new(ErrorKind::Unsupported, "not asked for"))
    }
    async fn executions(&self, _: &ConnectionAddress, _: usize) -> Result<Vec<Execution>, Error> {
        Ok(Vec::new())
    }
}

#[tokio::test(start_paused = true)]
async fn a_search_names_the_connections_that_sign_in_with_a_certificate() {
    let mut other = certificate();
    other["authorization"]["parameters"]["serviceprincipalid"] = OTHER.into();
    let directory = service(Value::Null).client(&VirtualClock::new());
    let search = ConnectionSearch::new(Arc::new(Listed(vec![certificate(), other])), Arc::new(directory));
    let place = |name| ProjectAddress::new(OrganizationName::new("contoso").unwrap(), ProjectRef::new(name).unwrap());
    let search = search.with_project(place("Web")).with_project(place("Shared"));
    let found = search.finder(TENANT.parse().unwrap(), CLIENT.parse().unwrap()).consumers().await.unwrap();
    assert!(found.consumers.is_empty() && found.is_complete(), "it is no consumer, and nothing was left out");
    assert_eq!(found.checks.len(), 1, "once, although two projects see it: {}", found.checks);
    let check = found.checks.of("certificate").unwrap();
    assert!(check.cause.contains("\"deploy\"") && check.cause.contains("certificate"), "{check}");
}
