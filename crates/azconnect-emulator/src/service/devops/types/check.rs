//! Whether a new service connection has the inputs of its type, each in its place.

use serde_json::{Map, Value};

use super::catalogue::{Input, KINDS};
use crate::base::refusal::OrRefusal;
use crate::model::devops::field;
use crate::service::devops::refusal;

/// The types of which nothing is looked at. The published list has more of them; extensions bring their own.
const UNCHECKED: [&str; 4] = ["azure", "github", "kubernetes", "ssh"];

/// Refuses a document of an unknown type or scheme, with an input that its type does not have, or has in the other place, or
/// without one that is required.
pub(in crate::service::devops) fn check_inputs(document: &Map<String, Value>, ignores_extra: bool) -> OrRefusal<()> {
    let kind = document.get("type").and_then(Value::as_str).unwrap_or_default();
    if UNCHECKED.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return Ok(());
    }
    let known = KINDS.iter().find(|known| known.name.eq_ignore_ascii_case(kind));
    let known =
        known.ok_or_else(|| refusal::argument(format!("The service endpoint type '{kind}' does not exist.")))?;
    let empty = Map::new();
    let authorization = document.get("authorization").and_then(Value::as_object).unwrap_or(&empty);
    let name = authorization.get("scheme").and_then(Value::as_str).unwrap_or_default();
    let scheme = known.schemes.iter().find(|scheme| scheme.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        refusal::argument(format!("The authentication scheme '{name}' is not supported by the type '{kind}'."))
    })?;
    let data = document.get("data").and_then(Value::as_object).unwrap_or(&empty);
    let parameters = authorization.get("parameters").and_then(Value::as_object).unwrap_or(&empty);
    // What Azure DevOps makes itself is not given, but named.
    let text =
        |map: &Map<String, Value>, key: &str| field(map, key).and_then(Value::as_str).map(str::to_ascii_lowercase);
    let automatic = text(data, "creationMode").as_deref() == Some("automatic")
        || (kind.eq_ignore_ascii_case("dockerregistry")
            && text(parameters, "serviceprincipalid").as_deref() == Some(""));
    for (place, given, inputs) in [("data", data, known.data), ("authorization.parameters", parameters, scheme.inputs)]
    {
        if !ignores_extra {
            check_extra(place, given, inputs)?;
        }
        check_required(place, given, inputs, automatic)?;
    }
    Ok(())
}

fn check_extra(place: &str, given: &Map<String, Value>, inputs: &[Input]) -> OrRefusal<()> {
    for key in given.keys() {
        // Names are compared in any case, as the service compares them.
        let known = inputs.iter().find(|input| input.id.eq_ignore_ascii_case(key));
        if !known.is_some_and(|input| applies(input, given)) {
            return Err(refusal::argument(format!("The input '{key}' does not belong in {place} of this type.")));
        }
    }
    Ok(())
}

fn check_required(place: &str, given: &Map<String, Value>, inputs: &[Input], automatic: bool) -> OrRefusal<()> {
    for input in inputs.iter().filter(|input| input.required && applies(input, given)) {
        let value = field(given, input.id).and_then(Value::as_str);
        let left_to_the_service = automatic && matches!(input.id, "serviceprincipalid" | "serviceprincipalkey");
        match value {
            // The service fails on a body that does not even name the application.
            None if input.id == "serviceprincipalid" => return Err(refusal::internal()),
            Some(text) if !text.is_empty() => {}
            Some(_) | None if left_to_the_service => {}
            _ => {
                return Err(refusal::argument(format!("The input '{}' in {place} is required.", input.id)));
            }
        }
    }
    Ok(())
}

fn applies(input: &Input, given: &Map<String, Value>) -> bool {
    input.only_for.is_none_or(|(which, values)| {
        let value = field(given, which).and_then(Value::as_str).unwrap_or_default();
        values.iter().any(|known| known.eq_ignore_ascii_case(value))
    })
}
