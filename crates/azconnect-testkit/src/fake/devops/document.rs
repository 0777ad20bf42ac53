//! The documents of connections, with their secrets taken out.

use azconnect_core::{Error, ErrorKind, Secret};
use azconnect_devops::Endpoint;
use serde_json::{Map, Value, json};

use super::refused;

/// A document and the secret that was in it, which leaves a `null` behind, as the service masks it.
pub(super) fn split(mut document: Map<String, Value>) -> Result<(Map<String, Value>, Option<Secret>), Error> {
    document.entry("id").or_insert_with(|| json!("00000000-0000-4000-8000-000000000000"));
    // A parameter is confidential if the typed view does not return its text.
    let view = Endpoint::from_value(Value::Object(document.clone()))?;
    let mut secret = None;
    if let Some(parameters) = parameters(&mut document) {
        for (key, value) in parameters.iter_mut().filter(|(key, _)| view.parameter(key).is_none()) {
            if let Value::String(text) = value {
                secret = Some(Secret::new(std::mem::take(text)));
                *value = Value::Null;
            } else if !value.is_null() {
                return Err(refused(ErrorKind::InvalidInput, format!("{key} is no text")));
            }
        }
    }
    Ok((document, secret))
}

/// Masks the secrets of a former document that a new one leaves out, and so keeps.
pub(super) fn keep_masks(former: &Map<String, Value>, document: &mut Map<String, Value>) {
    let masked = former.get("authorization").and_then(|own| own.get("parameters")).and_then(Value::as_object);
    let masked = masked.into_iter().flatten().filter(|(_, value)| value.is_null());
    if let Some(parameters) = parameters(document) {
        for (key, _) in masked {
            parameters.entry(key.clone()).or_insert(Value::Null);
        }
    }
}

pub(super) fn parameters(document: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    document.get_mut("authorization")?.get_mut("parameters")?.as_object_mut()
}
