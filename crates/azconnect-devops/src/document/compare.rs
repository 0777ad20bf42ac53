//! Whether two documents of a connection are the same, apart from their secrets and what the service changes itself.

use serde_json::{Map, Value};

use super::view::is_confidential;

/// Fields that the service changes by itself.
const VOLATILE: &[&str] = &["createdBy", "modifiedBy", "operationStatus", "isReady", "isOutdated"];

/// The moment at which two documents are compared, which decides what counts as a difference.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Two readings without a write of ours between them.
    BeforeWriting,
    /// A document that we wrote, and a reading afterwards.
    AfterWriting,
}

/// The paths at which `found` does not hold what `expected` does. Secrets are left out. After writing, fields that only
/// `found` has are left out too: the service may complete what it was given.
///
/// Types, owners, schemes and the names of parameters are compared in any case; a `null` or empty text is the same as
/// nothing; project references are compared by project.
pub(crate) fn differences(expected: &Map<String, Value>, found: &Map<String, Value>, moment: Moment) -> Vec<String> {
    let (expected, found) = (normal(expected, moment), normal(found, moment));
    let mut paths = Vec::new();
    collect("", &expected, &found, &mut paths);
    if moment == Moment::BeforeWriting {
        collect("", &found, &expected, &mut paths);
        paths.sort_unstable();
        paths.dedup();
    }
    paths
}

fn normal(document: &Map<String, Value>, moment: Moment) -> Value {
    let mut document = document.clone();
    document.retain(|key, _| !VOLATILE.contains(&key.as_str()));
    if moment == Moment::AfterWriting {
        // Our own write moves it. Between two readings it tells of somebody else's change.
        document.remove("modificationDate");
    }
    for key in ["type", "owner"] {
        lower(document.get_mut(key));
    }
    if let Some(Value::Object(authorization)) = document.get_mut("authorization") {
        lower(authorization.get_mut("scheme"));
        if let Some(Value::Object(parameters)) = authorization.get_mut("parameters") {
            let plain = std::mem::take(parameters).into_iter().filter(|(key, _)| !is_confidential(key));
            *parameters = plain.map(|(key, value)| (key.to_ascii_lowercase(), value)).collect();
        }
    }
    if let Some(Value::Array(references)) = document.get_mut("serviceEndpointProjectReferences") {
        references.sort_by_key(|reference| {
            reference.pointer("/projectReference/id").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase()
        });
    }
    Value::Object(document)
}

fn lower(value: Option<&mut Value>) {
    if let Some(Value::String(text)) = value {
        text.make_ascii_lowercase();
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_nothing),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn collect(path: &str, expected: &Value, found: &Value, paths: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(&path, value, found.get(key).unwrap_or(&Value::Null), paths);
            }
        }
        (expected, found) if expected == found || (is_nothing(expected) && is_nothing(found)) => {}
        _ => paths.push(path.to_owned()),
    }
}

/// Paths for a message: at most 5, each cut to 80 characters, on one line.
pub(crate) fn named(paths: &[String]) -> String {
    let shown: Vec<String> = paths.iter().take(5).map(|path| path.chars().take(80).collect()).collect();
    let more = paths.len().saturating_sub(shown.len());
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn diff(expected: Value, found: Value) -> Vec<String> {
        let (Value::Object(expected), Value::Object(found)) = (expected, found) else { panic!("objects") };
        differences(&expected, &found, Moment::AfterWriting)
    }

    #[test]
    fn case_nothing_and_order_do_not_count() {
        let expected = json!({"type": "AzureRM", "description": null, "authorization": {"scheme": "ServicePrincipal",
            "parameters": {"tenantId": "t", "serviceprincipalkey": null}},
            "serviceEndpointProjectReferences": [{"projectReference": {"id": "a"}}, {"projectReference": {"id": "b"}}]});
        let found = json!({"type": "azurerm", "description": "", "authorization": {"scheme": "serviceprincipal",
            "parameters": {"tenantid": "t"}},
            "serviceEndpointProjectReferences": [{"projectReference": {"id": "b"}}, {"projectReference": {"id": "a"}}]});
        assert_eq!(diff(expected, found), Vec::<String>::new());
    }

    #[test]
    fn what_differs_is_named_and_not_shown() {
        let paths = diff(json!({"data": {"a": "1", "b": "2"}, "new": 1}), json!({"data": {"a": "9", "b": "2"}}));
        assert_eq!(paths, ["data.a", "new"]);
    }

    #[test]
    fn what_was_added_counts_only_before_writing() {
        let (Value::Object(a), Value::Object(b)) = (json!({"x": {}}), json!({"x": {"y": 1}, "description": "new"}))
        else {
            panic!("objects")
        };
        assert_eq!(differences(&a, &b, Moment::BeforeWriting), ["description", "x.y"]);
        assert!(differences(&a, &b, Moment::AfterWriting).is_empty());
    }

    #[test]
    fn the_date_of_change_counts_only_before_writing() {
        let (a, b) = (json!({"modificationDate": "1"}), json!({"modificationDate": "2"}));
        let (Value::Object(a), Value::Object(b)) = (a, b) else { panic!("objects") };
        assert_eq!(differences(&a, &b, Moment::BeforeWriting), ["modificationDate"]);
        assert!(differences(&a, &b, Moment::AfterWriting).is_empty());
    }
}
