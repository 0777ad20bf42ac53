//! OData options: `$filter`, `$search`, `$select`, `$top`, `$skiptoken`, `$count`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::Context;
use super::properties;
use super::search::Search;
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::{OrRefusal, Refusal};

/// The options that are understood; any other is a gap, not to be passed over in silence.
const KNOWN: [&str; 7] = ["$filter", "$search", "$select", "$top", "$skiptoken", "$count", "api-version"];

/// Refuses options that would change the answer and are not emulated.
pub(super) fn check_options(cx: &Context<'_>) -> OrRefusal<()> {
    let unknown = cx
        .call
        .query
        .0
        .iter()
        .any(|(name, _)| name.starts_with('$') && !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name)));
    if unknown { Err(Refusal::not_emulated()) } else { Ok(()) }
}

/// One object, with the selected fields.
pub(super) fn entity(cx: &Context<'_>, collection: &str, object: Map<String, Value>) -> OrRefusal<Answer> {
    check_options(cx)?;
    properties::check_selected(collection, &cx.call.query.list("$select"))?;
    let (mut body, suffix) = selected(cx, object);
    let context = format!("{}/$metadata#{collection}{suffix}/$entity", cx.base());
    body.shift_insert(0, "@odata.context".to_owned(), Value::String(context));
    Ok(json_answer(200, &Value::Object(body)))
}

/// A page of the objects that pass the filter.
pub(super) fn page(
    cx: &Context<'_>,
    collection: &str,
    objects: Vec<Map<String, Value>>,
    page_size: usize,
    filterable: &[&str],
) -> OrRefusal<Answer> {
    check_options(cx)?;
    properties::check_selected(collection, &cx.call.query.list("$select"))?;
    let query = &cx.call.query;
    let filter = query.filled("$filter").map(Filter::parse).transpose()?;
    filter.iter().try_for_each(|filter| filter.check(filterable))?;
    let search = Search::of(cx)?;
    let passes = |object: &Map<String, Value>| {
        filter.as_ref().is_none_or(|filter| filter.passes(object))
            && search.as_ref().is_none_or(|search| search.finds(object))
    };
    let matching: Vec<_> = objects.into_iter().filter(passes).collect();
    let total = matching.len();
    let size = match query.filled("$top") {
        Some(text) => match text.parse::<usize>() {
            Ok(size) if (1..=999).contains(&size) => size,
            _ => {
                let text = format!("Invalid page size specified: '{text}'. Must be between 1 and 999 inclusive.");
                return Err(Refusal::new(400, "Request_UnsupportedQuery", text));
            }
        },
        None => page_size,
    };
    let start = skipped(query.filled("$skiptoken"))?;
    let mut suffix = String::new();
    let mut value = Vec::new();
    for object in matching.into_iter().skip(start).take(size) {
        let (object, names) = selected(cx, object);
        suffix = names;
        value.push(Value::Object(object));
    }
    let mut body = json!({"@odata.context": format!("{}/$metadata#{collection}{suffix}", cx.base())});
    if let Some(map) = body.as_object_mut() {
        let eventual = cx.call.header("consistencylevel").is_some_and(|l| l.eq_ignore_ascii_case("eventual"));
        // Graph counts only for a caller that accepts a count which may be out of date.
        if query.flag("$count") && eventual {
            map.insert("@odata.count".to_owned(), json!(total));
        }
        if start + value.len() < total {
            map.insert("@odata.nextLink".to_owned(), json!(next_link(cx, start + value.len())));
        }
        map.insert("value".to_owned(), Value::Array(value));
    }
    Ok(json_answer(200, &body))
}

fn next_link(cx: &Context<'_>, start: usize) -> String {
    let mut link = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in cx.call.query.0.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("$skiptoken")) {
        link.append_pair(name, value);
    }
    link.append_pair("$skiptoken", &URL_SAFE_NO_PAD.encode(format!("RFNwdAoAAQ{start}")));
    format!("{}{}?{}", cx.call.origin, cx.call.path, link.finish().replace("%24", "$"))
}

fn skipped(token: Option<&str>) -> OrRefusal<usize> {
    let Some(token) = token else { return Ok(0) };
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.and_then(|text| text.strip_prefix("RFNwdAoAAQ")?.parse().ok()).ok_or_else(|| {
        Refusal::new(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.",
        )
    })
}

/// The selected fields, and what the context says of them.
fn selected(cx: &Context<'_>, object: Map<String, Value>) -> (Map<String, Value>, String) {
    let names = cx.call.query.list("$select");
    if names.is_empty() || names.contains(&"*") {
        return (object, String::new());
    }
    let suffix = format!("({})", names.join(","));
    let wanted = |name: &String| names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
    (object.into_iter().filter(|(name, _)| wanted(name)).collect(), suffix)
}

/// A filter: clauses joined by `or`, each of comparisons joined by `and`.
struct Filter(Vec<Vec<Comparison>>);

enum Comparison {
    Equals(String, Value),
    StartsWith(String, String),
    Contains(String, String),
}

impl Filter {
    fn parse(text: &str) -> OrRefusal<Self> {
        let clauses = split_outside_quotes(text, " or ");
        let clauses = clauses.iter().map(|clause| {
            split_outside_quotes(clause, " and ").iter().map(|text| Comparison::parse(text.trim())).collect()
        });
        clauses.collect::<Option<_>>().map(Self).ok_or_else(|| {
            let text = format!("Invalid filter clause: syntax error in '{text}'.");
            Refusal::new(400, "Request_UnsupportedQuery", text)
        })
    }

    /// Refuses a field that the documents do not say can be filtered by.
    fn check(&self, filterable: &[&str]) -> OrRefusal<()> {
        let strange = self.0.iter().flatten().map(Comparison::field).find(|field| !filterable.contains(field));
        strange.map_or(Ok(()), |field| {
            let text = format!("Unsupported or invalid query filter clause specified for property '{field}'.");
            Err(Refusal::new(400, "Request_UnsupportedQuery", text))
        })
    }

    fn passes(&self, object: &Map<String, Value>) -> bool {
        self.0.iter().any(|clause| clause.iter().all(|comparison| comparison.holds(object)))
    }
}

impl Comparison {
    fn parse(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix("startswith(").or_else(|| text.strip_prefix("startsWith(")) {
            let (field, value) = inner.strip_suffix(')')?.split_once(',')?;
            return Some(Self::StartsWith(field.trim().to_owned(), literal(value.trim())?.as_str()?.to_owned()));
        }
        if let Some((field, rest)) = text.split_once("/any(") {
            let (variable, condition) = rest.strip_suffix(')')?.split_once(':')?;
            let value = condition.trim().strip_prefix(variable.trim())?.trim().strip_prefix("eq ")?;
            return Some(Self::Contains(field.trim().to_owned(), literal(value.trim())?.as_str()?.to_owned()));
        }
        let (field, value) = text.split_once(" eq ")?;
        let field = field.trim();
        let plain = field.chars().all(|c| c.is_ascii_alphanumeric());
        plain.then_some(Self::Equals(field.to_owned(), literal(value.trim())?))
    }

    fn field(&self) -> &str {
        match self {
            Self::Equals(field, _) | Self::StartsWith(field, _) | Self::Contains(field, _) => field,
        }
    }

    fn holds(&self, object: &Map<String, Value>) -> bool {
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        match self {
            Self::Equals(field, Value::String(wanted)) => {
                object.get(field).and_then(Value::as_str).is_some_and(|value| same(value, wanted))
            }
            Self::Equals(field, wanted) => object.get(field) == Some(wanted),
            Self::StartsWith(field, start) => object
                .get(field)
                .and_then(Value::as_str)
                .is_some_and(|value| value.to_lowercase().starts_with(&start.to_lowercase())),
            Self::Contains(field, wanted) => object
                .get(field)
                .and_then(Value::as_array)
                .is_some_and(|values| values.iter().filter_map(Value::as_str).any(|value| same(value, wanted))),
        }
    }
}

/// A literal: text in apostrophes (doubled inside), true, false or null.
fn literal(text: &str) -> Option<Value> {
    match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        _ => {
            let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
            let bare = inner.replace("''", "");
            (!bare.contains('\'')).then(|| Value::String(inner.replace("''", "'")))
        }
    }
}

fn split_outside_quotes<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        if character == '\'' {
            quoted = !quoted;
        }
        let here = text.get(at..).is_some_and(|rest| rest.starts_with(separator));
        if !quoted && here && at >= start {
            parts.extend(text.get(start..at));
            start = at + separator.len();
        }
    }
    parts.extend(text.get(start..));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(filter: &str, object: &Value) -> bool {
        let Ok(filter) = Filter::parse(filter) else { panic!("{filter}") };
        filter.passes(object.as_object().unwrap())
    }

    #[test]
    fn filters_follow_odata() {
        let object = json!({"appId": "a1", "displayName": "O'Hara and Sons", "servicePrincipalNames": ["a1", "b2"]});
        assert!(passes("appId eq 'A1'", &object));
        assert!(passes("displayName eq 'O''Hara and Sons'", &object));
        assert!(passes("startswith(displayName,'O''Hara')", &object));
        assert!(passes("servicePrincipalNames/any(c:c eq 'b2')", &object));
        assert!(passes("appId eq 'x' or displayName eq 'O''Hara and Sons' and appId eq 'a1'", &object));
        assert!(!passes("appId eq 'x'", &object));
    }

    #[test]
    fn a_broken_filter_is_refused() {
        for text in ["appId eq a1", "appId ne 'x'", "appId eq 'a'b'", "startswith(displayName)"] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }
}
