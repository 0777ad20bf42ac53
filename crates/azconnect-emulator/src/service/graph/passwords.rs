//! Adding and removing client secrets.

use azconnect_core::Secret;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::holder::{Holder, Right};
use super::{Context, HolderKind, Key, document, refusal};
use crate::base::answer::{Answer, empty, json_answer};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::graph::MissingPassword;
use crate::model::directory::Password;
use crate::model::history::Memory;
use crate::model::world::World;

/// How many secrets an application for personal accounts may hold.
const PERSONAL_LIMIT: usize = 2;

/// How many credentials of all kinds any application may hold, by the *Entra service limits*.
pub(super) const LIMIT: usize = 1000;

/// Not idempotent, and the only answer that ever holds a secret's text.
pub(super) fn add(cx: &Context<'_>, world: &mut World, kind: HolderKind, key: &Key) -> OrRefusal<Answer> {
    let wanted = read_wanted(cx)?;
    let holder = Holder::find(cx, world, (kind, key), Right::Granted)?;
    let now = cx.now;
    let start = wanted.start.unwrap_or(now.wall);
    // Two years is the documented default.
    let end = wanted.end.unwrap_or(start.saturating_add(Duration::days(730)));
    if end <= start || end <= now.wall {
        return Err(refusal::bad_request("The passwordCredential's endDateTime is invalid: it is not in the future."));
    }
    check_policy(cx, world, end - start)?;
    // A removed secret counts no more, although a replica may still accept it.
    let live = holder.passwords(cx, world).iter().filter(|p| p.is_live()).count();
    let limit = if holder.personal { PERSONAL_LIMIT } else { LIMIT };
    if live >= limit {
        let text =
            format!("Not allowed to add {} passwords. You can only add a maximum of {limit} passwords.", live + 1);
        return Err(refusal::bad_request(text));
    }
    let password = Password {
        key_id: world.dice.guid(),
        display_name: wanted.display_name,
        starts: start,
        ends: end,
        // Made here, and told in this one answer only.
        text: Secret::new(world.dice.client_secret()),
        added: Some(now.elapsed),
        removed: None,
    };
    let mut body = document::password(&password, world.settings.graph.shows_hints);
    if let Some(map) = body.as_object_mut() {
        map.insert("secretText".to_owned(), json!(password.text.expose()));
        let context = format!("{}/$metadata#microsoft.graph.passwordCredential", cx.base());
        map.shift_insert(0, "@odata.context".to_owned(), json!(context));
    }
    if let Some(passwords) = holder.passwords_mut(cx, world) {
        passwords.push(password);
    }
    Ok(json_answer(200, &body))
}

/// The 400 of a missing key is also that of a key whose addition this replica has not heard of.
pub(super) fn remove(cx: &Context<'_>, world: &mut World, kind: HolderKind, key: &Key) -> OrRefusal<Answer> {
    let body = cx.call.json().map_err(|_| malformed())?;
    let key_id = body.get("keyId").and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = Uuid::parse_str(&key_id).map_err(|_| {
        refusal::bad_request(format!("Cannot convert the literal '{key_id}' to the expected type 'Edm.Guid'."))
    })?;
    let holder = Holder::find(cx, world, (kind, key), Right::Granted)?;
    let replica = cx.replica(world);
    let known = holder
        .passwords(cx, world)
        .iter()
        .any(|password| password.key_id == id && password.is_live() && password.is_known_to(&replica));
    if !known {
        return Err(match world.settings.graph.missing_password {
            MissingPassword::BadRequest400 => {
                refusal::bad_request(format!("No password credential found with keyId '{key_id}'."))
            }
            MissingPassword::NotFound404 => refusal::not_found(&key_id),
        });
    }
    let (now, memory) = (cx.now, Memory::of(&world.settings));
    if let Some(passwords) = holder.passwords_mut(cx, world) {
        for password in passwords.iter_mut().filter(|password| password.key_id == id) {
            password.removed = Some((now.elapsed, now.wall));
        }
        memory.forget(passwords, now.elapsed);
    }
    Ok(empty(204))
}

struct Wanted {
    display_name: Option<String>,
    start: Option<OffsetDateTime>,
    end: Option<OffsetDateTime>,
}

fn read_wanted(cx: &Context<'_>) -> OrRefusal<Wanted> {
    let body = cx.call.json().map_err(|_| malformed())?;
    let none = Map::new();
    let credential = match body.get("passwordCredential") {
        Some(Value::Object(map)) => map,
        None | Some(Value::Null) => &none,
        Some(_) => return Err(malformed()),
    };
    let date = |name: &str| match credential.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let parsed = value.as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
            parsed.map(Some).ok_or_else(|| {
                let text = format!("Cannot convert the literal '{value}' to the expected type 'Edm.DateTimeOffset'.");
                refusal::bad_request(text.replace('"', ""))
            })
        }
    };
    Ok(Wanted {
        display_name: credential.get("displayName").and_then(Value::as_str).map(str::to_owned),
        start: date("startDateTime")?,
        end: date("endDateTime")?,
    })
}

fn check_policy(cx: &Context<'_>, world: &World, lifetime: Duration) -> OrRefusal<()> {
    let policy = world.directory.tenant_by_id(cx.caller.tenant).map(|tenant| tenant.policy).unwrap_or_default();
    let id = super::objects::POLICY_ID.to_string();
    if policy.forbids_passwords {
        return Err(refusal::forbidden_credential(&world.settings.graph, &id));
    }
    match policy.longest_password {
        Some(longest) if lifetime > longest => Err(refusal::lifetime(&id)),
        _ => Ok(()),
    }
}

/// A body that is not JSON, or not of the right shape.
pub(super) fn malformed() -> Box<Refusal> {
    Refusal::new(
        400,
        "BadRequest",
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
    )
}
