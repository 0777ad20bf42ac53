//! The certificates of applications, as `keyCredentials`: shown without their keys' bytes, and replaced as a whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::document::moment;
use super::{Context, refusal};
use crate::base::dice::Dice;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::trust::Certificate;

/// A certificate as Graph shows it. `key` is there only where one application is asked for it by name.
pub(super) fn shown(certificate: &Certificate) -> Value {
    let thumbprint = certificate.thumbprint();
    json!({
        "customKeyIdentifier": thumbprint.iter().map(|byte| format!("{byte:02X}")).collect::<String>(),
        "displayName": certificate.display_name,
        "endDateTime": moment(certificate.ends),
        "key": null,
        "keyId": certificate.key_id.to_string(),
        "startDateTime": moment(certificate.starts),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    })
}

/// Puts the bytes of the certificates into an application's document, where it was asked for them.
pub(super) fn with_keys(cx: &Context<'_>, document: &mut Map<String, Value>, certificates: &[Certificate]) {
    let wanted = cx.call.query.list("$select").iter().any(|name| name.eq_ignore_ascii_case("keyCredentials"));
    let list = document.get_mut("keyCredentials").and_then(Value::as_array_mut).filter(|_| wanted);
    for (shown, certificate) in list.into_iter().flatten().zip(certificates) {
        if let Some(key) = shown.get_mut("key") {
            *key = json!(STANDARD.encode(certificate.der()));
        }
    }
}

/// Reads the new collection out of a body; nothing if the body does not name it.
pub(super) fn read(
    cx: &Context<'_>,
    dice: &mut Dice,
    body: &mut Map<String, Value>,
    known: &[Certificate],
) -> OrRefusal<Option<Vec<Certificate>>> {
    match body.shift_remove("keyCredentials") {
        None => Ok(None),
        Some(Value::Array(items)) => {
            items.iter().map(|item| read_one(cx, dice, item, known)).collect::<OrRefusal<_>>().map(Some)
        }
        Some(_) => Err(invalid()),
    }
}

fn read_one(cx: &Context<'_>, dice: &mut Dice, item: &Value, known: &[Certificate]) -> OrRefusal<Certificate> {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let id = text("keyId").and_then(|id| Uuid::parse_str(id).ok());
    let old = known.iter().find(|one| Some(one.key_id) == id);
    // What is there already is sent back as it was shown, without its bytes.
    let der = match (text("key"), old) {
        (None, Some(old)) => old.der().to_vec(),
        (Some(key), _) => STANDARD.decode(key).map_err(|_| invalid())?,
        (None, None) => return Err(invalid()),
    };
    if let Some(old) = old.filter(|old| old.der() != der) {
        let text = format!("Update to existing credential with KeyId '{}' is not allowed.", old.key_id);
        return Err(Refusal::new(400, "KeyCredentialsInvalidUpdate", text));
    }
    if text("type") != Some("AsymmetricX509Cert") || text("usage") != Some("Verify") {
        return Err(invalid());
    }
    let at = |name: &str, default: OffsetDateTime| match text(name) {
        Some(text) => OffsetDateTime::parse(text, &Rfc3339).map_err(|_| invalid()),
        None => Ok(default),
    };
    let starts = at("startDateTime", old.map_or(cx.now.wall, |old| old.starts))?;
    let ends = at("endDateTime", old.map_or(cx.now.wall.saturating_add(Duration::days(365)), |old| old.ends))?;
    let certificate = Certificate::new(id.unwrap_or_else(|| dice.guid()), der, starts, ends).ok_or_else(invalid)?;
    Ok(certificate.with_display_name(text("displayName").map(str::to_owned)))
}

fn invalid() -> Box<Refusal> {
    refusal::bad_request("Key credentials have invalid value(s): certificate and its fields must be well formed.")
}
