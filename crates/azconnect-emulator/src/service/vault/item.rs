//! What secrets and keys have in common: names, attributes, pages.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{Context, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::OrRefusal;
use crate::model::vault::Version;

/// How many items a page holds at most.
const PAGE: usize = 25;

/// Days for which something deleted can come back.
const RECOVERABLE: i64 = 90;

/// The address of a secret or key, or of one of its versions.
pub(super) fn id(cx: &Context<'_>, collection: &str, name: &str, version: &str) -> String {
    let slash = if version.is_empty() { "" } else { "/" };
    format!("{}/{collection}/{name}{slash}{version}", cx.call.origin)
}

/// Refuses a name that is not of letters, digits and hyphens.
pub(super) fn check_name(name: &str) -> OrRefusal<()> {
    let fits = (1..=127).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if fits {
        return Ok(());
    }
    Err(refusal::bad(format!("The request URI contains an invalid name: {name}")))
}

/// A version of what the body asks for.
pub(super) fn version<T>(cx: &Context<'_>, id: String, content: T, body: &Value) -> OrRefusal<Version<T>> {
    let mut version = Version {
        id,
        content,
        enabled: true,
        begins: None,
        ends: None,
        created: cx.now.wall,
        updated: cx.now.wall,
        media_type: None,
        tags: None,
    };
    change(cx, &mut version, body)?;
    Ok(version)
}

/// Changes what may change of a version: everything but its content.
pub(super) fn change<T>(cx: &Context<'_>, version: &mut Version<T>, body: &Value) -> OrRefusal<()> {
    if let Some(tags) = body.get("tags").and_then(Value::as_object) {
        if tags.len() > 15 || tags.values().any(|value| value.as_str().is_none_or(|value| value.len() > 256)) {
            return Err(refusal::bad("Tags are up to 15 texts of up to 256 characters."));
        }
        version.tags = Some(tags.clone());
    }
    if let Some(media_type) = body.get("contentType").and_then(Value::as_str) {
        version.media_type = Some(media_type.to_owned());
    }
    if let Some(attributes) = body.get("attributes") {
        if let Some(enabled) = attributes.get("enabled").and_then(Value::as_bool) {
            version.enabled = enabled;
        }
        version.begins = attributes.get("nbf").and_then(Value::as_i64).or(version.begins);
        version.ends = attributes.get("exp").and_then(Value::as_i64).or(version.ends);
    }
    version.updated = cx.now.wall;
    Ok(())
}

/// What is shown of every version.
pub(super) fn shown<T>(id: String, version: &Version<T>, field: &str) -> Map<String, Value> {
    let mut attributes = json!({
        "enabled": version.enabled,
        "created": version.created.unix_timestamp(),
        "updated": version.updated.unix_timestamp(),
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": RECOVERABLE,
    });
    if let Some(map) = attributes.as_object_mut() {
        let times = [("nbf", version.begins), ("exp", version.ends)];
        map.extend(times.into_iter().filter_map(|(name, time)| Some((name.to_owned(), json!(time?)))));
    }
    let mut shown = Map::new();
    shown.insert(field.to_owned(), json!(id));
    if let Some(media_type) = &version.media_type {
        shown.insert("contentType".to_owned(), json!(media_type));
    }
    shown.insert("attributes".to_owned(), attributes);
    shown.insert("tags".to_owned(), version.tags.clone().map_or_else(|| json!({}), Value::Object));
    shown
}

/// Adds what is said of something deleted.
pub(super) fn as_deleted(cx: &Context<'_>, shown: &mut Map<String, Value>, name: &str, at: OffsetDateTime) {
    shown.insert("recoveryId".to_owned(), json!(id(cx, "deletedsecrets", name, "")));
    shown.insert("deletedDate".to_owned(), json!(at.unix_timestamp()));
    let end = at.saturating_add(time::Duration::days(RECOVERABLE));
    shown.insert("scheduledPurgeDate".to_owned(), json!(end.unix_timestamp()));
}

/// One page, with the address of the next.
pub(super) fn page(cx: &Context<'_>, items: Vec<Map<String, Value>>) -> OrRefusal<Answer> {
    let query = &cx.call.query;
    let size = query.number("maxresults").unwrap_or(PAGE);
    if !(1..=PAGE).contains(&size) {
        return Err(refusal::bad(format!("maxresults must be between 1 and {PAGE}.")));
    }
    let start = query.number("$skiptoken").unwrap_or(0);
    let more = items.len() > start.saturating_add(size);
    let version = query.get("api-version").unwrap_or_default();
    let next = more.then(|| {
        let (origin, path) = (&cx.call.origin, &cx.call.path);
        format!("{origin}{path}?api-version={version}&$skiptoken={}&maxresults={size}", start + size)
    });
    let value: Vec<Value> = items.into_iter().skip(start).take(size).map(Value::Object).collect();
    Ok(json_answer(200, &json!({"value": value, "nextLink": next})))
}
