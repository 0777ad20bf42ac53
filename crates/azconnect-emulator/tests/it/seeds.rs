//! Seeds: what is refused, with the path of the field and a remedy.

use std::sync::Arc;

use azconnect_core::{Error, ErrorKind};
use azconnect_emulator::{Emulator, Seed};
use azconnect_testkit::ManualClock;
use serde_json::{Value, json};

use crate::harness::{DEPLOYER, contoso};

fn start(seed: &Value) -> Result<Emulator, Error> {
    Emulator::from_seed(Seed::from_json(&seed.to_string())?, Arc::new(ManualClock::new()))
}

#[track_caller]
fn refused(seed: &Value, field: &str, remedy: &str) {
    let error = start(seed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert_eq!(error.field(), Some(field), "{error}");
    assert!(error.advice().contains(remedy), "{}", error.advice());
}

#[test]
fn an_unknown_field_is_named_with_its_path() {
    let mut seed = contoso();
    seed["tenants"][0]["applications"][1]["clientID"] = DEPLOYER.into();
    refused(&seed, "seed.tenants[0].applications[1].clientID", "clientId");
    let mut seed = contoso();
    seed["tennants"] = json!([]);
    refused(&seed, "seed.tennants", "tenants");
}

#[test]
fn a_wrong_value_is_named_with_its_path() {
    let mut seed = contoso();
    seed["tenants"][0]["id"] = "contoso".into();
    refused(&seed, "seed.tenants[0].id", "00000000");
    let mut seed = contoso();
    seed["tenants"][0]["applications"][1]["passwords"][0]["endsInDays"] = "soon".into();
    refused(&seed, "seed.tenants[0].applications[1].passwords[0].endsInDays", "number");
    let mut seed = contoso();
    seed["organizations"][0]["name"] = "a/../b".into();
    refused(&seed, "seed.organizations[0].name", "letters");
    let mut seed = contoso();
    seed["settings"] = json!({"replicaChoice": "random"});
    refused(&seed, "seed.settings.replicaChoice", "roundRobin");
}

#[test]
fn a_reference_to_nothing_is_refused() {
    let mut seed = contoso();
    seed["organizations"][0]["tenant"] = "fabrikam.onmicrosoft.com".into();
    refused(&seed, "seed.organizations", "tenants");
    let mut seed = contoso();
    seed["tenants"][0]["applications"][0]["devopsOrganizations"] = json!(["fabrikam"]);
    refused(&seed, "seed.tenants.devopsOrganizations", "organizations");
    let connection = |secret: Value, extra: Value| {
        let mut seed = contoso();
        let mut document = json!({"name": "c", "type": "azurerm", "url": "https://management.azure.com/",
            "authorization": {"scheme": "ServicePrincipal", "parameters": {"serviceprincipalid": DEPLOYER}}});
        document.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap());
        seed["organizations"][0]["projects"][0]["connections"] = json!([{"secret": secret, "document": document}]);
        seed
    };
    let path = "seed.organizations[0].projects[0].connections[0].document";
    refused(&connection(json!({"application": DEPLOYER, "password": "older"}), json!({})), path, "name");
    let wif = json!({"authorization": {"scheme": "WorkloadIdentityFederation", "parameters": {}}});
    refused(&connection(json!({"text": "x"}), wif), path, "remove");
    let inside = json!({"authorization": {"scheme": "ServicePrincipal", "parameters": {"serviceprincipalkey": "x"}}});
    refused(&connection(json!({"text": "x"}), inside), path, "secret");
    start(&connection(json!({"application": DEPLOYER, "password": "old"}), json!({}))).unwrap();
}

#[test]
fn text_that_is_not_json_names_the_place_and_no_secret() {
    let error: Error = Seed::from_json("{\n \"tenants\": [{\"secret\": \"s3cr3t\" oops}]}").unwrap_err().into();
    assert!(error.message().contains("line 2"), "{error}");
    assert!(!format!("{error} {error:?}").contains("s3cr3t"));
}
