//! Whether a service connection has the inputs of its type, each in its place and of its form.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::catalogue::{DataType, Input, Kind};
use crate::base::refusal::OrRefusal;
use crate::model::devops::field;
use crate::service::devops::refusal;

/// What a document is held to.
pub(in crate::service::devops) struct Inputs<'a> {
    /// The stored document that is changed. What it already has, or already lacks, is not looked at again.
    pub(in crate::service::devops) stored: Option<&'a Map<String, Value>>,
    /// Whether an input that the type does not have is passed over, and not stored, instead of refused.
    pub(in crate::service::devops) ignores_extra: bool,
}

/// One of the two places of inputs.
struct Place<'a> {
    name: &'static str,
    inputs: &'a [Input],
    stored: Option<&'a Map<String, Value>>,
}

impl Inputs<'_> {
    /// Refuses a document of an unknown type or scheme, with an input that its type does not have, or has in the other place,
    /// with one of another form, or without one that is required.
    pub(in crate::service::devops) fn check(&self, document: &mut Map<String, Value>) -> OrRefusal<()> {
        let kind = document.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = scheme_of(document).to_owned();
        let known = Kind::named(&kind).map(|known| (known, known.scheme(&name)));
        let (known, scheme) = match known {
            Some((known, Some(scheme))) => (known, scheme),
            // Extensions bring types and schemes of their own, of which nothing is published.
            _ if self.stored.is_some() => return Ok(()),
            Some((_, None)) => {
                let text = format!("The authentication scheme '{name}' is not supported by the type '{kind}'.");
                return Err(refusal::argument(text));
            }
            None => return Err(refusal::argument(format!("The service endpoint type '{kind}' does not exist."))),
        };
        let automatic = is_automatic(&kind, document);
        let data =
            Place { name: "data", inputs: &known.data, stored: self.stored.and_then(|stored| object(stored, "data")) };
        let parameters = Place {
            name: "authorization.parameters",
            inputs: &scheme.inputs,
            stored: self.stored.and_then(|stored| object(object(stored, "authorization")?, "parameters")),
        };
        let mut none = Map::new();
        let given = document.get_mut("data").and_then(Value::as_object_mut).unwrap_or(&mut none);
        self.look_at(&data, given, automatic)?;
        let mut none = Map::new();
        let authorization = document.get_mut("authorization").and_then(Value::as_object_mut);
        let given = authorization.and_then(|a| a.get_mut("parameters")).and_then(Value::as_object_mut);
        self.look_at(&parameters, given.unwrap_or(&mut none), automatic)
    }

    fn look_at(&self, place: &Place<'_>, given: &mut Map<String, Value>, automatic: bool) -> OrRefusal<()> {
        // The forms first: a misspelt word decides which other inputs are there.
        place.inputs.iter().try_for_each(|input| place.check_form(input, given))?;
        // Names are compared in any case, as the service compares them.
        let fits = |key: &str| {
            let known = place.inputs.iter().find(|input| input.id.eq_ignore_ascii_case(key));
            known.is_some_and(|input| applies(input, place, given)) || place.former(key).is_some()
        };
        let extra: Vec<String> = given.keys().filter(|key| !fits(key)).cloned().collect();
        match extra.first() {
            Some(key) if !self.ignores_extra => {
                let text = format!("The input '{key}' does not belong in {} of this type.", place.name);
                return Err(refusal::argument(text));
            }
            _ => given.retain(|key, _| !extra.contains(key)),
        }
        place.inputs.iter().try_for_each(|input| self.check_there(input, place, given, automatic))
    }

    fn check_there(
        &self,
        input: &Input,
        place: &Place<'_>,
        given: &Map<String, Value>,
        automatic: bool,
    ) -> OrRefusal<()> {
        let value = field(given, &input.id).and_then(Value::as_str);
        let filled = value.is_some_and(|text| !text.is_empty());
        if filled || !input.required || !applies(input, place, given) {
            return Ok(());
        }
        // A stored secret is shown as nothing, and what the document lacked before it may lack again.
        let lacked = place.former(&input.id).and_then(Value::as_str).is_none_or(str::is_empty);
        if self.stored.is_some() && (input.confidential || lacked) {
            return Ok(());
        }
        let left_to_the_service = automatic && ["serviceprincipalid", "serviceprincipalkey"].contains(&&*input.id);
        match value {
            // The service fails on a body that does not even name the application.
            None if input.id == "serviceprincipalid" => Err(refusal::internal()),
            _ if left_to_the_service => Ok(()),
            _ => Err(refusal::argument(format!("The input '{}' in {} is required.", input.id, place.name))),
        }
    }
}

impl Place<'_> {
    /// What the stored document has under a name.
    fn former(&self, key: &str) -> Option<&Value> {
        field(self.stored?, key)
    }

    fn check_form(&self, input: &Input, given: &Map<String, Value>) -> OrRefusal<()> {
        let text = field(given, &input.id).and_then(Value::as_str).filter(|text| !text.is_empty());
        let Some(text) = text else { return Ok(()) };
        let former = self.former(&input.id).and_then(Value::as_str);
        if former == Some(text) { Ok(()) } else { check_form(input, text) }
    }
}

/// Whether Azure DevOps makes the application itself, whose id and key are then not given, but named.
fn is_automatic(kind: &str, document: &Map<String, Value>) -> bool {
    let text = |map: Option<&Map<String, Value>>, key: &str| {
        map.and_then(|map| field(map, key)).and_then(Value::as_str).map(str::to_ascii_lowercase)
    };
    let parameters = object(document, "authorization").and_then(|authorization| object(authorization, "parameters"));
    text(object(document, "data"), "creationMode").as_deref() == Some("automatic")
        || (kind.eq_ignore_ascii_case("dockerregistry")
            && text(parameters, "serviceprincipalid").as_deref() == Some(""))
}

fn object<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Map<String, Value>> {
    map.get(key)?.as_object()
}

fn scheme_of(document: &Map<String, Value>) -> &str {
    let scheme = object(document, "authorization").and_then(|authorization| authorization.get("scheme"));
    scheme.and_then(Value::as_str).unwrap_or_default()
}

fn check_form(input: &Input, text: &str) -> OrRefusal<()> {
    let id = &input.id;
    let formed = match input.data_type {
        DataType::String => true,
        DataType::Guid => Uuid::parse_str(text).is_ok(),
        DataType::Boolean => ["true", "false"].iter().any(|word| word.eq_ignore_ascii_case(text)),
        DataType::Number => text.parse::<f64>().is_ok(),
    };
    if !formed {
        let text = format!("The value of the input '{id}' is not a valid {}.", input.data_type.as_str());
        return Err(refusal::argument(text));
    }
    if input.max_length.is_some_and(|longest| text.chars().count() > longest) {
        return Err(refusal::argument(format!("The value of the input '{id}' is too long.")));
    }
    if input.one_line && text.contains(['\r', '\n']) {
        return Err(refusal::argument("Value cannot contain newline or carriage-return characters"));
    }
    let words = &input.values;
    if words.is_empty() || words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return Ok(());
    }
    Err(refusal::argument(format!("The value '{text}' is not one of the input '{id}'.")))
}

/// Whether an input is there beside the others.
fn applies(input: &Input, place: &Place<'_>, given: &Map<String, Value>) -> bool {
    input.rule().is_none_or(|(which, values)| {
        let default = || place.inputs.iter().find(|other| other.id == which)?.default.as_deref();
        let value = field(given, which).and_then(Value::as_str).or_else(default).unwrap_or_default();
        values.iter().any(|known| known.eq_ignore_ascii_case(value))
    })
}
