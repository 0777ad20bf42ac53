//! One resource: its document, its state, and what its kind adds to them.

use std::time::Duration;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::address::{group_id, key, last};
use super::deployment::Deployment;
use super::kind::ResourceKind;
use super::machine::Machine;
use crate::base::moment::Moment;

/// Where a resource is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProvisioningState {
    Creating,
    Updating,
    Deleting,
    Succeeded,
    Failed,
    Canceled,
}

impl ProvisioningState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::Deleting => "Deleting",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
        }
    }
}

/// A resource of any kind.
pub(crate) struct Resource {
    pub(crate) content: Content,
    pub(crate) id: String,
    pub(crate) location: String,
    /// As it is shown, without the state and what follows from other resources.
    pub(crate) document: Map<String, Value>,
    /// The body it was last written with: the same again changes nothing.
    pub(crate) asked: Value,
    pub(crate) state: ProvisioningState,
    /// The operation that is changing it; none while it is at rest.
    pub(crate) operation: Option<Uuid>,
    pub(crate) created: Moment,
    pub(crate) reads: u32,
    pub(crate) etag: Uuid,
    pub(crate) by: Option<Uuid>,
}

/// What a resource is beyond its document, by its kind.
pub(crate) enum Content {
    /// A kind whose document says everything.
    Document(ResourceKind),
    /// A network interface, and the machine that it is kept for after the machine's creation failed.
    Nic(Option<Reservation>),
    /// A virtual machine, with what happens inside it.
    Machine(Box<Machine>),
    /// A run command; nothing until its script was sent.
    RunCommand(Option<Run>),
    /// A deployment; nothing once it has ended.
    Deployment(Option<Box<Deployment>>),
}

/// For which machine an interface is kept, and until when.
pub(crate) struct Reservation {
    pub(crate) machine: String,
    pub(crate) until: Duration,
}

/// When the script of a run command begins and ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) sent: Moment,
    pub(crate) ends: Duration,
}

impl Content {
    /// What a new resource of a kind is.
    fn new(kind: ResourceKind) -> Self {
        match kind {
            ResourceKind::Nic => Self::Nic(None),
            ResourceKind::Machine => Self::Machine(Box::default()),
            ResourceKind::RunCommand => Self::RunCommand(None),
            ResourceKind::Deployment => Self::Deployment(None),
            other => Self::Document(other),
        }
    }

    fn kind(&self) -> ResourceKind {
        match self {
            Self::Document(kind) => *kind,
            Self::Nic(_) => ResourceKind::Nic,
            Self::Machine(_) => ResourceKind::Machine,
            Self::RunCommand(_) => ResourceKind::RunCommand,
            Self::Deployment(_) => ResourceKind::Deployment,
        }
    }
}

impl Resource {
    /// A resource that is ready. Its document is empty, and the caller fills it in.
    pub(crate) fn new(kind: ResourceKind, id: String, location: &str, created: Moment, by: Option<Uuid>) -> Self {
        Self {
            content: Content::new(kind),
            id,
            location: location.to_owned(),
            document: Map::new(),
            asked: Value::Null,
            state: ProvisioningState::Succeeded,
            operation: None,
            created,
            reads: 0,
            etag: Uuid::nil(),
            by,
        }
    }

    /// A resource group, which is ready at once.
    pub(crate) fn group(subscription: &str, name: &str, location: &str, created: Moment, by: Option<Uuid>) -> Self {
        let mut group = Self::new(ResourceKind::Group, group_id(subscription, name), location, created, by);
        let fields = [
            ("id", json!(group.id)),
            ("name", json!(name)),
            ("type", json!("Microsoft.Resources/resourceGroups")),
            ("location", json!(location)),
            ("properties", json!({})),
        ];
        group.document = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        group
    }

    pub(crate) fn kind(&self) -> ResourceKind {
        self.content.kind()
    }

    /// Gives it the entity tag of another state. It follows from the former one, so that it draws nothing.
    pub(crate) fn renew_etag(&mut self) {
        self.etag = Uuid::new_v5(&self.etag, b"changed");
    }

    /// The inside of a virtual machine.
    pub(crate) fn machine(&self) -> Option<&Machine> {
        match &self.content {
            Content::Machine(machine) => Some(machine),
            _ => None,
        }
    }

    pub(crate) fn machine_mut(&mut self) -> Option<&mut Machine> {
        match &mut self.content {
            Content::Machine(machine) => Some(machine),
            _ => None,
        }
    }

    /// The course of a deployment that has not ended.
    pub(crate) fn deployment_mut(&mut self) -> Option<&mut Option<Box<Deployment>>> {
        match &mut self.content {
            Content::Deployment(deployment) => Some(deployment),
            _ => None,
        }
    }

    /// The ids of the subnets or rules inside it.
    pub(crate) fn embedded_ids(&self) -> Vec<String> {
        let Some(list) = self.kind().embedded().and_then(ResourceKind::list) else { return Vec::new() };
        let items = self.at(&format!("properties/{list}")).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(|item| item.get("id")?.as_str().map(str::to_owned)).collect()
    }

    pub(crate) fn name(&self) -> &str {
        self::last(&self.id)
    }

    pub(crate) fn key(&self) -> String {
        key(&self.id)
    }

    /// A value in the document, by a JSON pointer.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Value> {
        let mut value = self.document.get(pointer.trim_start_matches('/').split('/').next()?)?;
        for part in pointer.trim_start_matches('/').split('/').skip(1) {
            value = match value {
                Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
                other => other.get(part)?,
            };
        }
        Some(value)
    }

    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer)?.as_str()
    }

    /// The `properties` of its document, to change them.
    pub(crate) fn properties(&mut self) -> Option<&mut Map<String, Value>> {
        self.document.get_mut("properties")?.as_object_mut()
    }

    /// Sets one of the `properties` of its document.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        if let Some(properties) = self.properties() {
            properties.insert(name.to_owned(), value);
        }
    }
}
