//! Admin consent: delegated permission grants, and the application roles of principals.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::passwords::malformed;
use super::{Context, Key, applications, document, principals, query, refusal};
use crate::base::answer::{Answer, empty};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::consent::{Assignment, Consents, Grant};
use crate::model::directory::Birth;
use crate::model::world::World;

const GRANTS: &str = "oauth2PermissionGrants";

pub(super) fn grants(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may_read()?;
    let replica = cx.replica(world);
    let all = applications::tenant(cx, world)?.consents.grants.iter();
    let visible = all.filter(|grant| replica.has_seen_creation(grant.id, grant.created.elapsed)).map(shown_grant);
    let fields = ["clientId", "consentType", "principalId", "resourceId"];
    query::page(cx, GRANTS, visible.collect(), world.settings.page_size, &fields)
}

pub(super) fn add_grant(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    cx.may_grant()?;
    let body = object(cx, &["clientId", "consentType", "principalId", "resourceId", "scope"])?;
    let (client, resource) = (principal(cx, world, &body, "clientId")?, principal(cx, world, &body, "resourceId")?);
    let person = match (body.get("consentType").and_then(Value::as_str), body.get("principalId")) {
        (Some("AllPrincipals"), None | Some(Value::Null)) => None,
        (Some("Principal"), Some(Value::String(id))) => Some(Uuid::parse_str(id).map_err(|_| invalid("principalId"))?),
        _ => return Err(invalid("consentType")),
    };
    let scope = scope(&body)?;
    let same = |grant: &Grant| (grant.client, grant.resource, grant.person) == (client, resource, person);
    if applications::tenant(cx, world)?.consents.grants.iter().any(same) {
        let text = "Permission entry already exists.";
        return Err(Refusal::new(409, "Request_MultipleObjectsWithSameKeyValue", text));
    }
    let grant = Grant { id: world.dice.guid(), client, person, resource, scope, created: now(cx) };
    let answer = applications::created(cx, GRANTS, shown_grant(&grant));
    consents(cx, world)?.grants.push(grant);
    Ok(answer)
}

pub(super) fn change_grant(cx: &Context<'_>, world: &mut World, id: &str) -> OrRefusal<Answer> {
    cx.may_grant()?;
    let scope = scope(&object(cx, &["scope"])?)?;
    let found = consents(cx, world)?.grants.iter_mut().find(|grant| Uuid::parse_str(id) == Ok(grant.id));
    found.ok_or_else(|| refusal::not_found(id))?.scope = scope;
    Ok(empty(204))
}

pub(super) fn remove_grant(cx: &Context<'_>, world: &mut World, id: &str) -> OrRefusal<Answer> {
    cx.may_grant()?;
    let grants = &mut consents(cx, world)?.grants;
    let place = grants.iter().position(|grant| Uuid::parse_str(id) == Ok(grant.id));
    grants.remove(place.ok_or_else(|| refusal::not_found(id))?);
    Ok(empty(204))
}

pub(super) fn roles(cx: &Context<'_>, world: &World, key: &Key) -> OrRefusal<Answer> {
    cx.may_read()?;
    let principal = principals::find(cx, world, key)?.object_id;
    let replica = cx.replica(world);
    let all = applications::tenant(cx, world)?.consents.assignments.iter();
    let visible = all
        .filter(|one| one.principal == principal && replica.has_seen_creation(one.id, one.created.elapsed))
        .map(shown_assignment);
    query::page(cx, "appRoleAssignments", visible.collect(), world.settings.page_size, &[])
}

pub(super) fn assign_role(cx: &Context<'_>, world: &mut World, key: &Key) -> OrRefusal<Answer> {
    cx.may_assign_roles()?;
    let holder = principals::find(cx, world, key)?.object_id;
    let body = object(cx, &["principalId", "resourceId", "appRoleId"])?;
    let (principal, resource) =
        (principal(cx, world, &body, "principalId")?, principal(cx, world, &body, "resourceId")?);
    let role = id(&body, "appRoleId")?;
    // The zero id is the default access, which every resource has.
    let known = role.is_nil() || roles_of(cx, world, resource)?.contains(&role.to_string());
    if principal != holder || !known {
        return Err(refusal::bad_request("Permission being assigned was not found on application."));
    }
    let same = |one: &Assignment| (one.principal, one.resource, one.role) == (principal, resource, role);
    if applications::tenant(cx, world)?.consents.assignments.iter().any(same) {
        return Err(refusal::bad_request("Permission being assigned already exists on the object."));
    }
    let assignment = Assignment { id: world.dice.guid(), principal, resource, role, created: now(cx) };
    let answer = applications::created(cx, "appRoleAssignments", shown_assignment(&assignment));
    consents(cx, world)?.assignments.push(assignment);
    Ok(answer)
}

pub(super) fn take_role(cx: &Context<'_>, world: &mut World, key: &Key, id: &str) -> OrRefusal<Answer> {
    cx.may_assign_roles()?;
    let holder = principals::find(cx, world, key)?.object_id;
    let all = &mut consents(cx, world)?.assignments;
    let place = all.iter().position(|one| one.principal == holder && Uuid::parse_str(id) == Ok(one.id));
    all.remove(place.ok_or_else(|| refusal::not_found(id))?);
    Ok(empty(204))
}

fn roles_of(cx: &Context<'_>, world: &World, resource: Uuid) -> OrRefusal<Vec<String>> {
    let resource = principals::find(cx, world, &Key::ObjectId(resource.to_string()))?;
    let roles = resource.document.get("appRoles").and_then(Value::as_array).into_iter().flatten();
    Ok(roles.filter_map(|role| role.get("id")?.as_str().map(str::to_owned)).collect())
}

/// A service principal that the body names and the answering replica knows.
fn principal(cx: &Context<'_>, world: &World, body: &Map<String, Value>, field: &str) -> OrRefusal<Uuid> {
    let id = id(body, field)?;
    principals::find(cx, world, &Key::ObjectId(id.to_string())).map(|principal| principal.object_id)
}

fn id(body: &Map<String, Value>, field: &str) -> OrRefusal<Uuid> {
    let text = body.get(field).and_then(Value::as_str).unwrap_or_default();
    Uuid::parse_str(text).map_err(|_| invalid(field))
}

fn scope(body: &Map<String, Value>) -> OrRefusal<String> {
    let scope = body.get("scope").and_then(Value::as_str).map(str::trim).filter(|scope| !scope.is_empty());
    scope.map(str::to_owned).ok_or_else(|| invalid("scope"))
}

fn object(cx: &Context<'_>, known: &[&str]) -> OrRefusal<Map<String, Value>> {
    let Ok(Value::Object(body)) = cx.call.json() else { return Err(malformed()) };
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(refusal::bad_request(format!("The property '{name}' does not exist on this type."))),
        None => Ok(body),
    }
}

fn consents<'w>(cx: &Context<'_>, world: &'w mut World) -> OrRefusal<&'w mut Consents> {
    Ok(&mut world.directory.tenant_mut(cx.caller.tenant).ok_or_else(refusal::denied)?.consents)
}

fn now(cx: &Context<'_>) -> Birth {
    Birth { wall: cx.now.wall, elapsed: Some(cx.now.elapsed) }
}

fn shown_grant(grant: &Grant) -> Map<String, Value> {
    document::plain(json!({
        "id": grant.id.to_string(),
        "clientId": grant.client.to_string(),
        "consentType": if grant.person.is_some() { "Principal" } else { "AllPrincipals" },
        "principalId": grant.person.map(|id| id.to_string()),
        "resourceId": grant.resource.to_string(),
        // The service keeps and shows scopes with a space at either end.
        "scope": format!(" {} ", grant.scope),
    }))
}

fn shown_assignment(one: &Assignment) -> Map<String, Value> {
    document::plain(json!({
        "id": one.id.to_string(),
        "appRoleId": one.role.to_string(),
        "createdDateTime": document::moment(one.created.wall),
        "deletedDateTime": null,
        "principalId": one.principal.to_string(),
        "principalType": "ServicePrincipal",
        "resourceId": one.resource.to_string(),
    }))
}

fn invalid(field: &str) -> Box<Refusal> {
    refusal::bad_request(format!("Invalid value specified for property '{field}'."))
}
