//! Adding and removing client secrets.

use azconnect_core::Secret;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::principals::check_sight;
use super::{Context, HolderKind, Key, document, refusal};
use crate::base::answer::{Answer, empty, json_answer};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::directory::{Password, Tenant};
use crate::model::world::World;

/// How many secrets an application for personal accounts may hold.
const PERSONAL_LIMIT: usize = 2;

/// How many credentials of all kinds any application may hold, by the *Entra service limits*.
const LIMIT: usize = 1000;

/// Not idempotent, and the only answer that ever holds a secret's text.
pub(super) fn add(cx: &Context<'_>, world: &mut World, kind: HolderKind, key: &Key) -> OrRefusal<Answer> {
    let wanted = read_wanted(cx)?;
    let holder = find(cx, world, kind, key)?;
    let now = cx.now;
    let start = wanted.start.unwrap_or(now.wall);
    // Two years is the documented default.
    let end = wanted.end.unwrap_or(start.saturating_add(Duration::days(730)));
    if end <= start || end <= now.wall {
        return Err(refusal::bad_request("The passwordCredential's endDateTime is invalid: it is not in the future."));
    }
    check_policy(world, cx.caller.tenant, end - start)?;
    // A removed secret counts no more, although a replica may still accept it.
    let live = holder_passwords(world, cx.caller.tenant, &holder).iter().filter(|p| p.is_live()).count();
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
    let mut body = document::password(&password);
    if let Some(map) = body.as_object_mut() {
        map.insert("secretText".to_owned(), json!(password.text.expose()));
        let context = format!("{}/$metadata#microsoft.graph.passwordCredential", cx.base());
        map.shift_insert(0, "@odata.context".to_owned(), json!(context));
    }
    if let Some(passwords) = holder_passwords_mut(world, cx.caller.tenant, &holder) {
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
    let holder = find(cx, world, kind, key)?;
    let replica = cx.replica(world);
    let known = holder_passwords(world, cx.caller.tenant, &holder)
        .iter()
        .any(|password| password.key_id == id && password.is_live() && password.is_known_to(&replica));
    if !known {
        return Err(refusal::bad_request(format!("No password credential found with keyId '{key_id}'.")));
    }
    let now = cx.now;
    let passwords = holder_passwords_mut(world, cx.caller.tenant, &holder);
    for password in passwords.into_iter().flatten().filter(|password| password.key_id == id) {
        password.removed = Some((now.elapsed, now.wall));
    }
    Ok(empty(204))
}

/// Whose secrets change, once it is sure that the caller may.
struct Holder {
    kind: HolderKind,
    object_id: Uuid,
    personal: bool,
}

fn find(cx: &Context<'_>, world: &World, kind: HolderKind, key: &Key) -> OrRefusal<Holder> {
    let tenant = world.directory.tenant_by_id(cx.caller.tenant).ok_or_else(|| refusal::not_found(key.text()))?;
    let replica = cx.replica(world);
    let missing = || refusal::not_found(key.text());
    let (holder, owners) = match kind {
        HolderKind::Application => {
            let found = tenant.applications.iter().find(|a| {
                key.matches(a.object_id, a.client_id) && replica.has_seen_creation(a.object_id, a.created.elapsed)
            });
            let found = found.ok_or_else(missing)?;
            let personal = found.sign_in_audience.contains("PersonalMicrosoftAccount");
            (Holder { kind, object_id: found.object_id, personal }, &found.owners)
        }
        HolderKind::ServicePrincipal => {
            let found = tenant.principals.iter().find(|p| {
                key.matches(p.object_id, p.client_id) && replica.has_seen_creation(p.object_id, p.created.elapsed)
            });
            let found = found.ok_or_else(missing)?;
            check_sight(found, key)?;
            (Holder { kind, object_id: found.object_id, personal: false }, &found.owners)
        }
    };
    cx.may_change(owners)?;
    Ok(holder)
}

fn passwords_in<'a>(tenant: &'a Tenant, holder: &Holder) -> Option<&'a Vec<Password>> {
    let id = holder.object_id;
    match holder.kind {
        HolderKind::Application => tenant.applications.iter().find(|a| a.object_id == id).map(|a| &a.passwords),
        HolderKind::ServicePrincipal => tenant.principals.iter().find(|p| p.object_id == id).map(|p| &p.passwords),
    }
}

fn holder_passwords<'a>(world: &'a World, tenant: Uuid, holder: &Holder) -> &'a [Password] {
    let passwords = world.directory.tenant_by_id(tenant).and_then(|tenant| passwords_in(tenant, holder));
    passwords.map(Vec::as_slice).unwrap_or_default()
}

fn holder_passwords_mut<'a>(world: &'a mut World, tenant: Uuid, holder: &Holder) -> Option<&'a mut Vec<Password>> {
    let tenant = world.directory.tenant_mut(tenant)?;
    let id = holder.object_id;
    match holder.kind {
        HolderKind::Application => tenant.applications.iter_mut().find(|a| a.object_id == id).map(|a| &mut a.passwords),
        HolderKind::ServicePrincipal => {
            tenant.principals.iter_mut().find(|p| p.object_id == id).map(|p| &mut p.passwords)
        }
    }
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

fn check_policy(world: &World, tenant: Uuid, lifetime: Duration) -> OrRefusal<()> {
    let longest = world.directory.tenant_by_id(tenant).and_then(|tenant| tenant.longest_password);
    match longest {
        Some(longest) if lifetime > longest => Err(refusal::lifetime(&super::objects::POLICY_ID.to_string())),
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
