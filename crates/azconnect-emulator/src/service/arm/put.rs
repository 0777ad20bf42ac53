//! What every write of a resource in a group begins and ends with.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ask::Room;
use super::ask::{Ask, Reply, Style};
use super::names;
use super::operation::Start;
use super::view;
use crate::base::refusal::{Granted, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::{last, resource_id, same};
use crate::model::arm::kind::Kind;
use crate::model::arm::offers::{region_named, region_names};
use crate::model::arm::operation::Work;
use crate::model::arm::resource::{Resource, State};

/// A resource that may be written.
pub(crate) struct Target {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) exists: bool,
    pub(crate) location: String,
    /// The operation of an earlier request with the same body that is still running.
    pub(crate) same_running: Option<Uuid>,
}

/// How a write goes on after its checks.
pub(crate) struct Write {
    pub(crate) operation: OperationKind,
    pub(crate) work: Work,
    pub(crate) properties: Map<String, Value>,
    /// Whether the answer says `Succeeded` although an operation is named.
    pub(crate) at_once: bool,
}

impl Room<'_> {
    /// Checks what the service checks before it looks at the properties.
    pub(crate) fn prepare(&mut self, ask: &Ask<'_>, kind: Kind, names: &[&str]) -> Granted<Target> {
        let group = self.group_of(ask)?;
        self.require_registration(ask, kind.namespace())?;
        names::check(kind, names.last().copied().unwrap_or_default())?;
        if !ask.body.is_object() {
            return Err(Refusal::content(
                "The request content was invalid and could not be deserialized: an object was expected.",
            ));
        }
        let id = resource_id(&ask.address.subscription, &group, kind, names);
        let existing = self.arm.get(&id);
        // A resource keeps the spelling it was created with.
        let id = existing.map_or(id, |resource| resource.id.clone());
        let location = self.location_for(ask, kind, &id)?;
        let Some(resource) = self.arm.get(&id) else {
            return Ok(Target { id, kind, exists: false, location, same_running: None });
        };
        if !same(&resource.location, &location) {
            return Err(Refusal::new(
                409,
                "InvalidResourceLocation",
                format!(
                    "The resource '{}' already exists in location '{}' in resource group '{group}'. A resource with the same name cannot be created in location '{location}'. Please select a new resource name.",
                    last(&id),
                    resource.location
                ),
            ));
        }
        let mut same_running = None;
        if let Some(running) = resource.operation {
            if resource.state == State::Deleting || resource.asked != ask.body {
                return Err(busy(self, ask, resource));
            }
            same_running = Some(running);
        }
        Ok(Target { id, kind, exists: true, location, same_running })
    }

    /// The name of the group as it was created.
    fn group_of(&self, ask: &Ask<'_>) -> Granted<String> {
        let name = ask.address.group.clone().unwrap_or_default();
        let id = ask.address.group_id().unwrap_or_default();
        match self.arm.get(&id) {
            None => {
                Err(Refusal::new(404, "ResourceGroupNotFound", format!("Resource group '{name}' could not be found.")))
            }
            Some(group) if group.state == State::Deleting => Err(Refusal::new(
                409,
                "ResourceGroupBeingDeleted",
                format!("The resource group '{name}' is in deprovisioning state and cannot perform this operation."),
            )),
            Some(group) => Ok(group.name().to_owned()),
        }
    }

    pub(crate) fn require_registration(&mut self, ask: &Ask<'_>, namespace: &str) -> Granted<()> {
        if self.arm.account(ask.subscription).is_registered(namespace) {
            return Ok(());
        }
        Err(Refusal::new(
            409,
            "MissingSubscriptionRegistration",
            format!(
                "The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions."
            ),
        )
        .detail(
            Refusal::new(
                409,
                "MissingSubscriptionRegistration",
                format!(
                    "The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions."
                ),
            )
            .at(namespace),
        ))
    }

    /// The region of a write: named, or that of the parent.
    fn location_for(&self, ask: &Ask<'_>, kind: Kind, id: &str) -> Granted<String> {
        let full = kind.full();
        if let Some(parent) = kind.parent() {
            let parent_id = crate::model::arm::address::parent_id(id);
            return self.arm.get(parent_id).map(|parent| parent.location.clone()).ok_or_else(|| {
                Refusal::new(
                    404,
                    "ParentResourceNotFound",
                    format!(
                        "Failed to perform 'write' on resource(s) of type '{}', because the parent resource '{parent_id}' could not be found.",
                        full.split_once('/').map_or(full.as_str(), |(_, types)| types)
                    ),
                )
                .at(&parent.full())
            });
        }
        let Some(named) = ask.text("/location") else {
            return Err(Refusal::new(
                400,
                "LocationRequired",
                "The location property is required for this definition.",
            ));
        };
        region_named(named).map(|region| region.name.to_owned()).ok_or_else(|| {
            Refusal::new(
                400,
                "LocationNotAvailableForResourceType",
                format!(
                    "The provided location '{named}' is not available for resource type '{full}'. List of available regions for the resource type is '{}'.",
                    region_names()
                ),
            )
        })
    }

    /// Carries a write out, and answers it.
    pub(crate) fn write(&mut self, ask: &Ask<'_>, target: &Target, write: Write) -> Reply {
        if let Some(running) = target.same_running {
            return self.reply_with(&target.id, 200, running);
        }
        let document = self.document(ask, target, write.properties);
        let operation = self.start(
            ask,
            Start {
                kind: write.operation,
                subject: &target.id,
                work: write.work,
                namespace: target.kind.namespace(),
                location: &target.location,
            },
        );
        let pending = if target.exists || target.kind.namespace() == "Microsoft.Network" {
            State::Updating
        } else {
            State::Creating
        };
        let etag = self.dice.guid();
        let state = if write.at_once { State::Succeeded } else { pending };
        if target.exists {
            if let Some(resource) = self.arm.get_mut(&target.id) {
                resource.document = document;
                resource.asked = ask.body.clone();
                resource.state = state;
                resource.operation = Some(operation);
                resource.etag = etag;
            }
        } else {
            let (id, by) = (target.id.clone(), Some(ask.caller.object_id()));
            let mut resource = Resource::new(target.kind, id, &target.location, ask.now, by);
            resource.document = document;
            resource.asked = ask.body.clone();
            resource.state = state;
            resource.operation = Some(operation);
            resource.etag = etag;
            self.arm.insert(resource, None);
        }
        self.reply_with(&target.id, if target.exists { 200 } else { 201 }, operation)
    }

    fn reply_with(&self, id: &str, status: u16, operation: Uuid) -> Reply {
        let body = self.arm.get(id).map_or(Value::Null, |resource| view::render(self, resource));
        Reply::new(status, body).operation(operation, Style::Status)
    }

    /// The document of a resource: what was asked for, with the fields the service adds.
    fn document(&self, ask: &Ask<'_>, target: &Target, properties: Map<String, Value>) -> Map<String, Value> {
        let mut document = Map::new();
        document.insert("name".to_owned(), json!(last(&target.id)));
        document.insert("id".to_owned(), json!(target.id));
        document.insert("type".to_owned(), json!(target.kind.full()));
        document.insert("location".to_owned(), json!(target.location));
        if let Some(old) = self.arm.get(&target.id) {
            for field in ["identity", "tags"] {
                if let Some(value) = old.document.get(field) {
                    document.insert(field.to_owned(), value.clone());
                }
            }
        }
        for field in ["tags", "sku", "zones", "plan", "identity", "extendedLocation"] {
            if let Some(value) = ask.at(&format!("/{field}")) {
                document.insert(field.to_owned(), value.clone());
            }
        }
        document.insert("properties".to_owned(), Value::Object(properties));
        document
    }
}

/// The refusal of a write to something that is being written.
pub(crate) fn busy(room: &Room<'_>, ask: &Ask<'_>, resource: &Resource) -> Box<Refusal> {
    if resource.kind().namespace() != "Microsoft.Network" {
        return Refusal::new(
            409,
            "Conflict",
            "The request failed due to conflict with a concurrent request. To resolve it, please refer to https://aka.ms/activitylog to get more details on the conflicting requests.",
        );
    }
    let operation = resource.operation.and_then(|id| room.arm.operations.get(&id));
    let address = operation.map_or_else(String::new, |operation| operation.address(ask.origin, false));
    Refusal::new(
        409,
        "AnotherOperationInProgress",
        format!(
            "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: {address}."
        ),
    )
}

/// The properties of a body, without what the service sets itself.
pub(crate) fn properties(body: &Value) -> Map<String, Value> {
    let mut properties = body.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties.remove("provisioningState");
    properties
}
