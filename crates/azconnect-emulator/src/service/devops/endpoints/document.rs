//! Service connections as the API shows them, and takes them.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::devops::DevOpsOutcome;
use crate::model::devops::confidential::omit_secrets;
use crate::model::devops::permissions::{ADMINISTER, VIEW, collection_token, connection_token};
use crate::model::devops::{Connection, Member, Organization, Reference, field};
use crate::model::world::World;
use crate::service::devops::{Context, identity, refusal};

/// How an answer masks the secrets of a service connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Masking {
    /// As `null`: the answers about one service connection.
    Null,
    /// Not even the key is there: lists.
    Omitted,
}

/// The fields that the service itself writes. What comes in under these names is passed over.
const MANAGED: [&str; 11] = [
    "id",
    "createdBy",
    "isShared",
    "isReady",
    "operationStatus",
    "serviceEndpointProjectReferences",
    "creationDate",
    "modificationDate",
    "modifiedBy",
    "administratorsGroup",
    "readersGroup",
];

/// A service connection, as far as the caller may see it.
pub(super) fn show(
    cx: &Context<'_>,
    world: &World,
    connection: &Connection,
    (project, masking): (Option<Uuid>, Masking),
) -> OrRefusal<Value> {
    let organization = cx.organization(world)?;
    // With too little permission the service answers with the id and nothing else, and not with a refusal.
    if !may_view(cx, organization, connection) {
        return Ok(json!({"id": connection.id.to_string()}));
    }
    let mut own = connection.document.clone();
    if masking == Masking::Omitted {
        omit_secrets(&mut own);
    }
    let named = project.and_then(|project| connection.reference(project)).map(|reference| json!(reference.name));
    let name = named.or_else(|| own.get("name").cloned()).unwrap_or_default();
    let elapsed = cx.now.elapsed;
    let mut body = Map::new();
    let mut take = |own: &mut Map<String, Value>, key: &str| {
        if let Some(value) = own.shift_remove(key) {
            body.insert(key.to_owned(), value);
        }
    };
    take(&mut own, "data");
    own.insert("id".to_owned(), json!(connection.id.to_string()));
    own.insert("name".to_owned(), name);
    for key in ["id", "name", "type", "url"] {
        take(&mut own, key);
    }
    if let Some(creator) = person(cx, organization, connection.creator) {
        body.insert("createdBy".to_owned(), creator);
    }
    for key in ["description", "authorization"] {
        if let Some(value) = own.shift_remove(key) {
            body.insert(key.to_owned(), value);
        }
    }
    body.insert("isShared".to_owned(), json!(connection.references.len() > 1));
    body.insert("isOutdated".to_owned(), own.shift_remove("isOutdated").unwrap_or(json!(false)));
    body.insert("isReady".to_owned(), json!(connection.is_ready(elapsed) && connection.deleted_at.is_none()));
    if let Some(status) = status(connection, elapsed) {
        body.insert("operationStatus".to_owned(), status);
    }
    body.insert("owner".to_owned(), own.shift_remove("owner").unwrap_or_else(|| json!("library")));
    body.insert("serviceEndpointProjectReferences".to_owned(), references(cx, world, organization, connection));
    body.extend(own);
    body.insert("creationDate".to_owned(), moment(connection.created));
    body.insert("modificationDate".to_owned(), moment(connection.modified));
    if let Some(modifier) = person(cx, organization, connection.modified_by) {
        body.insert("modifiedBy".to_owned(), modifier);
    }
    Ok(Value::Object(body))
}

fn person(cx: &Context<'_>, organization: &Organization, id: Option<Uuid>) -> Option<Value> {
    let member: &Member = organization.member(id?)?;
    Some(identity::reference(cx, organization, member))
}

fn moment(moment: OffsetDateTime) -> Value {
    json!(moment.format(&Rfc3339).unwrap_or_default())
}

fn may_view(cx: &Context<'_>, organization: &Organization, connection: &Connection) -> bool {
    let member = cx.caller.id();
    let sees = |token: &str| organization.bits(member, token) & (VIEW | ADMINISTER) != 0;
    sees(&collection_token(connection.id))
        || connection.references.iter().any(|reference| sees(&connection_token(reference.project, connection.id)))
}

/// What goes on with a service connection that is not simply there.
fn status(connection: &Connection, elapsed: std::time::Duration) -> Option<Value> {
    let under_way = |message: &str| json!({"state": "InProgress", "statusMessage": message});
    if connection.deleted_at.is_some() {
        return Some(under_way("Deleting the service connection."));
    }
    if let Some(work) = &connection.background {
        return Some(under_way(work.message));
    }
    let ready_at = connection.ready_at;
    if ready_at.is_some_and(|at| elapsed < at) {
        return Some(under_way("Creating the service connection."));
    }
    if let Some(failure) = &connection.failure {
        return Some(
            json!({"state": "Failed", "statusMessage": failure, "severity": "Error", "errorCode": "SpnOperationFailed"}),
        );
    }
    ready_at.map(|_| json!({"state": "Ready", "statusMessage": ""}))
}

/// The projects a service connection is in, without those the caller may not see.
fn references(cx: &Context<'_>, world: &World, organization: &Organization, connection: &Connection) -> Value {
    let everywhere = organization.allows(cx.caller.id(), ADMINISTER, &collection_token(connection.id));
    if world.settings.plays(DevOpsOutcome::ProjectReferencesHidden) && !everywhere {
        return Value::Null;
    }
    let visible = connection.references.iter().filter_map(|reference| {
        let project = organization.project_by_id(reference.project)?;
        organization.may_enter(cx.caller.id(), project.id).then_some((reference, project))
    });
    visible
        .map(|(reference, project)| {
            let mut shown = json!({
                "projectReference": {"id": project.id.to_string(), "name": project.name},
                "name": reference.name,
            });
            if let (Some(description), Some(map)) = (&reference.description, shown.as_object_mut()) {
                map.insert("description".to_owned(), json!(description));
            }
            shown
        })
        .collect()
}

/// The body of a request as JSON.
pub(in crate::service::devops) fn body(cx: &Context<'_>) -> OrRefusal<Value> {
    cx.call.json().map_err(|_| refusal::argument("The body of the request is not valid JSON."))
}

/// What any document must have before it is stored.
pub(in crate::service::devops) fn check(document: &Map<String, Value>) -> OrRefusal<()> {
    let scheme = document.get("authorization").and_then(|a| a.get("scheme"));
    for (value, name) in [
        (document.get("name"), "endpoint.Name"),
        (document.get("type"), "endpoint.Type"),
        (document.get("url"), "endpoint.Url"),
        (scheme, "endpoint.Authorization.Scheme"),
    ] {
        if value.and_then(Value::as_str).is_none_or(str::is_empty) {
            let text = format!("Value cannot be null.\r\nParameter name: {name}");
            return Err(Refusal::new(400, "ArgumentNullException", text));
        }
    }
    let url = document.get("url").and_then(Value::as_str).unwrap_or_default();
    if url::Url::parse(url).map_or(true, |url| url.host_str().is_none_or(str::is_empty)) {
        return Err(refusal::argument(format!("The url '{url}' of the service endpoint is not an absolute address.")));
    }
    Ok(())
}

/// The failure of the service's audit log, which has a `url` of its own, on a second one.
pub(super) fn audit(document: &Map<String, Value>) -> Option<Box<Refusal>> {
    field(document.get("data")?.as_object()?, "url")?;
    let text = "The audit log entry contains a duplicate data key: url.";
    Some(Refusal::new(500, "AuditLogEntryContainsDuplicateDataKeyException", text))
}

/// Id, type and scheme cannot change.
pub(super) fn check_identity(connection: &Connection, document: &Map<String, Value>) -> OrRefusal<()> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let other_id = text(document.get("id")).is_some_and(|id| Uuid::parse_str(&id) != Ok(connection.id));
    if other_id {
        return Err(refusal::argument("The id of the service endpoint does not match the id of the request."));
    }
    let differs = |known: Option<&str>, given: Option<String>| {
        given.zip(known).is_some_and(|(given, known)| !given.eq_ignore_ascii_case(known))
    };
    if differs(connection.text("type"), text(document.get("type"))) {
        return Err(refusal::argument("The type of a service endpoint cannot be changed."));
    }
    if differs(connection.scheme(), text(document.get("authorization").and_then(|a| a.get("scheme")))) {
        return Err(refusal::argument(
            "The authorization scheme of a service endpoint cannot be changed by an update.",
        ));
    }
    Ok(())
}

/// Removes what only the service writes.
pub(super) fn strip(document: &mut Map<String, Value>) {
    document.retain(|key, _| !MANAGED.iter().any(|managed| managed.eq_ignore_ascii_case(key)));
}

/// The project references of a document that came in.
pub(super) fn read_references(
    cx: &Context<'_>,
    world: &World,
    document: &Map<String, Value>,
) -> OrRefusal<Vec<Reference>> {
    let Some(listed) = document.get("serviceEndpointProjectReferences").and_then(Value::as_array) else {
        return Ok(Vec::new());
    };
    let name = document.get("name").and_then(Value::as_str).unwrap_or_default();
    listed.iter().map(|reference| read_reference(cx, world, reference, name)).collect()
}

/// One project reference; without a name of its own it has the given one.
pub(super) fn read_reference(cx: &Context<'_>, world: &World, value: &Value, name: &str) -> OrRefusal<Reference> {
    let project = value.get("projectReference");
    // By its id alone: no published request leaves that out.
    let key = project.and_then(|project| project.get("id")).and_then(Value::as_str).filter(|id| !id.is_empty());
    let key = key.ok_or_else(|| refusal::argument("A project reference names no project id."))?;
    let project = cx.organization(world)?.project(key).ok_or_else(|| refusal::project(world, key))?.id;
    let text = |field: &str| value.get(field).and_then(Value::as_str);
    let name = text("name").filter(|name| !name.is_empty()).unwrap_or(name).to_owned();
    Ok(Reference { project, name, description: text("description").map(str::to_owned) })
}
