//! Service connections as the API shows them, and takes them.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::devops::confidential::omit_secrets;
use crate::model::devops::permissions::{ADMINISTER, VIEW, collection_token, connection_token};
use crate::model::devops::{Connection, Member, Organization, Reference};
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
    organization: &Organization,
    connection: &Connection,
    (project, masking): (Option<Uuid>, Masking),
) -> Value {
    // With too little permission the service answers with the id and nothing else, and not with a refusal.
    if !may_view(cx, organization, connection) {
        return json!({"id": connection.id.to_string()});
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
    body.insert("serviceEndpointProjectReferences".to_owned(), references(cx, organization, connection));
    body.extend(own);
    body.insert("creationDate".to_owned(), moment(connection.created));
    body.insert("modificationDate".to_owned(), moment(connection.modified));
    if let Some(modifier) = person(cx, organization, connection.modified_by) {
        body.insert("modifiedBy".to_owned(), modifier);
    }
    Value::Object(body)
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
fn references(cx: &Context<'_>, organization: &Organization, connection: &Connection) -> Value {
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

/// Reads the body of a creation or update as an object.
pub(super) fn object(value: Value) -> OrRefusal<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        _ => {
            let text = "Value cannot be null.\r\nParameter name: endpoint";
            Err(Refusal::new(400, "ArgumentNullException", text))
        }
    }
}

/// The body of a request as JSON.
pub(in crate::service::devops) fn body(cx: &Context<'_>) -> OrRefusal<Value> {
    cx.call.json().map_err(|_| refusal::argument("The body of the request is not valid JSON."))
}

/// What any document must have before it is stored.
pub(super) fn check(document: &Map<String, Value>) -> OrRefusal<()> {
    for (key, name) in [("name", "endpoint.Name"), ("type", "endpoint.Type"), ("url", "endpoint.Url")] {
        let filled = document.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if !filled {
            let text = format!("Value cannot be null.\r\nParameter name: {name}");
            return Err(Refusal::new(400, "ArgumentNullException", text));
        }
    }
    let scheme = document.get("authorization").and_then(|a| a.get("scheme")).and_then(Value::as_str);
    if scheme.is_none_or(str::is_empty) {
        let text = "Value cannot be null.\r\nParameter name: endpoint.Authorization.Scheme";
        return Err(Refusal::new(400, "ArgumentNullException", text));
    }
    // The service's audit log has a `url` of its own, and fails on a second one.
    let inside = document.get("data").and_then(Value::as_object);
    if inside.is_some_and(|data| data.keys().any(|key| key.eq_ignore_ascii_case("url"))) {
        let text = "The audit log entry contains a duplicate data key: url.";
        return Err(Refusal::new(500, "AuditLogEntryContainsDuplicateDataKeyException", text));
    }
    Ok(())
}

/// Removes what only the service writes.
pub(super) fn strip(document: &mut Map<String, Value>) {
    document.retain(|key, _| !MANAGED.iter().any(|managed| managed.eq_ignore_ascii_case(key)));
}

/// The project references of a document that came in.
pub(super) fn read_references(organization: &Organization, document: &Map<String, Value>) -> OrRefusal<Vec<Reference>> {
    let Some(listed) = document.get("serviceEndpointProjectReferences").and_then(Value::as_array) else {
        return Ok(Vec::new());
    };
    let name = document.get("name").and_then(Value::as_str).unwrap_or_default();
    listed.iter().map(|reference| read_reference(organization, reference, name)).collect()
}

/// One project reference; without a name of its own it has the given one.
pub(super) fn read_reference(organization: &Organization, value: &Value, name: &str) -> OrRefusal<Reference> {
    let project = value.get("projectReference");
    let key = project.and_then(|project| {
        let id = project.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        id.or_else(|| project.get("name").and_then(Value::as_str))
    });
    let key = key.ok_or_else(|| refusal::argument("A project reference names no project."))?;
    let project = organization.project(key).ok_or_else(|| refusal::project(key))?.id;
    let text = |field: &str| value.get(field).and_then(Value::as_str);
    let name = text("name").filter(|name| !name.is_empty()).unwrap_or(name).to_owned();
    Ok(Reference { project, name, description: text("description").map(str::to_owned) })
}
