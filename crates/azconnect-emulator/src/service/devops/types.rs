//! The types of service connections.

mod catalogue;
mod check;

use serde_json::{Value, json};

use self::catalogue::{Input, KINDS, Kind};
pub(super) use self::check::check_inputs;

use super::Context;
use crate::base::answer::{Answer, json_answer};

/// The address of a type that has one of its own.
pub(in crate::service::devops) fn default_url(name: &str) -> Option<&'static str> {
    // The classic type is not created any more, and not listed.
    if name.eq_ignore_ascii_case("azure") {
        return Some("https://management.core.windows.net/");
    }
    let found = KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name));
    found.map(|kind| kind.url).filter(|url| !url.is_empty())
}

/// The types, by name or scheme if the caller asks so.
pub(super) fn answer(cx: &Context<'_>) -> Answer {
    let query = &cx.call.query;
    let (name, scheme) = (query.filled("type"), query.filled("scheme"));
    let wanted = KINDS.iter().filter(|kind| {
        name.is_none_or(|name| name.eq_ignore_ascii_case(kind.name))
            && scheme.is_none_or(|scheme| kind.schemes.iter().any(|known| known.name.eq_ignore_ascii_case(scheme)))
    });
    let value: Vec<Value> = wanted.map(|kind| show(kind, scheme)).collect();
    json_answer(200, &json!({"count": value.len(), "value": value}))
}

fn show(kind: &Kind, only: Option<&str>) -> Value {
    let schemes = kind.schemes.iter().filter(|scheme| only.is_none_or(|only| only.eq_ignore_ascii_case(scheme.name)));
    let schemes: Vec<Value> = schemes
        .map(|scheme| {
            let inputs: Vec<Value> = scheme.inputs.iter().map(input).collect();
            json!({
                "inputDescriptors": inputs,
                "scheme": scheme.name,
                "displayName": scheme.name,
                "requiresOAuth2Configuration": scheme.name.eq_ignore_ascii_case("OAuth2"),
                "dataSourceBindings": [],
                "authorizationHeaders": [],
                "clientCertificates": [],
                "properties": {},
            })
        })
        .collect();
    json!({
        "inputDescriptors": kind.data.iter().map(input).collect::<Vec<_>>(),
        "authenticationSchemes": schemes,
        "dataSources": [{"name": "TestConnection", "endpointUrl": "{{{endpoint.url}}}", "resultSelector": "jsonpath:$"}],
        "name": kind.name,
        "displayName": kind.display,
        "description": "",
        "endpointUrl": {"displayName": "Server URL", "helpText": "", "value": kind.url, "isVisible": "true"},
        "helpMarkDown": "",
        "iconUrl": "",
    })
}

fn input(input: &Input) -> Value {
    let rule = input.only_for.map(|(which, values)| {
        let cases: Vec<String> = values.iter().map(|value| format!("{which} == {value}")).collect();
        json!({"visibleRule": cases.join(" || ")})
    });
    json!({
        "id": input.id,
        "name": input.id,
        "description": "",
        "type": null,
        "properties": rule,
        "inputMode": if input.confidential { "passwordBox" } else { "textBox" },
        "isConfidential": input.confidential,
        "useInDefaultDescription": false,
        "groupName": null,
        "valueHint": null,
        "validation": {"dataType": "string", "isRequired": input.required},
    })
}
