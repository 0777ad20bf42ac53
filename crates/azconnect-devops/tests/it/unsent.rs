//! A write that brings no secret: the stored one is kept, or its loss is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use azconnect_core::{Effect, Error, ErrorKind, Secret};
use azconnect_credential::CredentialVerdict;
use azconnect_devops::{EndpointChange, EndpointId, ProjectRef, ServiceConnectionSharing, StoredSecret};
use azconnect_emulator::{CannedAnswer, Fault, FaultAction, Service, Settings, UnsentSecrets};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

use crate::emulated::{AZURE, DOCKER, World};
use crate::ports::address;
use crate::support::{Edit, Script, azurerm, endpoint, plain};

/// A service by each rule of which the documents say nothing, and whether a masked secret that is sent back outlives it.
const RULES: [(UnsentSecrets, bool); 4] = [
    (UnsentSecrets::NullKeeps, true),
    (UnsentSecrets::AlwaysKept, true),
    (UnsentSecrets::AbsentKeeps, false),
    (UnsentSecrets::AlwaysLost, false),
];

fn old() -> Secret {
    Secret::new("deployer-old")
}

/// Every change of something else than the secret.
fn changes() -> Vec<(&'static str, EndpointChange<'static>)> {
    let new = EndpointChange::new;
    vec![
        ("a rename", new().with_name("renamed")),
        ("a description", new().with_description("another")),
        ("a field of data", new().with_data("subscriptionName", Some("Another".to_owned()))),
        ("an address", new().with_url("https://management.azure.com")),
        ("a state", new().with_disabled(true)),
        ("a parameter", new().with_parameter("authenticationType", Some("spnKey".to_owned()))),
        ("nothing", new()),
    ]
}

fn assert_lost(error: &Error, what: &str) {
    let told = (error.kind(), error.effect(), error.service_code());
    assert_eq!(told, (ErrorKind::Conflict, Effect::Unknown, Some("StoredSecretLost")), "{what}: {error}");
    assert!(error.message().contains("worked before, and is refused now"), "{what}: {error}");
    assert!(error.advice().contains("put the connection's secret in again"), "{what}: {}", error.advice());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_anything_else_keeps_the_secret_or_tells_that_it_is_lost() {
    for (rule, kept) in RULES {
        for (what, change) in changes() {
            let what = format!("{what} by {rule:?}");
            let world = World::new(Settings::default().with_unsent_secrets(rule), AZURE);
            let id: EndpointId = AZURE.parse().unwrap();
            let before = world.web().get(id).await.unwrap();
            let outcome = world.web().update(&before, &change).await;
            assert_eq!(world.holds(id, &old()), kept, "{what}");
            match outcome {
                Ok(after) => assert_eq!((after.secret, kept), (StoredSecret::Works, true), "{what}"),
                Err(error) => {
                    assert!(!kept, "{what}: {error}");
                    assert_lost(&error, &what);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn many_changes_in_one_request_keep_the_secrets_or_tell_that_one_is_lost() {
    for (rule, kept) in RULES {
        let world = World::new(Settings::default().with_unsent_secrets(rule), AZURE);
        let before = world.web().get(AZURE.parse().unwrap()).await.unwrap();
        let change = EndpointChange::new().with_description("another");
        match world.web().update_all(&[(&before, &change)]).await {
            Ok(after) => assert_eq!((after[0].secret.clone(), kept), (StoredSecret::Works, true)),
            Err(error) => {
                assert!(!kept, "{rule:?}: {error}");
                assert_lost(&error, "many");
            }
        }
        assert_eq!(world.holds(before.id(), &old()), kept);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_secret_takes_the_place_of_the_old_one_by_every_rule() {
    for (rule, _) in RULES {
        let world = World::new(Settings::default().with_unsent_secrets(rule), AZURE);
        let before = world.web().get(AZURE.parse().unwrap()).await.unwrap();
        let minted = world.add_password().await;
        let change = EndpointChange::new().with_secret(&minted.secret).with_description("rotated");
        let after = world.web().update(&before, &change).await.unwrap();
        assert_eq!(after.secret, StoredSecret::Replaced, "{rule:?}");
        assert!(world.holds(before.id(), &minted.secret), "{rule:?}");
    }
}

/// The test of a registry of type Others asks Docker Hub, so it says nothing of the secret.
#[tokio::test(start_paused = true)]
async fn where_the_service_cannot_test_a_secret_the_result_claims_nothing() {
    let world = World::new(Settings::default(), DOCKER);
    let before = world.web().get(DOCKER.parse().unwrap()).await.unwrap();
    let after = world.web().update(&before, &EndpointChange::new().with_description("another")).await.unwrap();
    let StoredSecret::Unproven { before: first, after: second } = after.secret else { panic!("{:?}", after.secret) };
    for assessment in [first, second] {
        let told = (assessment.verdict, assessment.service_code());
        assert_eq!(told, (CredentialVerdict::Inconclusive, Some("NotVerifiable")));
    }
    assert!(world.holds(before.id(), &old()));
}

/// A script of the service: what the tests of a connection answer in turn, and its document once it was written.
struct Scripted {
    verdicts: &'static [&'static str],
    after: Edit,
}

impl Scripted {
    async fn update(self) -> (Result<StoredSecret, Error>, Script) {
        let (tests, written) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let script = Script::new(move |request| match request.method().as_str() {
            "POST" => {
                let number = tests.fetch_add(1, Ordering::SeqCst);
                match self.verdicts[number] {
                    "ok" => plain(200, json!({"statusCode": "ok", "errorMessage": ""})),
                    "down" => plain(400, json!({"message": "?", "typeKey": "SomethingNewException"})),
                    code => plain(200, json!({"statusCode": "badRequest", "errorMessage": format!("{code}: no.")})),
                }
            }
            method => {
                let mut document = azurerm();
                if method == "PUT" {
                    written.store(1, Ordering::SeqCst);
                }
                if written.load(Ordering::SeqCst) == 1 {
                    document["description"] = "another".into();
                    (self.after)(&mut document);
                }
                plain(200, document)
            }
        });
        let endpoints = script.organization(&VirtualClock::new()).endpoints(ProjectRef::new("Web").unwrap());
        let change = EndpointChange::new().with_description("another");
        (endpoints.update(&endpoint(azurerm()), &change).await.map(|after| after.secret), script)
    }
}

const SAME: Edit = |_| {};
const WRONG: &str = "AADSTS7000215";
/// What Entra ID answers where no secret was sent at all.
const MISSING: &str = "AADSTS7000216";

#[tokio::test(start_paused = true)]
async fn a_refusal_that_stays_is_an_alarm_and_one_that_passes_is_none() {
    for verdicts in [&["ok", WRONG, WRONG, WRONG], &["ok", MISSING, MISSING, MISSING]] {
        let (outcome, script) = Scripted { verdicts, after: SAME }.update().await;
        assert_lost(&outcome.unwrap_err(), verdicts[1]);
        assert_eq!(script.bodies("POST").len(), 4, "asked again before the alarm");
    }
    // One replica of the directory did not know the secret yet.
    for verdicts in [&["ok", WRONG, "ok"][..], &["ok", WRONG, WRONG, "ok"]] {
        let (outcome, _) = Scripted { verdicts, after: SAME }.update().await;
        assert_eq!(outcome.unwrap(), StoredSecret::Works);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_known_before_or_after_is_neither_an_alarm_nor_a_success() {
    let cases = [
        (&["down", "ok"][..], [CredentialVerdict::Inconclusive, CredentialVerdict::Accepted]),
        (&["ok", "down"], [CredentialVerdict::Accepted, CredentialVerdict::Inconclusive]),
        (&["down", WRONG], [CredentialVerdict::Inconclusive, CredentialVerdict::Rejected]),
        (&["down", "down"], [CredentialVerdict::Inconclusive, CredentialVerdict::Inconclusive]),
        (&[WRONG, WRONG], [CredentialVerdict::Rejected, CredentialVerdict::Rejected]),
        (&[WRONG, "ok"], [CredentialVerdict::Rejected, CredentialVerdict::Accepted]),
    ];
    for (verdicts, expected) in cases {
        let (outcome, script) = Scripted { verdicts, after: SAME }.update().await;
        let StoredSecret::Unproven { before, after } = outcome.unwrap() else { panic!("{verdicts:?} was judged") };
        assert_eq!([before.verdict, after.verdict], expected, "{verdicts:?}");
        assert_eq!(script.bodies("POST").len(), 2, "no alarm, so nothing is asked again");
    }
}

/// A reading by id shows a stored secret as null: where the key itself is gone, so is what it held.
#[tokio::test(start_paused = true)]
async fn a_connection_that_shows_no_place_for_its_secret_any_more_has_lost_it() {
    let gone = |document: &mut Value| {
        document["authorization"]["parameters"].as_object_mut().unwrap().remove("ServicePrincipalKey");
    };
    let (outcome, _) = Scripted { verdicts: &["down", "down"], after: gone }.update().await;
    let error = outcome.unwrap_err();
    assert_eq!((error.effect(), error.service_code()), (Effect::Unknown, Some("StoredSecretLost")));
    assert!(error.message().contains("no secret any more under ServicePrincipalKey"), "{error}");
    // Neither another case of the name is a loss, nor the cached access token that is never sent.
    let spelled = |document: &mut Value| {
        let parameters = document["authorization"]["parameters"].as_object_mut().unwrap();
        parameters.remove("ServicePrincipalKey");
        parameters.remove("accessToken");
        parameters.insert("serviceprincipalkey".to_owned(), Value::Null);
    };
    let (outcome, _) = Scripted { verdicts: &["ok", "ok"], after: spelled }.update().await;
    assert_eq!(outcome.unwrap(), StoredSecret::Works);
}

#[tokio::test(start_paused = true)]
async fn sharing_and_unsharing_tell_where_the_secret_no_longer_works() {
    let world = World::new(Settings::default(), AZURE);
    let client = world.client("anns-access-token");
    let connection = address("Web").connection(AZURE.parse().unwrap());
    let mobile = ProjectRef::new("Mobile").unwrap();
    client.share(&connection, &mobile, "borrowed").await.unwrap();
    client.unshare(&connection, &mobile).await.unwrap();
    let refused = json!({"result": [], "statusCode": "badRequest", "errorMessage": "AADSTS7000215: no."});
    for unshared in [false, true] {
        world.emulator().faults().clear();
        let answer = FaultAction::Answer(CannedAnswer::new(200).with_body(refused.clone()));
        let fault = Fault::new(answer).with_service(Service::DevOps).with_path("endpointproxy").with_nth(2).forever();
        world.emulator().faults().add(fault);
        let outcome = match unshared {
            false => client.share(&connection, &mobile, "borrowed").await,
            true => client.unshare(&connection, &mobile).await,
        };
        assert_lost(&outcome.unwrap_err(), "sharing");
    }
}

/// What a change of a document writes.
fn written(document: &Value, change: &EndpointChange<'_>) -> Value {
    let text = change.preview(&endpoint(document.clone())).unwrap();
    serde_json::from_str::<Value>(text.expose()).unwrap()["authorization"]["parameters"].clone()
}

fn with_parameters(scheme: &str, parameters: &Value) -> Value {
    let mut document = azurerm();
    document["authorization"] = json!({"scheme": scheme, "parameters": parameters});
    document
}

#[test]
fn every_masked_secret_goes_back_under_its_own_case_and_order() {
    let parameters = json!({"Password": null, "zone": "1", "serviceAccountCertificate": null, "APItoken": null,
        "unheardOf": null, "kubeConfig": null});
    let document = with_parameters("Kubernetes", &parameters);
    let sent = written(&document, &EndpointChange::new().with_description("x"));
    assert_eq!(serde_json::to_string(&sent).unwrap(), serde_json::to_string(&parameters).unwrap());
}

/// A null in the place of a service principal's cached token breaks the connection: "cache value is invalid". For the schemes
/// of personal tokens and of OAuth the access token is the secret itself, which would be lost without its null.
#[test]
fn a_null_access_token_goes_back_only_where_it_is_the_secret() {
    for (scheme, is_secret) in [
        ("ServicePrincipal", false),
        ("serviceprincipal", false),
        ("PublishProfile", false),
        ("UsernamePassword", false),
        ("ManagedServiceIdentity", false),
        ("WorkloadIdentityFederation", false),
        ("PersonalAccessToken", true),
        ("OAuth", true),
        ("OAuth2", true),
        ("InstallationToken", true),
        ("Token", true),
    ] {
        for key in ["accessToken", "AccessToken"] {
            let document = with_parameters(scheme, &json!({"x": "1", key: null}));
            let sent = written(&document, &EndpointChange::new().with_description("x"));
            assert_eq!(sent.get(key).is_some(), is_secret, "{scheme} {key}");
        }
    }
    let shown = with_parameters("ServicePrincipal", &json!({"accessToken": "shown"}));
    assert_eq!(written(&shown, &EndpointChange::new())["accessToken"], "shown", "only a null is left out");
}

#[test]
fn of_key_and_certificate_only_the_one_that_gives_way_is_left_out() {
    let both = json!({"serviceprincipalkey": null, "ServicePrincipalCertificate": null, "password": null,
        "authenticationType": "spnKey"});
    let document = with_parameters("ServicePrincipal", &both);
    let secret = Secret::new("the-new-one");
    let keys = |sent: &Value| sent.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let certified = written(&document, &EndpointChange::new().with_certificate(&secret));
    assert_eq!(keys(&certified), ["ServicePrincipalCertificate", "password", "authenticationType"]);
    assert_eq!(
        (&certified["ServicePrincipalCertificate"], &certified["password"]),
        (&json!("the-new-one"), &Value::Null)
    );
    let keyed = written(&document, &EndpointChange::new().with_client_secret(&secret));
    assert_eq!(keys(&keyed), ["serviceprincipalkey", "password", "authenticationType"]);
    // A key by a key: nothing gives way.
    let rotated = written(&document, &EndpointChange::new().with_secret(&secret));
    assert_eq!(keys(&rotated).len(), 4);
    assert_eq!(rotated["ServicePrincipalCertificate"], Value::Null);
}

/// A connection whose parameters the service leaves out altogether takes its first one all the same.
#[test]
fn what_is_set_has_a_place_where_the_document_has_none() {
    let secret = Secret::new("the-new-one");
    let changes = [
        (EndpointChange::new().with_secret(&secret), json!({"serviceprincipalkey": "the-new-one"})),
        (EndpointChange::new().with_parameter("scope", Some("/x".to_owned())), json!({"scope": "/x"})),
        (
            EndpointChange::new().with_parameter("scope", None).with_secret(&secret),
            json!({"serviceprincipalkey": "the-new-one"}),
        ),
    ];
    for (change, expected) in changes {
        for parameters in [json!(null), json!({})] {
            assert_eq!(written(&with_parameters("ServicePrincipal", &parameters), &change), expected);
        }
    }
    // A change of anything else adds none.
    let described = EndpointChange::new().with_description("x");
    assert_eq!(written(&with_parameters("ServicePrincipal", &json!(null)), &described), Value::Null);
}
