//! Service principals.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::applications::{created, object, tenant};
use super::{Context, Key, certificates, document, properties, query, refusal};
use crate::base::answer::{Answer, empty};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::directory::{Birth, Hidden, ServicePrincipal, Tenant};
use crate::model::history::Memory;
use crate::model::world::World;

/// What a list can be filtered by, of what the documents name.
const FILTERABLE: [&str; 8] = [
    "accountEnabled",
    "appId",
    "displayName",
    "id",
    "servicePrincipalNames",
    "servicePrincipalType",
    "tags",
    "createdDateTime",
];

pub(super) fn list(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may_read()?;
    let replica = cx.replica(world);
    let visible = all(tenant(cx, world)?)
        .filter(|principal| principal.hidden.is_none())
        .filter(|principal| replica.has_seen_creation(principal.object_id, principal.created.elapsed));
    let objects = visible.map(|principal| show(cx, world, principal)).collect();
    query::page(cx, "servicePrincipals", objects, world.settings.page_size, &FILTERABLE)
}

pub(super) fn get(cx: &Context<'_>, world: &World, key: &Key) -> OrRefusal<Answer> {
    cx.may_read()?;
    let principal = find(cx, world, key)?;
    let mut shown = show(cx, world, principal);
    certificates::with_keys(cx, &mut shown, &principal.certificates);
    query::entity(cx, "servicePrincipals", shown)
}

pub(super) fn create(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    cx.may_create()?;
    let mut body = object(cx, "servicePrincipal", properties::PRINCIPAL)?;
    let text = body.shift_remove("appId").and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
    let replica = cx.replica(world);
    let application = Uuid::parse_str(&text).ok().and_then(|id| {
        let (home, application) = world.directory.application(id)?;
        // An application for one organization has no service principal in another.
        let reachable = home.id == cx.caller.tenant || application.sign_in_audience != "AzureADMyOrg";
        let known = replica.has_seen_creation(application.object_id, application.created.elapsed);
        (reachable && known).then_some(application)
    });
    let Some(application) = application else {
        let text =
            format!("The appId '{text}' of the service principal does not reference a valid application object.");
        return Err(refusal::bad_request(text));
    };
    let (client_id, display_name) = (application.client_id, application.display_name.clone());
    if tenant(cx, world)?.principal_of(client_id).is_some() {
        let text = format!(
            "The service principal cannot be created, updated, or restored because the service principal name \
             {client_id} is already in use."
        );
        return Err(Refusal::new(409, "Request_MultipleObjectsWithSameKeyValue", text));
    }
    let policy = tenant(cx, world)?.policy;
    let wanted = certificates::read(cx, &mut world.dice, &mut body, &policy, &[])?.unwrap_or_default();
    let mut certificates = Vec::new();
    certificates::replace(cx, &mut certificates, wanted);
    let enabled = read_enabled(&mut body)?.unwrap_or(true);
    let principal = ServicePrincipal {
        object_id: world.dice.guid(),
        client_id,
        display_name,
        enabled,
        hidden: None,
        passwords: Vec::new(),
        certificates,
        owners: vec![cx.caller.object_id()],
        graph_roles: Vec::new(),
        created: Birth { wall: cx.now.wall, elapsed: Some(cx.now.elapsed) },
        document: body,
    };
    let answer = created(cx, "servicePrincipals", show(cx, world, &principal));
    if let Some(tenant) = world.directory.tenant_mut(cx.caller.tenant) {
        tenant.principals.push(principal);
    }
    Ok(answer)
}

pub(super) fn update(cx: &Context<'_>, world: &mut World, key: &Key) -> OrRefusal<Answer> {
    let id = changeable(cx, world, key)?;
    let mut body = object(cx, "servicePrincipal", properties::PRINCIPAL)?;
    let enabled = read_enabled(&mut body)?;
    let policy = tenant(cx, world)?.policy;
    let memory = Memory::of(&world.settings);
    certificates::check_bytes(&body, world.settings.graph.requires_key_bytes)?;
    let World { directory, dice, .. } = world;
    let found = directory
        .tenant_mut(cx.caller.tenant)
        .and_then(|tenant| tenant.principals.iter_mut().find(|principal| principal.object_id == id));
    let principal = found.ok_or_else(|| refusal::not_found(key.text()))?;
    if let Some(wanted) = certificates::read(cx, dice, &mut body, &policy, &principal.certificates)? {
        certificates::replace(cx, &mut principal.certificates, wanted);
        memory.forget(&mut principal.certificates, cx.now.elapsed);
    }
    principal.enabled = enabled.unwrap_or(principal.enabled);
    principal.document.extend(body);
    Ok(empty(204))
}

pub(super) fn delete(cx: &Context<'_>, world: &mut World, key: &Key) -> OrRefusal<Answer> {
    let id = changeable(cx, world, key)?;
    if let Some(tenant) = world.directory.tenant_mut(cx.caller.tenant) {
        tenant.principals.retain(|principal| principal.object_id != id);
        tenant.consents.forget(id);
    }
    Ok(empty(204))
}

/// Those of a tenant, with those of Microsoft's own applications.
fn all(tenant: &Tenant) -> impl Iterator<Item = &ServicePrincipal> {
    tenant.principals.iter().chain(&tenant.resources)
}

/// A service principal that the answering replica knows and the caller may see.
pub(super) fn find<'w>(cx: &Context<'_>, world: &'w World, key: &Key) -> OrRefusal<&'w ServicePrincipal> {
    let replica = cx.replica(world);
    let found = all(tenant(cx, world)?).find(|principal| {
        key.matches(principal.object_id, principal.client_id)
            && replica.has_seen_creation(principal.object_id, principal.created.elapsed)
    });
    let principal = found.ok_or_else(|| refusal::not_found(key.text()))?;
    check_sight(principal, key)?;
    Ok(principal)
}

/// Refuses where the service principal is kept from the caller.
pub(super) fn check_sight(principal: &ServicePrincipal, key: &Key) -> OrRefusal<()> {
    match principal.hidden {
        None => Ok(()),
        Some(Hidden::Denied) => Err(refusal::denied()),
        Some(Hidden::NotFound) => Err(refusal::not_found(key.text())),
    }
}

fn changeable(cx: &Context<'_>, world: &World, key: &Key) -> OrRefusal<Uuid> {
    let principal = find(cx, world, key).map_err(|missing| {
        let tenant = world.directory.tenant_by_id(cx.caller.tenant);
        let mut all = tenant.into_iter().flat_map(|tenant| &tenant.principals);
        // One that is kept from the caller is not young.
        let exists = all.any(|one| key.matches(one.object_id, one.client_id) && one.hidden.is_none());
        if exists { refusal::young(&world.settings.graph, key.text()) } else { missing }
    })?;
    cx.may_change(&principal.owners)?;
    Ok(principal.object_id)
}

fn read_enabled(body: &mut Map<String, Value>) -> OrRefusal<Option<bool>> {
    match body.shift_remove("accountEnabled") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(enabled)) => Ok(Some(enabled)),
        Some(_) => Err(refusal::invalid("accountEnabled", "ServicePrincipal")),
    }
}

fn show(cx: &Context<'_>, world: &World, principal: &ServicePrincipal) -> Map<String, Value> {
    let owner = world.directory.application(principal.client_id).map(|(tenant, _)| tenant);
    document::principal(principal, owner, &cx.replica(world))
}
