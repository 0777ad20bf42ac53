//! The shapes in which the service says that something went wrong.

use serde_json::Value;

/// The depth to which errors inside errors are followed.
const DEPTH: usize = 10;

/// The largest number of errors that are taken from one answer.
const BREADTH: usize = 200;

/// One error of an answer, which may hold several inside each other. An absent text is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Node {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) target: String,
    /// The display name of the policy that refused, or its name if it has none.
    pub(super) policy: Option<String>,
}

/// All errors of an answer, the outermost first: `{"error":{…}}`, the same without the wrapper, capitalised names, JSON
/// as text inside a message, the body of a failed operation. Empty for an empty body and for a web page.
pub(super) fn nodes(body: &[u8]) -> Vec<Node> {
    // Some answers begin with a byte order mark, which JSON forbids.
    let body = body.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(body);
    let mut found = Vec::new();
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        walk(&value, 0, &mut found);
    }
    found
}

fn walk(value: &Value, depth: usize, found: &mut Vec<Node>) {
    if depth > DEPTH || found.len() >= BREADTH {
        return;
    }
    let code = text(value, "code");
    let message = text(value, "message");
    if !code.is_empty() || !message.is_empty() {
        // A failed deployment carries the inner error as JSON text in the message of a detail.
        let nested =
            message.trim_start().starts_with('{').then(|| serde_json::from_str::<Value>(&message).ok()).flatten();
        let message = if nested.is_some() { String::new() } else { message };
        found.push(Node { code, message, target: text(value, "target"), policy: policy(value) });
        if let Some(nested) = nested {
            walk(&nested, depth + 1, found);
        }
    }
    if let Some(inner) = field(value, "error").filter(|inner| inner.is_object()) {
        walk(inner, depth + 1, found);
    }
    for detail in field(value, "details").and_then(Value::as_array).into_iter().flatten() {
        walk(detail, depth + 1, found);
    }
    if let Some(inner) = field(value, "innererror").filter(|inner| inner.is_object()) {
        walk(inner, depth + 1, found);
    }
}

/// A member by its name. Some services capitalise the names, so case does not matter.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn text(value: &Value, name: &str) -> String {
    field(value, name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn policy(value: &Value) -> Option<String> {
    let information = field(value, "additionalInfo")?.as_array()?;
    let violation = information.iter().find(|entry| text(entry, "type") == "PolicyViolation")?;
    let info = field(violation, "info")?;
    ["policyDefinitionDisplayName", "policyAssignmentDisplayName", "policyDefinitionName", "policyAssignmentName"]
        .into_iter()
        .map(|name| text(info, name))
        .find(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn codes(body: &str) -> Vec<String> {
        nodes(body.as_bytes()).into_iter().map(|node| node.code).collect()
    }

    #[test]
    fn every_documented_shape_parses() {
        assert_eq!(codes(r#"{"error":{"code":"A","message":"m"}}"#), ["A"]);
        assert_eq!(codes(r#"{"code":"A","message":"m"}"#), ["A"]);
        assert_eq!(codes(r#"{"Error":{"Code":"A","Message":"m"}}"#), ["A"]);
        assert_eq!(codes(r#"{"error":{"code":"A","details":[{"code":"B"},{"code":"C"}]}}"#), ["A", "B", "C"]);
        assert_eq!(codes(r#"{"status":"Failed","error":{"code":"A"}}"#), ["A"]);
        assert_eq!(codes(""), [""; 0]);
        assert_eq!(codes("<html>"), [""; 0]);
        assert_eq!(codes("\u{feff}{\"code\":\"A\"}"), ["A"]);
    }

    #[test]
    fn json_inside_a_message_is_read() {
        let inner = r#"{"error":{"code":"OperationNotAllowed","message":"quota"}}"#;
        let body = serde_json::json!({"code": "DeploymentFailed", "details": [{"code": "Conflict", "message": inner}]});
        assert_eq!(codes(&body.to_string()), ["DeploymentFailed", "Conflict", "OperationNotAllowed"]);
    }

    #[test]
    fn the_policy_that_refused_is_named() {
        let body = r#"{"error":{"code":"RequestDisallowedByPolicy","additionalInfo":[{"type":"PolicyViolation",
            "info":{"policyDefinitionDisplayName":"Allowed locations"}}]}}"#;
        assert_eq!(nodes(body.as_bytes())[0].policy.as_deref(), Some("Allowed locations"));
    }

    fn json(depth: u32) -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[ -~]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(depth, 60, 6, |inner| {
            let key = prop_oneof![
                Just("error".to_owned()),
                Just("Code".to_owned()),
                Just("message".to_owned()),
                Just("details".to_owned()),
                Just("additionalInfo".to_owned()),
                Just("info".to_owned()),
                Just("type".to_owned())
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((key, inner), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_body_is_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200), value in json(6)) {
            let _ = nodes(&bytes);
            prop_assert!(nodes(value.to_string().as_bytes()).len() <= BREADTH);
        }
    }
}
