//! Conversion to workload identity federation, and everything around it.

use std::sync::{Arc, Mutex};

use azconnect_core::{Effect, ErrorKind};
use azconnect_devops::{ConversionRules, OLD_ISSUER_RETIRES, ProjectRef};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

use crate::support::{CLIENT, ID, Script, TENANT, azurerm, endpoint, plain};

const OLD: &str = "https://vstoken.dev.azure.com/d6245f20-2af8-44f4-9451-8107cb2767db";

fn automatic() -> Value {
    let mut document = azurerm();
    document["data"]["creationMode"] = "Automatic".into();
    document
}

fn federated(issuer: &str) -> Value {
    let mut document = automatic();
    document["authorization"]["scheme"] = "WorkloadIdentityFederation".into();
    document["authorization"]["parameters"] = json!({"tenantid": TENANT, "serviceprincipalid": CLIENT,
        "workloadIdentityFederationIssuer": issuer, "workloadIdentityFederationSubject": "sc://contoso/Web/deploy"});
    document
}

/// The subject that Entra ID's issuer gives to the connection.
fn subject() -> String {
    format!("/eid1/c/pub/t/t/a/a/sc/{}/{ID}", OLD.rsplit('/').next().unwrap())
}

/// A connection that changes its scheme as the service does.
fn service(document: Value, lose_answers: bool) -> Script {
    let state = Arc::new(Mutex::new(document));
    Script::new(move |request| {
        let mut state = state.lock().unwrap();
        if request.method() != "PUT" {
            return plain(200, state.clone());
        }
        assert!(request.uri().path().starts_with("/contoso/Web/_apis/"), "conversion goes through the project");
        assert!(request.uri().query().unwrap().contains("operation=ConvertAuthenticationScheme"));
        let written: Value = serde_json::from_slice(request.body()).unwrap();
        let (from, to) = (state["authorization"]["scheme"].clone(), written["authorization"]["scheme"].clone());
        let old = state["authorization"]["parameters"]["workloadIdentityFederationIssuer"]
            .as_str()
            .is_some_and(|issuer| issuer.starts_with(OLD));
        if from == to && !old {
            return plain(400, json!({"typeKey": "ArgumentException", "message": "neither an upgrade or a downgrade"}));
        }
        assert!(written["data"].get("revertSchemeDeadline").is_none());
        *state = written;
        if to == "WorkloadIdentityFederation" {
            state["data"]["revertSchemeDeadline"] = "2026-01-08T00:00:00.123Z".into();
            let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
            state["authorization"]["parameters"]["workloadIdentityFederationIssuer"] = issuer.into();
            state["authorization"]["parameters"]["workloadIdentityFederationSubject"] = subject().into();
        }
        if lose_answers { plain(0, Value::Null) } else { plain(200, state.clone()) }
    })
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_converted_and_reverted_within_its_deadline() {
    for lose_answers in [false, true] {
        let clock = VirtualClock::new();
        let script = service(automatic(), lose_answers);
        let endpoints = script.organization(&clock).endpoints(ProjectRef::new("Web").unwrap());
        let converted =
            endpoints.convert(&endpoint(automatic()), ConversionRules::new()).await.unwrap().done().unwrap();
        assert!(converted.is_federated());
        assert_eq!(converted.revert_deadline().unwrap().to_string(), "2026-01-08 0:00:00.123 +00:00:00");
        assert_eq!(script.bodies("PUT").len(), 1, "a second conversion would be refused");
        let reverted = endpoints.revert(&converted).await.unwrap().done().unwrap();
        assert!(reverted.is_scheme("ServicePrincipal"));
        let sent = &script.bodies("PUT")[0];
        assert_eq!((&sent["somethingNew"], &sent["description"]), (&azurerm()["somethingNew"], &json!("kept")));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_eligible_is_refused_by_its_rule_before_any_call() {
    let script = service(azurerm(), false);
    let endpoints = script.organization(&VirtualClock::new()).endpoints(ProjectRef::new("Web").unwrap());
    let error = endpoints.convert(&endpoint(azurerm()), ConversionRules::new()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect(), error.service_code()),
        (ErrorKind::Unsupported, Effect::None, Some("manual-creation"))
    );
    let mut late = federated(OLD);
    late["data"]["revertSchemeDeadline"] = "2025-12-31T00:00:00Z".into();
    let error = endpoints.revert(&endpoint(late)).await.unwrap_err();
    assert_eq!(error.service_code(), Some("revert-deadline-passed"));
    let error = endpoints.revert(&endpoint(azurerm())).await.unwrap_err();
    assert_eq!(error.service_code(), Some("no-conversion"));
    assert!(script.calls().is_empty());
    drop(endpoints.convert(&endpoint(azurerm()), ConversionRules::new().with_manual(true)).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn connections_of_the_old_issuer_are_found_and_moved() {
    let current = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let mut nameless = federated("");
    nameless["name"] = "without an issuer".into();
    let list = json!({"value": [federated(OLD), federated(&current), azurerm(), {"id": 1, "name": "odd"},
        {"id": ID, "name": "veiled"}, nameless]});
    let script = Script::new(move |_| plain(200, list.clone()));
    let endpoints = script.organization(&VirtualClock::new()).endpoints(ProjectRef::new("Web").unwrap());
    let found = endpoints.with_old_issuer().await.unwrap();
    let old = found.connections;
    assert_eq!(old.len(), 1);
    // Each by its name, so that a person can look at it.
    for (code, name) in
        [("unreadable-record", "odd"), ("low-permission", "veiled"), ("issuer-unknown", "without an issuer")]
    {
        let check = found.checks.of(code).unwrap();
        assert!(format!("{check:?}").contains(name), "{check:?}");
    }
    assert_eq!(found.checks.len(), 3, "{:?}", found.checks);
    assert!(script.calls()[0].contains("authSchemes=WorkloadIdentityFederation"));
    assert_eq!(OLD_ISSUER_RETIRES.to_string(), "2027-07-01 0:00:00.0 +00:00:00");
}
