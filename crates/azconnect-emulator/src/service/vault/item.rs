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
pub(super) const RECOVERABLE: i64 = 90;

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

/// What a body says of a version, all of which is read before anything is changed.
pub(super) struct Wish {
    tags: Option<Map<String, Value>>,
    media_type: Option<String>,
    enabled: Option<bool>,
    begins: Option<i64>,
    ends: Option<i64>,
}

/// The attributes that a body may have. The last ones are the service's own, and are sent back by some clients.
const ATTRIBUTES: [&str; 9] =
    ["enabled", "nbf", "exp", "exportable", "created", "updated", "recoverableDays", "recoveryLevel", "hsmPlatform"];

/// The longest content type, tag name and tag value.
const LONGEST_WORD: usize = 256;

impl Wish {
    /// Reads a body that may have these members and no other.
    pub(super) fn read(body: &Value, members: &[&str]) -> OrRefusal<Self> {
        only(body, "the body", members)?;
        let attributes = body.get("attributes").unwrap_or(&Value::Null);
        if !attributes.is_null() {
            only(attributes, "attributes", &ATTRIBUTES)?;
        }
        let tags = typed(body, "tags", "an object of texts", Value::as_object)?;
        if let Some(tags) = tags {
            let fits = |text: &str| text.len() <= LONGEST_WORD;
            let odd = tags.iter().any(|(name, value)| !fits(name) || !value.as_str().is_some_and(fits));
            if tags.len() > 15 || odd {
                return Err(refusal::bad("Tags are up to 15 texts of up to 256 characters."));
            }
        }
        let media_type = typed(body, "contentType", "a text", Value::as_str)?;
        if media_type.is_some_and(|text| text.len() > LONGEST_WORD - 1) {
            return Err(refusal::bad("Property 'contentType' has at most 255 characters."));
        }
        Ok(Self {
            tags: tags.cloned(),
            media_type: media_type.map(str::to_owned),
            enabled: typed(attributes, "enabled", "true or false", Value::as_bool)?,
            begins: typed(attributes, "nbf", SECONDS, Value::as_i64)?,
            ends: typed(attributes, "exp", SECONDS, Value::as_i64)?,
        })
    }
}

const SECONDS: &str = "a whole number of seconds since 1970";

/// Refuses what is no object, and members that nobody reads: a misspelt one would change nothing and tell nobody.
pub(super) fn only(value: &Value, what: &str, members: &[&str]) -> OrRefusal<()> {
    let object = value.as_object().ok_or_else(|| refusal::bad(format!("{what} is not a JSON object.")))?;
    match object.keys().find(|name| !members.contains(&name.as_str())) {
        Some(odd) => Err(refusal::bad(format!("Property '{odd}' of {what} is not known."))),
        None => Ok(()),
    }
}

/// A member of a type; nothing where it is absent or `null`.
pub(super) fn typed<'v, T: 'v>(
    object: &'v Value,
    name: &str,
    kind: &str,
    read: impl Fn(&'v Value) -> Option<T>,
) -> OrRefusal<Option<T>> {
    let Some(value) = object.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let wrong = || refusal::bad(format!("Property '{name}' has an invalid value: it is {kind}."));
    read(value).map(Some).ok_or_else(wrong)
}

/// A version as somebody wishes it.
pub(super) fn version<T>(cx: &Context<'_>, id: String, content: T, wish: Wish) -> Version<T> {
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
    change(cx, &mut version, wish);
    version
}

/// Changes what may change of a version: everything but its content.
pub(super) fn change<T>(cx: &Context<'_>, version: &mut Version<T>, wish: Wish) {
    version.tags = wish.tags.or(version.tags.take());
    version.media_type = wish.media_type.or(version.media_type.take());
    version.enabled = wish.enabled.unwrap_or(version.enabled);
    version.begins = wish.begins.or(version.begins);
    version.ends = wish.ends.or(version.ends);
    version.updated = cx.now.wall;
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
