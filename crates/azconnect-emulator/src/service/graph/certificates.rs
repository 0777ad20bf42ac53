//! The certificates of applications and service principals, as `keyCredentials`: shown without their keys' bytes, and
//! replaced as a whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::document::moment;
use super::{Context, refusal};
use crate::base::der;
use crate::base::dice::Dice;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::credential_policy::CredentialPolicy;
use crate::model::replica::Replica;
use crate::model::trust::Certificate;

/// What a key credential has, by the *keyCredential resource type*.
const FIELDS: [&str; 8] =
    ["customKeyIdentifier", "displayName", "endDateTime", "key", "keyId", "startDateTime", "type", "usage"];

/// A certificate as Graph shows it. `key` is there only where one object is asked for it by name.
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

/// The certificates that one replica lists.
pub(super) fn listed(all: &[Certificate], replica: &Replica<'_>) -> Value {
    all.iter().filter(|one| one.is_known_to(replica)).map(shown).collect()
}

/// Puts the bytes of the certificates into an object's document, where it was asked for them.
pub(super) fn with_keys(cx: &Context<'_>, document: &mut Map<String, Value>, certificates: &[Certificate]) {
    let wanted = cx.call.query.list("$select").iter().any(|name| name.eq_ignore_ascii_case("keyCredentials"));
    let list = document.get_mut("keyCredentials").and_then(Value::as_array_mut).filter(|_| wanted);
    for shown in list.into_iter().flatten() {
        let id = shown.get("keyId").and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok());
        let certificate = certificates.iter().find(|one| Some(one.key_id) == id);
        if let (Some(certificate), Some(key)) = (certificate, shown.get_mut("key")) {
            *key = json!(STANDARD.encode(certificate.der()));
        }
    }
}

/// Reads the new collection out of a body; nothing if the body does not name it.
pub(super) fn read(
    cx: &Context<'_>,
    dice: &mut Dice,
    body: &mut Map<String, Value>,
    policy: &CredentialPolicy,
    known: &[Certificate],
) -> OrRefusal<Option<Vec<Wanted>>> {
    match body.shift_remove("keyCredentials") {
        None => Ok(None),
        Some(Value::Array(items)) => {
            let wanted: Vec<Wanted> =
                items.iter().map(|item| read_one(cx, dice, item, policy, known)).collect::<OrRefusal<_>>()?;
            let mut ids: Vec<Uuid> = wanted.iter().map(Wanted::key_id).collect();
            ids.sort_unstable();
            ids.dedup();
            if ids.len() == wanted.len() { Ok(Some(wanted)) } else { Err(invalid()) }
        }
        Some(_) => Err(invalid()),
    }
}

/// Refuses a collection with an item that comes without its bytes, where they are needed.
pub(super) fn check_bytes(body: &Map<String, Value>, needed: bool) -> OrRefusal<()> {
    let items = body.get("keyCredentials").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let lacks = |item: &Value| item.get("key").is_none_or(Value::is_null);
    if needed && items.iter().any(lacks) { Err(invalid()) } else { Ok(()) }
}

/// One item of a new collection.
pub(super) enum Wanted {
    /// One that is there already.
    Kept(Uuid),
    New(Certificate),
}

impl Wanted {
    fn key_id(&self) -> Uuid {
        match self {
            Self::Kept(id) => *id,
            Self::New(certificate) => certificate.key_id,
        }
    }
}

/// Makes a collection what was asked for. What is left out is removed, and replicas hear of that later.
pub(super) fn replace(cx: &Context<'_>, certificates: &mut Vec<Certificate>, wanted: Vec<Wanted>) {
    let kept: Vec<Uuid> = wanted.iter().map(Wanted::key_id).collect();
    for gone in certificates.iter_mut().filter(|one| one.is_live() && !kept.contains(&one.key_id)) {
        gone.removed = Some(cx.now.elapsed);
    }
    certificates.extend(wanted.into_iter().filter_map(|one| match one {
        Wanted::New(certificate) => Some(certificate),
        Wanted::Kept(_) => None,
    }));
}

fn read_one(
    cx: &Context<'_>,
    dice: &mut Dice,
    item: &Value,
    policy: &CredentialPolicy,
    known: &[Certificate],
) -> OrRefusal<Wanted> {
    let id = item.get("keyId").and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok());
    match known.iter().find(|one| one.is_live() && Some(one.key_id) == id) {
        Some(old) => unchanged(item, old).map(|()| Wanted::Kept(old.key_id)),
        None => Ok(Wanted::New(new(cx, item, policy, id.unwrap_or_else(|| dice.guid()))?)),
    }
}

/// What is there already is sent back as it was shown, with or without its bytes. It cannot be changed.
fn unchanged(item: &Value, old: &Certificate) -> OrRefusal<()> {
    let shown = shown(old);
    let bytes = STANDARD.encode(old.der());
    let Some(fields) = item.as_object() else { return Err(invalid()) };
    let same = fields.iter().filter(|(_, value)| !value.is_null()).all(|(name, value)| match name.as_str() {
        "key" => *value == bytes,
        // The same moment may be written in several ways.
        "startDateTime" => read_moment(value) == Some(old.starts),
        "endDateTime" => read_moment(value) == Some(old.ends),
        "customKeyIdentifier" => true,
        _ => shown.get(name) == Some(value),
    });
    if same {
        return Ok(());
    }
    let text = format!("Update to existing credential with KeyId '{}' is not allowed.", old.key_id);
    Err(Refusal::new(400, "KeyCredentialsInvalidUpdate", text))
}

/// A new certificate out of a key credential, within its own dates and the tenant's policy.
pub(super) fn new(cx: &Context<'_>, item: &Value, policy: &CredentialPolicy, key_id: Uuid) -> OrRefusal<Certificate> {
    let Some(fields) = item.as_object() else { return Err(invalid()) };
    if let Some(odd) = fields.keys().find(|name| !FIELDS.contains(&name.as_str()) && !name.starts_with('@')) {
        let text = format!("The property '{odd}' does not exist on type 'microsoft.graph.keyCredential'.");
        return Err(refusal::bad_request(text));
    }
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    match (text("type"), text("usage")) {
        (Some("AsymmetricX509Cert"), Some("Verify")) => {}
        // What signs the tokens of SAML, and symmetric keys: a gap, and not a refusal in the words of Graph.
        (Some("X509CertAndPassword"), Some("Sign")) | (Some("Symmetric"), Some("Sign" | "Verify")) => {
            return Err(Refusal::not_emulated());
        }
        _ => return Err(invalid()),
    }
    let bytes = text("key").and_then(|key| STANDARD.decode(key).ok()).ok_or_else(invalid)?;
    let (valid_from, valid_to) = der::validity(&bytes).ok_or_else(invalid)?;
    let at = |name: &str, default: OffsetDateTime| match item.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => read_moment(value).ok_or_else(invalid),
    };
    let (starts, ends) = (at("startDateTime", valid_from)?, at("endDateTime", valid_to)?);
    // The credential cannot live longer than its certificate, and an expired one is of no use.
    if starts < valid_from || starts >= ends {
        return Err(Refusal::new(400, "KeyCredentialsInvalidStartDate", "Key credential start date is invalid."));
    }
    if ends > valid_to || ends <= cx.now.wall {
        return Err(Refusal::new(400, "KeyCredentialsInvalidEndDate", "Key credential end date is invalid."));
    }
    if policy.longest_certificate.is_some_and(|longest| ends - starts > longest) {
        return Err(refusal::lifetime(&super::objects::POLICY_ID.to_string()));
    }
    let certificate = Certificate::new(key_id, bytes, starts, ends).ok_or_else(invalid)?;
    Ok(certificate.with_display_name(text("displayName").map(str::to_owned)).with_birth(cx.now))
}

fn read_moment(value: &Value) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()
}

pub(super) fn invalid() -> Box<Refusal> {
    refusal::bad_request("Key credentials have invalid value(s): certificate and its fields must be well formed.")
}
