//! Federated identity credentials, within the limits of the *federatedIdentityCredential* reference.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::passwords::malformed;
use super::{Context, Key, applications, document, query, refusal};
use crate::base::answer::{Answer, empty};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::graph::{FederatedDuplicate, GraphSettings};
use crate::model::directory::{Application, Birth, Federated};
use crate::model::history::Memory;
use crate::model::world::World;

/// What one has.
const FIELDS: [&str; 5] = ["name", "issuer", "subject", "description", "audiences"];

/// How many an application may have.
const LIMIT: usize = 20;

fn collection(application: &Application) -> String {
    format!("applications('{}')/federatedIdentityCredentials", application.object_id)
}

pub(super) fn list(cx: &Context<'_>, world: &World, key: &Key) -> OrRefusal<Answer> {
    cx.may_read()?;
    let application = applications::find(cx, world, key)?;
    let replica = cx.replica(world);
    let alive = application.federated.iter().filter(|one| replica.has_seen_creation(one.id, one.created.elapsed));
    let gone = application.removed_federated.iter().filter(|(one, at)| !replica.has_seen_removal(one.id, *at));
    let objects = alive.chain(gone.map(|(one, _)| one)).map(document::federated).collect();
    query::page(cx, &collection(application), objects, world.settings.page_size, &["issuer", "name", "subject"])
}

pub(super) fn get(cx: &Context<'_>, world: &World, key: &Key, id: &str) -> OrRefusal<Answer> {
    cx.may_read()?;
    let application = applications::find(cx, world, key)?;
    let found = application.federated.iter().find(|one| names(one, id)).ok_or_else(|| refusal::not_found(id))?;
    query::entity(cx, &collection(application), document::federated(found))
}

pub(super) fn create(cx: &Context<'_>, world: &mut World, key: &Key) -> OrRefusal<Answer> {
    let application_id = applications::changeable(cx, world, key)?;
    let body = read(cx)?;
    for field in ["name", "issuer", "subject"] {
        if text(&body, field).is_empty() {
            let text = format!("A value is required for property '{field}' of resource 'FederatedIdentityCredential'.");
            return Err(refusal::bad_request(text));
        }
    }
    let application = applications::find(cx, world, key)?;
    if application.federated.len() >= LIMIT {
        let text = "The maximum number of federated identity credentials (20) for this application has been reached.";
        return Err(refusal::bad_request(text));
    }
    check(application, &body, None, &world.settings.graph)?;
    let collection = collection(application);
    let credential = Federated {
        id: world.dice.guid(),
        document: body,
        created: Birth { wall: cx.now.wall, elapsed: Some(cx.now.elapsed) },
    };
    let answer = applications::created(cx, &collection, document::federated(&credential));
    if let Some(application) = find_mut(cx, world, application_id) {
        application.federated.push(credential);
    }
    Ok(answer)
}

pub(super) fn update(cx: &Context<'_>, world: &mut World, key: &Key, id: &str) -> OrRefusal<Answer> {
    let application_id = applications::changeable(cx, world, key)?;
    let body = read(cx)?;
    let application = applications::find(cx, world, key)?;
    let known = application.federated.iter().find(|one| names(one, id)).ok_or_else(|| refusal::not_found(id))?;
    // The reference calls the name immutable.
    let renamed = body.get("name").is_some_and(|name| Some(name) != known.document.get("name"));
    if renamed {
        return Err(refusal::bad_request("Property 'name' of a federated identity credential cannot be changed."));
    }
    let mut merged = known.document.clone();
    merged.extend(body);
    let known = known.id;
    check(application, &merged, Some(known), &world.settings.graph)?;
    let found = find_mut(cx, world, application_id)
        .and_then(|application| application.federated.iter_mut().find(|one| one.id == known));
    if let Some(found) = found {
        found.document = merged;
    }
    Ok(empty(204))
}

pub(super) fn delete(cx: &Context<'_>, world: &mut World, key: &Key, id: &str) -> OrRefusal<Answer> {
    let application_id = applications::changeable(cx, world, key)?;
    let memory = Memory::of(&world.settings);
    let application = find_mut(cx, world, application_id).ok_or_else(|| refusal::not_found(key.text()))?;
    let at = application.federated.iter().position(|one| names(one, id)).ok_or_else(|| refusal::not_found(id))?;
    let gone = application.federated.remove(at);
    application.removed_federated.push((gone, cx.now.elapsed));
    memory.forget(&mut application.removed_federated, cx.now.elapsed);
    Ok(empty(204))
}

/// A path names one by id or by name.
fn names(credential: &Federated, id: &str) -> bool {
    Uuid::parse_str(id) == Ok(credential.id) || text(&credential.document, "name") == id
}

fn text<'a>(body: &'a Map<String, Value>, field: &str) -> &'a str {
    body.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn read(cx: &Context<'_>) -> OrRefusal<Map<String, Value>> {
    let Ok(Value::Object(mut body)) = cx.call.json() else { return Err(malformed()) };
    body.retain(|name, _| name != "id" && !name.starts_with('@'));
    let Some(odd) = body.keys().find(|name| !FIELDS.contains(&name.as_str())) else { return Ok(body) };
    let text = format!("The property '{odd}' does not exist on type 'microsoft.graph.federatedIdentityCredential'.");
    Err(refusal::bad_request(text))
}

fn check(
    application: &Application,
    body: &Map<String, Value>,
    own: Option<Uuid>,
    settings: &GraphSettings,
) -> OrRefusal<()> {
    let long = |field: &str, limit: usize| text(body, field).chars().count() > limit;
    if long("name", 120) || ["issuer", "subject", "description"].iter().any(|field| long(field, 600)) {
        return Err(refusal::bad_request("A property of the federated identity credential is too long."));
    }
    let audiences = body.get("audiences").and_then(Value::as_array).map(Vec::as_slice);
    let is_one = matches!(audiences, Some([Value::String(one)]) if (1..=600).contains(&one.chars().count()));
    if !is_one {
        return Err(refusal::bad_request("Property 'audiences' must hold exactly one value."));
    }
    let others = application.federated.iter().filter(|one| Some(one.id) != own);
    for other in others {
        if other.document.get("name") == body.get("name") {
            let text = format!("FederatedIdentityCredential with name {} already exists.", json!(text(body, "name")));
            return Err(Refusal::new(409, "Request_MultipleObjectsWithSameKeyValue", text));
        }
        let same = |field: &str| text(&other.document, field) == text(body, field);
        // By the reference, issuer and subject are unique together.
        if same("issuer") && same("subject") {
            return Err(match settings.federated_duplicate {
                FederatedDuplicate::Conflict409 => {
                    let text = "FederatedIdentityCredential with the same issuer and subject already exists.";
                    Refusal::new(409, "Request_MultipleObjectsWithSameKeyValue", text)
                }
                FederatedDuplicate::Invalid400 => {
                    let text = format!(
                        "The combination of issuer and subject must be unique for the application. Issuer {} and \
                         Subject: {} already exist. paramName: FederatedIdentityCredential.Subject",
                        text(body, "issuer"),
                        text(body, "subject")
                    );
                    Refusal::new(400, "InvalidFederatedIdentityCredentialValue", text)
                }
            });
        }
    }
    Ok(())
}

fn find_mut<'w>(cx: &Context<'_>, world: &'w mut World, id: Uuid) -> Option<&'w mut Application> {
    let tenant = world.directory.tenant_mut(cx.caller.tenant)?;
    tenant.applications.iter_mut().find(|application| application.object_id == id)
}
