//! The `claims` of a token request: what a service wants, and what this client can do.

use std::sync::Arc;

use serde_json::{Map, Value, json};

/// What is sent as `claims` with one request.
pub(crate) struct RequestClaims {
    wanted: Option<Arc<str>>,
    text: Option<String>,
}

impl RequestClaims {
    /// The claims that a service wants, and those that say that challenges are answered, as one JSON object.
    pub(crate) fn new(wanted: Option<Arc<str>>, continuous_access: bool) -> Self {
        let capable = continuous_access.then(|| json!({"access_token": {"xms_cc": {"values": ["cp1"]}}}));
        let text = match (&wanted, capable) {
            (None, None) => None,
            (Some(wanted), None) => Some(wanted.to_string()),
            (None, Some(capable)) => Some(capable.to_string()),
            (Some(wanted), Some(capable)) => {
                let mut all: Map<String, Value> = serde_json::from_str(wanted).unwrap_or_default();
                merge(&mut all, capable);
                Some(Value::Object(all).to_string())
            }
        };
        Self { wanted, text }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Whether a service wants something of the next token.
    pub(crate) fn is_challenged(&self) -> bool {
        self.wanted.is_some()
    }

    /// Whether these are the claims that were sent.
    pub(crate) fn answers(&self, wanted: &str) -> bool {
        self.wanted.as_deref() == Some(wanted)
    }
}

/// Adds the members of one object to another, below as well. What is there already and is no object gives way.
fn merge(into: &mut Map<String, Value>, added: Value) {
    let Value::Object(added) = added else { return };
    for (name, value) in added {
        match into.get_mut(&name) {
            Some(Value::Object(inner)) => merge(inner, value),
            _ => drop(into.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(wanted: Option<&str>, continuous_access: bool) -> Value {
        let claims = RequestClaims::new(wanted.map(Arc::from), continuous_access);
        claims.text().map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
    }

    #[test]
    fn what_is_wanted_and_what_this_client_can_do_are_sent_together() {
        assert_eq!(text(None, false), Value::Null);
        assert_eq!(text(None, true), json!({"access_token": {"xms_cc": {"values": ["cp1"]}}}));
        let wanted = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}},"id_token":{}}"#;
        assert_eq!(text(Some(wanted), false), serde_json::from_str::<Value>(wanted).unwrap());
        let both = json!({"access_token": {"nbf": {"essential": true, "value": "1"}, "xms_cc": {"values": ["cp1"]}}, "id_token": {}});
        assert_eq!(text(Some(wanted), true), both);
    }
}
