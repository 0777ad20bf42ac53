//! Federated identity credentials, within the limits of the *federatedIdentityCredential* reference.

use http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::error::GraphError;
use super::passwords::malformed;
use super::{Key, Request, applications, document, query};
use crate::base::answer::{Answer, empty};
use crate::model::directory::{Application, Birth, Federated};
use crate::model::world::World;

/// How many an application may have.
const LIMIT: usize = 20;

pub(super) fn route(request: &Request<'_>, world: &mut World, key: &Key, rest: &[&str]) -> Result<Answer, GraphError> {
    match (&request.call.method, rest) {
        (&Method::GET, []) => list(request, world, key),
        (&Method::POST, []) => create(request, world, key),
        (&Method::GET, [id]) => get(request, world, key, id),
        (&Method::PATCH, [id]) => update(request, world, key, id),
        (&Method::DELETE, [id]) => delete(request, world, key, id),
        _ => Err(GraphError::Gap),
    }
}

fn collection(application: &Application) -> String {
    format!("applications('{}')/federatedIdentityCredentials", application.object_id)
}

fn list(request: &Request<'_>, world: &World, key: &Key) -> Result<Answer, GraphError> {
    request.caller.may_read()?;
    let application = applications::find(request, world, key)?;
    let replica = request.replica(world);
    let visible = application.federated.iter().filter(|one| replica.has_seen_creation(one.id, one.created.elapsed));
    let objects = visible.map(document::federated).collect();
    query::page(request, &collection(application), objects, world.settings.page_size)
}

fn get(request: &Request<'_>, world: &World, key: &Key, id: &str) -> Result<Answer, GraphError> {
    request.caller.may_read()?;
    let application = applications::find(request, world, key)?;
    let found = application.federated.iter().find(|one| names(one, id)).ok_or_else(|| GraphError::not_found(id))?;
    query::entity(request, &collection(application), document::federated(found))
}

fn create(request: &Request<'_>, world: &mut World, key: &Key) -> Result<Answer, GraphError> {
    let application_id = applications::changeable(request, world, key)?;
    let body = read(request)?;
    for field in ["name", "issuer", "subject"] {
        if text(&body, field).is_empty() {
            let text = format!("A value is required for property '{field}' of resource 'FederatedIdentityCredential'.");
            return Err(GraphError::bad_request(text));
        }
    }
    let application = applications::find(request, world, key)?;
    if application.federated.len() >= LIMIT {
        let text = "The maximum number of federated identity credentials (20) for this application has been reached.";
        return Err(GraphError::bad_request(text));
    }
    check(application, &body, None)?;
    let collection = collection(application);
    let credential = Federated {
        id: world.dice.guid(),
        document: body,
        created: Birth { wall: request.call.now.wall, elapsed: Some(request.call.now.elapsed) },
    };
    let answer = applications::created(request, &collection, document::federated(&credential));
    if let Some(application) = find_mut(request, world, application_id) {
        application.federated.push(credential);
    }
    Ok(answer)
}

fn update(request: &Request<'_>, world: &mut World, key: &Key, id: &str) -> Result<Answer, GraphError> {
    let application_id = applications::changeable(request, world, key)?;
    let body = read(request)?;
    let application = applications::find(request, world, key)?;
    let known = application.federated.iter().find(|one| names(one, id)).ok_or_else(|| GraphError::not_found(id))?;
    let renamed = body.get("name").is_some_and(|name| Some(name) != known.document.get("name"));
    if renamed {
        return Err(GraphError::bad_request("Property 'name' of a federated identity credential cannot be changed."));
    }
    let mut merged = known.document.clone();
    merged.extend(body);
    let known = known.id;
    check(application, &merged, Some(known))?;
    let found = find_mut(request, world, application_id)
        .and_then(|application| application.federated.iter_mut().find(|one| one.id == known));
    if let Some(found) = found {
        found.document = merged;
    }
    Ok(empty(204))
}

fn delete(request: &Request<'_>, world: &mut World, key: &Key, id: &str) -> Result<Answer, GraphError> {
    let application_id = applications::changeable(request, world, key)?;
    let application = find_mut(request, world, application_id).ok_or_else(|| GraphError::not_found(key.text()))?;
    let before = application.federated.len();
    application.federated.retain(|one| !names(one, id));
    if application.federated.len() == before { Err(GraphError::not_found(id)) } else { Ok(empty(204)) }
}

/// A path names one by id or by name.
fn names(credential: &Federated, id: &str) -> bool {
    Uuid::parse_str(id) == Ok(credential.id) || text(&credential.document, "name") == id
}

fn text<'a>(body: &'a Map<String, Value>, field: &str) -> &'a str {
    body.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn read(request: &Request<'_>) -> Result<Map<String, Value>, GraphError> {
    let Ok(Value::Object(mut body)) = request.call.json() else { return Err(malformed()) };
    body.retain(|name, _| name != "id" && !name.starts_with('@'));
    Ok(body)
}

fn check(application: &Application, body: &Map<String, Value>, own: Option<Uuid>) -> Result<(), GraphError> {
    let long = |field: &str, limit: usize| text(body, field).chars().count() > limit;
    if long("name", 120) || ["issuer", "subject", "description"].iter().any(|field| long(field, 600)) {
        return Err(GraphError::bad_request("A property of the federated identity credential is too long."));
    }
    if let Some(audiences) = body.get("audiences")
        && audiences.as_array().is_none_or(|list| list.len() != 1 || !list.iter().all(Value::is_string))
    {
        return Err(GraphError::bad_request("Property 'audiences' must hold exactly one value."));
    }
    let others = application.federated.iter().filter(|one| Some(one.id) != own);
    for other in others {
        if other.document.get("name") == body.get("name") {
            let text = format!("FederatedIdentityCredential with name {} already exists.", json!(text(body, "name")));
            return Err(GraphError::new(409, "Request_MultipleObjectsWithSameKeyValue", text));
        }
        let same = |field: &str| text(&other.document, field) == text(body, field);
        if same("issuer") && same("subject") {
            let text = "FederatedIdentityCredential with the same issuer and subject already exists.";
            return Err(GraphError::new(409, "Request_MultipleObjectsWithSameKeyValue", text));
        }
    }
    Ok(())
}

fn find_mut<'w>(request: &Request<'_>, world: &'w mut World, id: Uuid) -> Option<&'w mut Application> {
    let tenant = world.directory.tenant_mut(request.caller.tenant)?;
    tenant.applications.iter_mut().find(|application| application.object_id == id)
}
