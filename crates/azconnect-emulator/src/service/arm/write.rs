//! What all writes of resources in groups have in common: the checks before, the operation and the answer after.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::context::{Context, PollAddresses, Reply};
use super::operation::Start;
use super::{names, policy, view};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::{last, parent_id, resource_id, same};
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::offers::{region_named, region_names};
use crate::model::arm::operation::Work;
use crate::model::arm::resource::{ProvisioningState, Resource};
use crate::model::world::World;

/// A resource that may be written.
pub(crate) struct Target {
    pub(crate) id: String,
    pub(crate) kind: ResourceKind,
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

impl Context<'_> {
    /// Checks what the service checks before it looks at the properties.
    pub(crate) fn prepare(&self, world: &mut World, kind: ResourceKind, names: &[&str]) -> OrRefusal<Target> {
        let group = self.group_of(world)?;
        self.require_registration(world, kind.namespace())?;
        names::check(kind, names.last().copied().unwrap_or_default())?;
        if !self.body.is_object() {
            return Err(Refusal::content(
                "The request content was invalid and could not be deserialized: an object was expected.",
            ));
        }
        let id = resource_id(&self.address.subscription, &group, kind, names);
        let existing = world.arm.get(&id);
        // A resource keeps the spelling it was created with.
        let id = existing.map_or(id, |resource| resource.id.clone());
        let location = self.location_for(world, kind, &id)?;
        // What is inside another resource has neither tags nor a region of its own.
        if kind.parent().is_none() {
            policy::check(self, world, &kind.full(), last(&id), &self.body)?;
        }
        let Some(resource) = world.arm.get(&id) else {
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
            // The same body again joins the running operation; any other is a conflict.
            if resource.state == ProvisioningState::Deleting || resource.asked != self.body {
                return Err(busy(self, world, resource));
            }
            same_running = Some(running);
        }
        Ok(Target { id, kind, exists: true, location, same_running })
    }

    /// The name of the group as it was created.
    fn group_of(&self, world: &World) -> OrRefusal<String> {
        let name = self.address.group.clone().unwrap_or_default();
        let id = self.address.group_id().unwrap_or_default();
        match world.arm.get(&id) {
            None => {
                Err(Refusal::new(404, "ResourceGroupNotFound", format!("Resource group '{name}' could not be found.")))
            }
            Some(group) if group.state == ProvisioningState::Deleting => Err(Refusal::new(
                409,
                "ResourceGroupBeingDeleted",
                format!("The resource group '{name}' is in deprovisioning state and cannot perform this operation."),
            )),
            Some(group) => Ok(group.name().to_owned()),
        }
    }

    pub(crate) fn require_registration(&self, world: &mut World, namespace: &str) -> OrRefusal<()> {
        if world.arm.account(self.subscription).is_registered(namespace) {
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
    fn location_for(&self, world: &World, kind: ResourceKind, id: &str) -> OrRefusal<String> {
        let full = kind.full();
        if let Some(parent) = kind.parent() {
            let parent_id = parent_id(id);
            return world.arm.get(parent_id).map(|parent| parent.location.clone()).ok_or_else(|| {
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
        let Some(named) = self.text("/location") else {
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

    /// Stores what was written, begins its operation, and answers.
    pub(crate) fn write(&self, world: &mut World, target: &Target, write: Write) -> Reply {
        if let Some(running) = target.same_running {
            return reply_with(world, &target.id, 200, running);
        }
        let document = self.document(world, target, write.properties);
        let operation = self.start(
            world,
            Start {
                kind: write.operation,
                subject: &target.id,
                work: write.work,
                namespace: target.kind.namespace(),
                location: &target.location,
            },
        );
        // Microsoft.Network says `Updating` of new resources as well.
        let pending = if target.exists || target.kind.namespace() == "Microsoft.Network" {
            ProvisioningState::Updating
        } else {
            ProvisioningState::Creating
        };
        let etag = world.dice.guid();
        let state = if write.at_once { ProvisioningState::Succeeded } else { pending };
        if target.exists {
            if let Some(resource) = world.arm.get_mut(&target.id) {
                resource.document = document;
                resource.asked = self.body.clone();
                resource.state = state;
                resource.operation = Some(operation);
                resource.etag = etag;
            }
        } else {
            let (id, by) = (target.id.clone(), Some(self.caller.object_id()));
            let mut resource = Resource::new(target.kind, id, &target.location, self.now, by);
            resource.document = document;
            resource.asked = self.body.clone();
            resource.state = state;
            resource.operation = Some(operation);
            resource.etag = etag;
            world.arm.insert(resource, None);
        }
        reply_with(world, &target.id, if target.exists { 200 } else { 201 }, operation)
    }

    /// The document of a resource: what was asked for, with the fields the service adds.
    fn document(&self, world: &World, target: &Target, properties: Map<String, Value>) -> Map<String, Value> {
        let mut document = Map::new();
        document.insert("name".to_owned(), json!(last(&target.id)));
        document.insert("id".to_owned(), json!(target.id));
        document.insert("type".to_owned(), json!(target.kind.full()));
        document.insert("location".to_owned(), json!(target.location));
        if let Some(old) = world.arm.get(&target.id) {
            for field in ["identity", "tags"] {
                if let Some(value) = old.document.get(field) {
                    document.insert(field.to_owned(), value.clone());
                }
            }
        }
        for field in ["tags", "sku", "zones", "plan", "identity", "extendedLocation"] {
            if let Some(value) = self.at(&format!("/{field}")) {
                document.insert(field.to_owned(), value.clone());
            }
        }
        document.insert("properties".to_owned(), Value::Object(properties));
        document
    }
}

fn reply_with(world: &World, id: &str, status: u16, operation: Uuid) -> Reply {
    let body = world.arm.get(id).map_or(Value::Null, |resource| view::render(world, resource));
    Reply::new(status, body).operation(operation, PollAddresses::Status)
}

/// The refusal of a write to something that is being written.
pub(crate) fn busy(cx: &Context<'_>, world: &World, resource: &Resource) -> Box<Refusal> {
    if resource.kind().namespace() != "Microsoft.Network" {
        return Refusal::new(
            409,
            "Conflict",
            "The request failed due to conflict with a concurrent request. To resolve it, please refer to https://aka.ms/activitylog to get more details on the conflicting requests.",
        );
    }
    let operation = resource.operation.and_then(|id| world.arm.operations.get(&id));
    let address = operation.map_or_else(String::new, |operation| operation.address(&cx.call.origin, false));
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
