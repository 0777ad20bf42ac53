//! Any document goes through an update with nothing changed but what was asked.

use azconnect_core::Secret;
use azconnect_devops::{Endpoint, EndpointChange};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::support::ID;

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec(("\\PC{0,8}", inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn connection() -> impl Strategy<Value = Value> {
    let extras = proptest::collection::vec(("[a-zA-Z]{3,12}", json()), 0..6);
    let parameters = proptest::collection::vec(("[a-zA-Z]{3,20}", json()), 0..5);
    let key = prop_oneof![Just("serviceprincipalkey"), Just("servicePrincipalKey"), Just("SERVICEPRINCIPALKEY")];
    (extras, parameters, key, json()).prop_map(|(extras, parameters, key, data)| {
        let mut document: Map<String, Value> = extras.into_iter().collect();
        let mut parameters: Map<String, Value> = parameters.into_iter().collect();
        parameters.insert(key.to_owned(), Value::Null);
        for (name, value) in [("id", ID), ("type", "azurerm"), ("url", "https://management.azure.com/")] {
            document.insert(name.to_owned(), value.into());
        }
        document.insert("data".to_owned(), data);
        let authorization = serde_json::json!({"scheme": "ServicePrincipal", "parameters": parameters, "kept": [1]});
        document.insert("authorization".to_owned(), authorization);
        Value::Object(document)
    })
}

proptest! {
    #[test]
    fn nothing_changes_but_what_was_asked(document in connection(), secret in "[!-~]{8,40}") {
        let text = serde_json::to_vec(&document).unwrap();
        let endpoint = Endpoint::from_json(&text).unwrap();
        prop_assert!(!endpoint.has_inexact_number());
        let secret = Secret::new(secret);
        let written = EndpointChange::new().with_secret(&secret).preview(&endpoint).unwrap();
        let written: Value = serde_json::from_slice(written.expose().as_bytes()).unwrap();

        let mut expected = document.clone();
        let parameters = expected["authorization"]["parameters"].as_object_mut().unwrap();
        let key = parameters.keys().find(|key| key.eq_ignore_ascii_case("serviceprincipalkey")).unwrap().clone();
        parameters.insert(key, secret.expose().into());
        prop_assert_eq!(written, expected);
    }

    #[test]
    fn a_change_of_nothing_writes_what_was_read(document in connection()) {
        let endpoint = Endpoint::from_value(document.clone()).unwrap();
        let written = EndpointChange::new().preview(&endpoint).unwrap();
        let written: Value = serde_json::from_slice(written.expose().as_bytes()).unwrap();
        let mut expected = document;
        expected["authorization"]["parameters"].as_object_mut().unwrap().retain(|key, value| {
            !(value.is_null() && key.eq_ignore_ascii_case("accessToken"))
        });
        prop_assert_eq!(written, expected);
    }

    #[test]
    fn reading_never_panics(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Endpoint::from_json(text.as_bytes());
        let _ = Endpoint::from_json(&bytes);
    }
}
