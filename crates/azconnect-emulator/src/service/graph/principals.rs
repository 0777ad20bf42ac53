//! Service principals.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::applications::{created, object, tenant};
use super::error::GraphError;
use super::{Key, Request, document, query};
use crate::base::answer::{Answer, empty};
use crate::model::directory::{Birth, ServicePrincipal};
use crate::model::world::World;

pub(super) fn list(request: &Request<'_>, world: &World) -> Result<Answer, GraphError> {
    request.caller.may_read()?;
    let replica = request.replica(world);
    let visible = tenant(request, world)?
        .principals
        .iter()
        .filter(|principal| replica.has_seen_creation(principal.object_id, principal.created.elapsed));
    let objects = visible.map(|principal| show(request, world, principal)).collect();
    query::page(request, "servicePrincipals", objects, world.settings.page_size)
}

pub(super) fn get(request: &Request<'_>, world: &World, key: &Key) -> Result<Answer, GraphError> {
    request.caller.may_read()?;
    let principal = find(request, world, key)?;
    query::entity(request, "servicePrincipals", show(request, world, principal))
}

pub(super) fn create(request: &Request<'_>, world: &mut World) -> Result<Answer, GraphError> {
    request.caller.may_create()?;
    let mut body = object_with_id(request)?;
    let text = body.shift_remove("appId").and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
    let replica = request.replica(world);
    let application = Uuid::parse_str(&text).ok().and_then(|id| {
        let (home, application) = world.directory.application(id)?;
        let reachable = home.id == request.caller.tenant || application.sign_in_audience != "AzureADMyOrg";
        let known = replica.has_seen_creation(application.object_id, application.created.elapsed);
        (reachable && known).then_some(application)
    });
    let Some(application) = application else {
        let text =
            format!("The appId '{text}' of the service principal does not reference a valid application object.");
        return Err(GraphError::bad_request(text));
    };
    let (client_id, display_name) = (application.client_id, application.display_name.clone());
    if tenant(request, world)?.principal_of(client_id).is_some() {
        let text = format!(
            "The service principal cannot be created, updated, or restored because the service principal name \
             {client_id} is already in use."
        );
        return Err(GraphError::new(409, "Request_MultipleObjectsWithSameKeyValue", text));
    }
    let principal = ServicePrincipal {
        object_id: world.dice.guid(),
        client_id,
        display_name,
        enabled: body.shift_remove("accountEnabled").and_then(|enabled| enabled.as_bool()).unwrap_or(true),
        passwords: Vec::new(),
        owners: vec![request.caller.object_id()],
        graph_roles: Vec::new(),
        reader_of: Vec::new(),
        created: Birth { wall: request.call.now.wall, elapsed: Some(request.call.now.elapsed) },
        document: body,
    };
    let answer = created(request, "servicePrincipals", show(request, world, &principal));
    if let Some(tenant) = world.directory.tenant_mut(request.caller.tenant) {
        tenant.principals.push(principal);
    }
    Ok(answer)
}

pub(super) fn update(request: &Request<'_>, world: &mut World, key: &Key) -> Result<Answer, GraphError> {
    let id = changeable(request, world, key)?;
    let mut body = object(request)?;
    let enabled = body.shift_remove("accountEnabled").and_then(|enabled| enabled.as_bool());
    let found = world
        .directory
        .tenant_mut(request.caller.tenant)
        .and_then(|tenant| tenant.principals.iter_mut().find(|principal| principal.object_id == id));
    let principal = found.ok_or_else(|| GraphError::not_found(key.text()))?;
    principal.enabled = enabled.unwrap_or(principal.enabled);
    principal.document.extend(body);
    Ok(empty(204))
}

pub(super) fn delete(request: &Request<'_>, world: &mut World, key: &Key) -> Result<Answer, GraphError> {
    let id = changeable(request, world, key)?;
    if let Some(tenant) = world.directory.tenant_mut(request.caller.tenant) {
        tenant.principals.retain(|principal| principal.object_id != id);
    }
    Ok(empty(204))
}

fn find<'w>(request: &Request<'_>, world: &'w World, key: &Key) -> Result<&'w ServicePrincipal, GraphError> {
    let replica = request.replica(world);
    let found = tenant(request, world)?.principals.iter().find(|principal| {
        key.matches(principal.object_id, principal.client_id)
            && replica.has_seen_creation(principal.object_id, principal.created.elapsed)
    });
    found.ok_or_else(|| GraphError::not_found(key.text()))
}

fn changeable(request: &Request<'_>, world: &World, key: &Key) -> Result<Uuid, GraphError> {
    let principal = find(request, world, key)?;
    request.caller.may_change(&principal.owners)?;
    Ok(principal.object_id)
}

fn show(request: &Request<'_>, world: &World, principal: &ServicePrincipal) -> Map<String, Value> {
    let owner = world.directory.application(principal.client_id).map(|(tenant, _)| tenant);
    document::principal(principal, owner, &request.replica(world))
}

/// The body of a creation, which names the application it is for.
fn object_with_id(request: &Request<'_>) -> Result<Map<String, Value>, GraphError> {
    let mut body = object(request)?;
    if let Ok(Value::Object(whole)) = request.call.json() {
        body.extend(whole.into_iter().filter(|(name, _)| name == "appId"));
    }
    Ok(body)
}
