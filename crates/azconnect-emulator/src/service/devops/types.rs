//! The types of service connections.

mod catalogue;
mod check;

use serde_json::{Value, json};

use self::catalogue::{Input, KINDS, Kind};
pub(super) use self::check::Inputs;

use super::Context;
use crate::base::answer::{Answer, json_answer};

/// The address of a type that has one of its own.
pub(in crate::service::devops) fn default_url(name: &str) -> Option<&'static str> {
    Kind::named(name).map(|kind| kind.url.as_str()).filter(|url| !url.is_empty())
}

/// The types, by name or scheme if the caller asks so.
pub(super) fn answer(cx: &Context<'_>) -> Answer {
    let query = &cx.call.query;
    let (name, scheme) = (query.filled("type"), query.filled("scheme"));
    let wanted = KINDS.iter().filter(|kind| {
        name.is_none_or(|name| name.eq_ignore_ascii_case(&kind.name))
            && scheme.is_none_or(|scheme| kind.scheme(scheme).is_some())
    });
    let value: Vec<Value> = wanted.map(|kind| show(kind, scheme)).collect();
    json_answer(200, &json!({"count": value.len(), "value": value}))
}

fn show(kind: &Kind, only: Option<&str>) -> Value {
    let schemes = kind.schemes.iter().filter(|scheme| only.is_none_or(|only| only.eq_ignore_ascii_case(&scheme.name)));
    let schemes: Vec<Value> = schemes
        .map(|scheme| {
            let inputs: Vec<Value> = scheme.inputs.iter().map(input).collect();
            json!({
                "inputDescriptors": inputs,
                "scheme": scheme.name,
                "displayName": scheme.display_name,
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
        "displayName": kind.display_name,
        "description": "",
        "endpointUrl": {"displayName": "Server URL", "helpText": "", "value": kind.url, "isVisible": "true"},
        "helpMarkDown": "",
        "iconUrl": "",
    })
}

fn input(input: &Input) -> Value {
    let mut validation = json!({"dataType": input.data_type.as_str()});
    if let Some(map) = validation.as_object_mut() {
        if input.required {
            map.insert("isRequired".to_owned(), json!(true));
        }
        if input.one_line {
            map.insert("pattern".to_owned(), json!("^[^\\r\\n]+$"));
        }
        if let Some(longest) = input.max_length {
            map.insert("maxLength".to_owned(), json!(longest));
        }
    }
    let words = input.values.iter().map(|word| json!({"value": word, "displayValue": word}));
    let values = (!input.values.is_empty()).then(|| {
        json!({
            "inputId": format!("{}Values", input.id),
            "defaultValue": input.default,
            "possibleValues": words.collect::<Vec<_>>(),
        })
    });
    let mode = match (input.confidential, input.values.is_empty()) {
        (true, _) => "passwordBox",
        (false, true) => "textBox",
        (false, false) => "combo",
    };
    json!({
        "id": input.id,
        "name": input.id,
        "description": "",
        "type": null,
        "properties": input.visible_rule.as_ref().map(|rule| json!({"visibleRule": rule})),
        "inputMode": mode,
        "isConfidential": input.confidential,
        "useInDefaultDescription": false,
        "groupName": null,
        "valueHint": null,
        "validation": validation,
        "values": values,
    })
}
