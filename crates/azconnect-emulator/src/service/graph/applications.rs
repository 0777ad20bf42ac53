//! Applications.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::GraphError;
use super::passwords::malformed;
use super::{Key, Request, document, query};
use crate::base::answer::{Answer, empty, json_answer};
use crate::model::directory::{Application, Birth, Tenant};
use crate::model::world::World;

const AUDIENCES: [&str; 4] =
    ["AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"];

/// What Graph keeps for itself in a body that describes an application.
const READ_ONLY: [&str; 5] = ["id", "appId", "createdDateTime", "deletedDateTime", "publisherDomain"];

pub(super) fn list(request: &Request<'_>, world: &World) -> Result<Answer, GraphError> {
    request.caller.may_read()?;
    let replica = request.replica(world);
    let tenant = tenant(request, world)?;
    let visible = tenant.applications.iter().filter(|a| replica.has_seen_creation(a.object_id, a.created.elapsed));
    let objects = visible.map(|application| document::application(application, tenant, &replica)).collect();
    query::page(request, "applications", objects, world.settings.page_size)
}

pub(super) fn get(request: &Request<'_>, world: &World, key: &Key) -> Result<Answer, GraphError> {
    request.caller.may_read()?;
    let replica = request.replica(world);
    let tenant = tenant(request, world)?;
    let application = find(request, world, key)?;
    query::entity(request, "applications", document::application(application, tenant, &replica))
}

pub(super) fn create(request: &Request<'_>, world: &mut World) -> Result<Answer, GraphError> {
    request.caller.may_create()?;
    let mut body = object(request)?;
    let display_name = match body.shift_remove("displayName") {
        Some(Value::String(name)) if !name.is_empty() && name.chars().count() <= 256 => name,
        _ => {
            let text = "A value is required for property 'displayName' of resource 'Application'.";
            return Err(GraphError::bad_request(text));
        }
    };
    let audience = read_audience(&mut body)?.unwrap_or_else(|| "AzureADMyOrg".to_owned());
    let application = Application {
        object_id: world.dice.guid(),
        client_id: world.dice.guid(),
        display_name,
        sign_in_audience: audience,
        passwords: Vec::new(),
        federated: Vec::new(),
        owners: vec![request.caller.object_id()],
        created: Birth { wall: request.call.now.wall, elapsed: Some(request.call.now.elapsed) },
        document: body,
    };
    let replica = request.replica(world);
    let shown = document::application(&application, tenant(request, world)?, &replica);
    let answer = created(request, "applications", shown);
    if let Some(tenant) = world.directory.tenant_mut(request.caller.tenant) {
        tenant.applications.push(application);
    }
    Ok(answer)
}

pub(super) fn update(request: &Request<'_>, world: &mut World, key: &Key) -> Result<Answer, GraphError> {
    let id = changeable(request, world, key)?;
    let mut body = object(request)?;
    let audience = read_audience(&mut body)?;
    let name = body.shift_remove("displayName");
    let found = world
        .directory
        .tenant_mut(request.caller.tenant)
        .and_then(|tenant| tenant.applications.iter_mut().find(|application| application.object_id == id));
    let application = found.ok_or_else(|| GraphError::not_found(key.text()))?;
    if let Some(Value::String(name)) = name {
        application.display_name = name;
    }
    if let Some(audience) = audience {
        application.sign_in_audience = audience;
    }
    application.document.extend(body);
    Ok(empty(204))
}

pub(super) fn delete(request: &Request<'_>, world: &mut World, key: &Key) -> Result<Answer, GraphError> {
    let id = changeable(request, world, key)?;
    if let Some(tenant) = world.directory.tenant_mut(request.caller.tenant) {
        let client = tenant.applications.iter().find(|a| a.object_id == id).map(|a| a.client_id);
        tenant.applications.retain(|application| application.object_id != id);
        tenant.principals.retain(|principal| Some(principal.client_id) != client);
    }
    Ok(empty(204))
}

/// An application that the answering replica knows.
pub(super) fn find<'w>(request: &Request<'_>, world: &'w World, key: &Key) -> Result<&'w Application, GraphError> {
    let replica = request.replica(world);
    let found = tenant(request, world)?.applications.iter().find(|application| {
        key.matches(application.object_id, application.client_id)
            && replica.has_seen_creation(application.object_id, application.created.elapsed)
    });
    found.ok_or_else(|| GraphError::not_found(key.text()))
}

/// The object id of an application that the caller may change.
pub(super) fn changeable(request: &Request<'_>, world: &World, key: &Key) -> Result<Uuid, GraphError> {
    let application = find(request, world, key)?;
    request.caller.may_change(&application.owners)?;
    Ok(application.object_id)
}

pub(super) fn tenant<'w>(request: &Request<'_>, world: &'w World) -> Result<&'w Tenant, GraphError> {
    world.directory.tenant_by_id(request.caller.tenant).ok_or_else(GraphError::denied)
}

/// The body as an object without what Graph keeps for itself. Secrets are not written this way.
pub(super) fn object(request: &Request<'_>) -> Result<Map<String, Value>, GraphError> {
    let Ok(Value::Object(mut body)) = request.call.json() else { return Err(malformed()) };
    let secrets = body.get("passwordCredentials").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if secrets {
        let text = "Updates to passwordCredentials are not allowed here: use addPassword and removePassword.";
        return Err(GraphError::bad_request(text));
    }
    body.shift_remove("passwordCredentials");
    body.retain(|name, _| !READ_ONLY.contains(&name.as_str()) && !name.starts_with('@'));
    Ok(body)
}

/// The answer to a creation.
pub(super) fn created(request: &Request<'_>, collection: &str, mut object: Map<String, Value>) -> Answer {
    use crate::base::answer::WithHeader;
    let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let context = format!("{}/$metadata#{collection}/$entity", request.base());
    object.shift_insert(0, "@odata.context".to_owned(), Value::String(context));
    json_answer(201, &Value::Object(object)).with_header("location", &format!("{}/{collection}/{id}", request.base()))
}

fn read_audience(body: &mut Map<String, Value>) -> Result<Option<String>, GraphError> {
    match body.shift_remove("signInAudience") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if AUDIENCES.contains(&text.as_str()) => Ok(Some(text)),
        Some(_) => {
            let text = "Invalid value specified for property 'signInAudience' of resource 'Application'.";
            Err(GraphError::bad_request(text))
        }
    }
}
