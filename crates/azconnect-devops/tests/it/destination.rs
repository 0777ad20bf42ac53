//! Where a connection sends its secret, which whoever may edit it decides.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, NoRetry, Secret};
use azconnect_credential::{Candidate, CredentialSink, CredentialVerdict};
use azconnect_devops::{CandidateTest, RegistryCheck, ServiceConnectionSink};
use azconnect_http::{Pipeline, Request, Response, SendOptions, SystemClock, Transport};
use azconnect_testkit::Canary;
use bytes::Bytes;
use serde_json::Value;

use crate::support::{CLIENT, Edit, Fake, TENANT, azurerm, docker, endpoints, id, pipeline};

/// The registries of the world: each asks for a login, and takes any. It keeps what it was sent.
#[derive(Clone, Default)]
struct Registries {
    realm: Option<&'static str>,
    requests: Arc<Mutex<Vec<Request>>>,
}

#[async_trait]
impl Transport for Registries {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let authorized = request.headers().contains_key("authorization");
        self.requests.lock().unwrap().push(request);
        let answer = http::Response::builder();
        let challenge = match self.realm {
            Some(realm) => format!("Bearer realm=\"{realm}\""),
            None => "Basic".to_owned(),
        };
        Ok(match authorized {
            true => answer.status(200).body(Bytes::from_static(br#"{"token":"t"}"#)).unwrap(),
            false => answer.status(401).header("www-authenticate", challenge).body(Bytes::new()).unwrap(),
        })
    }
}

impl Registries {
    fn with_realm(realm: &'static str) -> Self {
        Self { realm: Some(realm), ..Self::default() }
    }

    fn check(&self) -> RegistryCheck {
        let transport = Arc::new(self.clone());
        RegistryCheck::new(Pipeline::new(transport, Arc::new(SystemClock::new())).with_retry(Arc::new(NoRetry)))
    }

    /// The hosts that were sent a credential.
    fn credited(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let credited = requests.iter().filter(|request| request.headers().contains_key("authorization"));
        credited.map(|request| request.uri().host().unwrap().to_owned()).collect()
    }
}

struct World {
    fake: Fake,
    sink: ServiceConnectionSink,
    registries: Registries,
    _server: wiremock::MockServer,
}

async fn world(document: Value) -> World {
    let (fake, registries) = (Fake::new(document), Registries::default());
    let server = fake.start().await;
    let sink = ServiceConnectionSink::new(endpoints(&server), id())
        .unwrap()
        .with_application(TENANT.parse().unwrap(), CLIENT.parse().unwrap())
        .with_registry_check(registries.check());
    World { fake, sink, registries, _server: server }
}

fn edited(mut document: Value, edit: Edit) -> Value {
    edit(&mut document);
    document
}

impl World {
    fn nothing_was_sent_or_written(&self) {
        assert_eq!(self.registries.credited(), Vec::<String>::new());
        assert_eq!(self.fake.with(|state| (state.writes.len(), state.tests.len())), (0, 0));
    }
}

#[tokio::test]
async fn a_registry_that_was_changed_since_it_was_agreed_is_sent_nothing() {
    let world = world(docker("https://registry.contoso.com")).await;
    let report = world.sink.inspect().await.unwrap();
    assert_eq!(report.destination.as_deref(), Some("registry.contoso.com"));
    let canary = Canary::new();
    let ears = canary.listen();
    let secret = canary.secret();
    let agreed = Candidate::new(&secret).with_destination(report.destination.as_deref());
    assert!(world.sink.push(&agreed).await.is_ok());
    assert_eq!(world.registries.credited(), ["registry.contoso.com"]);

    // Whoever may edit the connection wants the next secret.
    for (registry, shown) in [
        ("https://thief.example", "thief.example"),
        ("registry.contoso.com.thief.example/v2", "registry.contoso.com.thief.example"),
        ("https://registry.contoso.com:8443", "registry.contoso.com:8443"),
        ("https://registry.contoso.com@thief.example", "thief.example"),
        ("thief.example://registry.contoso.com", "thief.example://registry.contoso.com"),
        ("http://registry.contoso.com", "http://registry.contoso.com"),
        ("thief", "thief"),
        ("not an address", "not an address"),
    ] {
        world.fake.with(|state| {
            state.document["authorization"]["parameters"]["registry"] = registry.into();
            state.writes.clear();
        });
        world.registries.requests.lock().unwrap().clear();
        let error = world.sink.push(&agreed).await.unwrap_err();
        assert_eq!((error.effect(), error.service_code()), (Effect::None, Some("DestinationChanged")), "{registry}");
        let text = error.to_string();
        assert!(text.contains(shown) && text.contains("registry.contoso.com was agreed"), "{text}");
        assert!(error.advice().contains("bind the connection again by name"), "{}", error.advice());
        // A rejection, which no receipt of the push can stand in for.
        let assessment = world.sink.verify(&agreed).await;
        assert_eq!(assessment.verdict, CredentialVerdict::Rejected, "{registry}: {assessment:?}");
        world.nothing_was_sent_or_written();
        canary.assert_absent("the refusal", format!("{error:?}{error}{assessment:?}").as_bytes());
    }
    canary.assert_absent_from_logs();
    drop(ears);
}

#[tokio::test]
async fn a_registry_that_is_spelled_otherwise_is_the_same() {
    let world = world(docker("https://Registry.Contoso.com./v2/")).await;
    let secret = Secret::new("new-secret");
    let candidate = Candidate::new(&secret).with_destination(Some("registry.contoso.COM"));
    world.sink.push(&candidate).await.unwrap();
}

#[tokio::test]
async fn a_registry_that_nobody_agreed_to_is_sent_nothing() {
    let world = world(docker("https://registry.contoso.com")).await;
    let secret = Secret::new("new-secret");
    let error = world.sink.push(&Candidate::new(&secret)).await.unwrap_err();
    assert_eq!((error.effect(), error.service_code()), (Effect::None, Some("DestinationNotAgreed")));
    assert!(error.advice().contains("with_destination(\"registry.contoso.com\")"), "{}", error.advice());
    let assessment = world.sink.verify(&Candidate::new(&secret)).await;
    assert_eq!(assessment.verdict, CredentialVerdict::Inconclusive);
    world.nothing_was_sent_or_written();
    // The rule holds also where no test precedes the push.
    let untested = world.sink.clone().with_candidate_test(CandidateTest::Skip);
    untested.push(&Candidate::new(&secret)).await.unwrap_err();
    world.nothing_was_sent_or_written();
    let named = world.sink.clone().with_destination("registry.contoso.com");
    named.push(&Candidate::new(&secret)).await.unwrap();
    assert_eq!(world.registries.credited(), ["registry.contoso.com"]);
}

#[tokio::test]
async fn what_a_candidate_carries_counts_before_what_the_sink_was_told() {
    let world = world(docker("https://registry.contoso.com")).await;
    let secret = Secret::new("new-secret");
    let other = Candidate::new(&secret).with_destination(Some("other.contoso.com"));
    let named = world.sink.clone().with_destination("registry.contoso.com");
    assert_eq!(named.push(&other).await.unwrap_err().service_code(), Some("DestinationChanged"));
    world.nothing_was_sent_or_written();
}

#[tokio::test]
async fn a_connection_to_azure_that_leads_elsewhere_gets_no_secret() {
    let edits: [Edit; 9] = [
        |document| document["url"] = "http://management.azure.com/".into(),
        |document| document["url"] = "thief.example://management.azure.com/".into(),
        |document| document["data"]["environmentAuthorityUrl"] = "http://login.microsoftonline.com/".into(),
        |document| document["url"] = "https://thief.example/".into(),
        |document| document["url"] = "https://management.azure.com.thief.example/".into(),
        |document| document["data"]["environmentAuthorityUrl"] = "https://thief.example/".into(),
        |document| document["data"]["EnvironmentAuthorityURL"] = "https://thief.example/".into(),
        |document| document["data"]["environment"] = "AzureChinaCloud".into(),
        |document| document["data"]["environment"] = "SomethingNew".into(),
    ];
    let secret = Secret::new("new-secret");
    for (number, edit) in edits.into_iter().enumerate() {
        let world = world(edited(azurerm(), edit)).await;
        let report = world.sink.inspect().await.unwrap();
        assert!(report.checks.of("foreign-address").is_some_and(|check| check.blocks()), "{number}: {report:?}");
        let error = world.sink.push(&Candidate::new(&secret)).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, Effect::None), "{number}");
        // The service would sign in there with what the connection holds.
        assert!(!world.sink.verify(&Candidate::new(&secret)).await.is_accepted(), "{number}");
        world.nothing_was_sent_or_written();
    }
}

#[tokio::test]
async fn azure_s_own_hosts_need_no_agreement() {
    let edits: [Edit; 3] = [
        |_| (),
        |document| document["data"]["environmentAuthorityUrl"] = "https://login.windows.net/".into(),
        |document| {
            document["data"]["environment"] = "AzureUSGovernment".into();
            document["url"] = "https://management.usgovcloudapi.net/".into();
        },
    ];
    let secret = Secret::new("new-secret");
    for edit in edits {
        let world = world(edited(azurerm(), edit)).await;
        assert!(world.sink.inspect().await.unwrap().checks.is_empty());
        world.sink.push(&Candidate::new(&secret)).await.unwrap();
        assert!(world.sink.verify(&Candidate::new(&secret)).await.is_accepted());
    }
}

#[tokio::test]
async fn a_connection_that_moved_to_another_cloud_since_it_was_agreed_gets_no_secret() {
    let world = world(azurerm()).await;
    let agreed = world.sink.inspect().await.unwrap().destination;
    assert_eq!(agreed.as_deref(), Some("management.azure.com"));
    world.fake.with(|state| {
        state.document["data"]["environment"] = "AzureChinaCloud".into();
        state.document["url"] = "https://management.chinacloudapi.cn/".into();
    });
    let secret = Secret::new("new-secret");
    let candidate = Candidate::new(&secret).with_destination(agreed.as_deref());
    assert_eq!(world.sink.push(&candidate).await.unwrap_err().service_code(), Some("DestinationChanged"));
    assert_eq!(world.sink.verify(&candidate).await.verdict, CredentialVerdict::Rejected);
    world.nothing_was_sent_or_written();
}

#[tokio::test]
async fn a_cloud_of_the_customer_s_own_is_held_to_the_host_that_was_agreed() {
    let stack: Edit = |document| {
        document["data"]["environment"] = "AzureStack".into();
        document["url"] = "https://management.local.contoso.com/".into();
    };
    let world = world(edited(azurerm(), stack)).await;
    let report = world.sink.inspect().await.unwrap();
    assert_eq!((report.accepts(), report.destination.as_deref()), (true, Some("management.local.contoso.com")));
    let secret = Secret::new("new-secret");
    let error = world.sink.push(&Candidate::new(&secret)).await.unwrap_err();
    assert_eq!(error.service_code(), Some("DestinationNotAgreed"));
    world.nothing_was_sent_or_written();
    let agreed = Candidate::new(&secret).with_destination(report.destination.as_deref());
    world.sink.push(&agreed).await.unwrap();
}

#[tokio::test]
async fn a_connection_whose_registry_is_hidden_since_it_was_agreed_gets_no_secret() {
    let world = world(docker("https://registry.contoso.com")).await;
    let secret = Secret::new("new-secret");
    let agreed = Candidate::new(&secret).with_destination(Some("registry.contoso.com"));
    world.fake.with(|state| state.document["type"] = "generic".into());
    assert_eq!(world.sink.verify(&agreed).await.verdict, CredentialVerdict::Rejected);
    world.sink.push(&agreed).await.unwrap_err();
    world.nothing_was_sent_or_written();
}

#[tokio::test]
async fn every_call_to_a_registry_and_its_realm_is_one_to_a_foreign_host() {
    let secret = Secret::new("new-secret");
    for registries in [Registries::default(), Registries::with_realm("https://registry.contoso.com/token")] {
        let assessment = registries.check().verify("registry.contoso.com", CLIENT, &Candidate::new(&secret)).await;
        assert!(assessment.is_accepted(), "{assessment:?}");
        let requests = registries.requests.lock().unwrap();
        assert!(requests.len() >= 2);
        for request in requests.iter() {
            assert!(SendOptions::of(request).foreign_host, "{}", request.uri());
        }
    }
}

/// Addresses that lead into a network which only this machine can see, in every spelling.
const PRIVATE: [&str; 14] = [
    "https://10.0.0.5",
    "https://127.0.0.1:5000",
    "https://169.254.169.254",
    "https://[::1]",
    "https://[::ffff:10.0.0.5]",
    "https://[fd00:ec2::254]",
    // 127.0.0.1 and 169.254.169.254 in one number, in octal and in hexadecimal digits.
    "https://2130706433",
    "https://0177.0.0.1",
    "https://0xA9FEA9FE",
    "https://127.1",
    "https://localhost",
    "https://kubernetes.default.svc",
    "https://vault.internal.",
    "metadata",
];

#[tokio::test]
async fn a_registry_in_a_private_network_is_not_called_however_it_is_spelled() {
    let (registries, secret) = (Registries::default(), Secret::new("new-secret"));
    for registry in PRIVATE {
        let assessment = registries.check().verify(registry, CLIENT, &Candidate::new(&secret)).await;
        assert_eq!(assessment.verdict, CredentialVerdict::Inconclusive, "{registry}");
        assert!(registries.check().reachable(registry).await.is_err(), "{registry}");
    }
    assert_eq!(registries.requests.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_realm_in_a_private_network_is_sent_nothing_however_it_is_spelled() {
    let secret = Secret::new("new-secret");
    for realm in PRIVATE {
        let registries = Registries::with_realm(realm);
        let check = registries.check().with_token_host(realm.trim_start_matches("https://"));
        let assessment = check.verify("registry.contoso.com", CLIENT, &Candidate::new(&secret)).await;
        assert_eq!(assessment.verdict, CredentialVerdict::Inconclusive, "{realm}");
        assert_eq!(registries.credited(), Vec::<String>::new(), "{realm}");
    }
}

#[tokio::test]
async fn a_private_registry_is_called_once_it_is_allowed_by_name() {
    let (registries, secret) = (Registries::default(), Secret::new("new-secret"));
    let check = registries.check().with_private_host("registry.corp.internal").with_private_host("10.0.0.5");
    for registry in ["https://registry.corp.internal", "10.0.0.5:5000"] {
        assert!(check.verify(registry, CLIENT, &Candidate::new(&secret)).await.is_accepted(), "{registry}");
    }
    assert!(check.reachable("https://10.0.0.6").await.is_err());
    // The transport has the last word: it knows where a name leads.
    assert!(registries.requests.lock().unwrap().iter().all(|request| SendOptions::of(request).foreign_host));
}

#[tokio::test]
async fn the_network_s_own_check_refuses_a_private_registry_that_only_the_registry_check_allows() {
    let check = RegistryCheck::new(pipeline()).with_private_host("10.0.0.5");
    let error = check.reachable("https://10.0.0.5").await.unwrap_err();
    assert!(error.advice().contains("with_allowed_private_hosts"), "{error:?}");
}
