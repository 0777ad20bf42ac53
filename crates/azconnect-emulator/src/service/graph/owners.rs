//! The owners of applications.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::passwords::malformed;
use super::{Context, Key, applications, document, principals, query, refusal};
use crate::base::answer::{Answer, empty};
use crate::base::refusal::OrRefusal;
use crate::model::directory::Tenant;
use crate::model::world::World;

pub(super) fn list(cx: &Context<'_>, world: &World, key: &Key) -> OrRefusal<Answer> {
    cx.may_read()?;
    let tenant = applications::tenant(cx, world)?;
    let owners = applications::find(cx, world, key)?.owners.iter().map(|id| shown(cx, world, tenant, *id)).collect();
    query::page(cx, "directoryObjects", owners, world.settings.page_size, &[])
}

/// The owners of a service principal.
pub(super) fn of_principal(cx: &Context<'_>, world: &World, key: &Key) -> OrRefusal<Answer> {
    cx.may_read()?;
    let tenant = applications::tenant(cx, world)?;
    let principal = principals::find(cx, world, key)?;
    let owners = principal.owners.iter().map(|id| shown(cx, world, tenant, *id)).collect();
    query::page(cx, "directoryObjects", owners, world.settings.page_size, &[])
}

/// Adds a reference; one that is there already is refused.
pub(super) fn add(cx: &Context<'_>, world: &mut World, key: &Key) -> OrRefusal<Answer> {
    let id = applications::changeable(cx, world, key)?;
    let Ok(Value::Object(body)) = cx.call.json() else { return Err(malformed()) };
    let text = body.get("@odata.id").and_then(Value::as_str).filter(|_| body.len() == 1).unwrap_or_default();
    let path = text.strip_prefix(&format!("{}/", cx.base())).and_then(|rest| rest.split_once('/'));
    let owner = path.filter(|(kind, _)| matches!(*kind, "directoryObjects" | "users" | "servicePrincipals"));
    let Some(owner) = owner.and_then(|(_, id)| Uuid::parse_str(id).ok()) else {
        return Err(refusal::bad_request("Invalid entity reference format in the request URL or payload."));
    };
    let tenant = applications::tenant(cx, world)?;
    let exists = tenant.users.iter().any(|user| user.object_id == owner)
        || tenant.principals.iter().any(|principal| principal.object_id == owner);
    if !exists {
        return Err(refusal::not_found(&owner.to_string()));
    }
    let owners = owners_of(cx, world, id)?;
    if owners.contains(&owner) {
        let text = "One or more added object references already exist for the following modified properties: 'owners'.";
        return Err(refusal::bad_request(text));
    }
    owners.push(owner);
    Ok(empty(204))
}

pub(super) fn remove(cx: &Context<'_>, world: &mut World, key: &Key, owner: &str) -> OrRefusal<Answer> {
    let id = applications::changeable(cx, world, key)?;
    let owners = owners_of(cx, world, id)?;
    let place = Uuid::parse_str(owner).ok().and_then(|owner| owners.iter().position(|known| *known == owner));
    // The last one may go: Graph leaves that to the caller's care.
    owners.remove(place.ok_or_else(|| refusal::not_found(owner))?);
    Ok(empty(204))
}

fn owners_of<'w>(cx: &Context<'_>, world: &'w mut World, id: Uuid) -> OrRefusal<&'w mut Vec<Uuid>> {
    let tenant = world.directory.tenant_mut(cx.caller.tenant).ok_or_else(refusal::denied)?;
    let found = tenant.applications.iter_mut().find(|application| application.object_id == id);
    Ok(&mut found.ok_or_else(|| refusal::not_found(&id.to_string()))?.owners)
}

fn shown(cx: &Context<'_>, world: &World, tenant: &Tenant, id: Uuid) -> Map<String, Value> {
    let typed = |kind: &str, mut object: Map<String, Value>| {
        object.shift_insert(0, "@odata.type".to_owned(), json!(format!("#microsoft.graph.{kind}")));
        object
    };
    if let Some(user) = tenant.users.iter().find(|user| user.object_id == id) {
        return typed("user", document::user(user));
    }
    match tenant.principals.iter().find(|principal| principal.object_id == id) {
        Some(principal) => {
            let home = world.directory.application(principal.client_id).map(|(tenant, _)| tenant);
            typed("servicePrincipal", document::principal(principal, home, &cx.replica(world)))
        }
        None => typed("directoryObject", json!({"id": id.to_string()}).as_object().cloned().unwrap_or_default()),
    }
}
