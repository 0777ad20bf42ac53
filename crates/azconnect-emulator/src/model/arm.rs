//! All that Azure Resource Manager holds.

pub(crate) mod address;
pub(crate) mod agent;
pub(crate) mod error_codes;
pub(crate) mod kind;
pub(crate) mod ledger;
pub(crate) mod offers;
pub(crate) mod roles;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use self::address::{key, same, within};
use self::agent::AgentScript;
use self::kind::Kind;
use self::ledger::Ledger;
use self::roles::Roles;
use super::directory::Directory;
use super::world::Subscription;
use crate::base::call::Moment;
use crate::base::dice::Dice;
use crate::base::settings::resource_manager::ArmSettings;
use crate::service::arm::compute::machine::Machine;
use crate::service::arm::operation::Operation;
use crate::service::arm::resources::deployment::Deployment;
use crate::service::arm::throttle::Buckets;

/// The state.
#[derive(Default)]
pub(crate) struct Arm {
    /// By key.
    pub(crate) resources: BTreeMap<String, Resource>,
    pub(crate) operations: BTreeMap<Uuid, Operation>,
    pub(crate) operations_begun: u64,
    pub(crate) roles: Roles,
    pub(crate) ledger: Ledger,
    /// What happens inside machines whose name contains a text; the last match counts.
    pub(crate) agents: Vec<(String, AgentScript)>,
    pub(crate) accounts: BTreeMap<Uuid, Account>,
    pub(crate) buckets: Buckets,
    pub(crate) addresses_given: u32,
}

/// What a subscription may do.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// As the service writes it, such as `Enabled`.
    pub(crate) state: String,
    /// By namespace in lower case; one that is absent is not registered.
    pub(crate) providers: BTreeMap<String, Registration>,
    pub(crate) quotas: Vec<Quota>,
    pub(crate) restrictions: Vec<Restriction>,
    /// `publisher/offer/sku` in lower case, of plans whose terms are accepted.
    pub(crate) terms: BTreeSet<String>,
}

/// Whether a provider is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registration {
    NotRegistered,
    Registering,
    Registered,
}

/// A limit other than the usual one.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    pub(crate) location: String,
    pub(crate) name: String,
    pub(crate) limit: u32,
}

/// A size that a subscription may not have.
#[derive(Clone, Debug)]
pub(crate) struct Restriction {
    pub(crate) location: String,
    pub(crate) size: String,
    /// The zones without it; empty for the whole region.
    pub(crate) zones: Vec<String>,
}

impl Default for Account {
    fn default() -> Self {
        let registered = ["Microsoft.Authorization", "Microsoft.Compute", "Microsoft.Network", "Microsoft.Resources"];
        Self {
            state: "Enabled".to_owned(),
            providers: registered
                .iter()
                .map(|namespace| (namespace.to_ascii_lowercase(), Registration::Registered))
                .collect(),
            quotas: Vec::new(),
            restrictions: Vec::new(),
            terms: BTreeSet::new(),
        }
    }
}

/// Where a resource is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Creating,
    Updating,
    Deleting,
    Succeeded,
    Failed,
    Canceled,
}

impl State {
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
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) location: String,
    /// As it is shown, without the state and what follows from other resources.
    pub(crate) document: Map<String, Value>,
    /// The body it was last written with: the same again changes nothing.
    pub(crate) asked: Value,
    pub(crate) state: State,
    /// The operation that is changing it.
    pub(crate) operation: Option<Uuid>,
    pub(crate) created: Moment,
    pub(crate) reads: u32,
    pub(crate) etag: Uuid,
    pub(crate) by: Option<Uuid>,
    /// For an interface: the machine it is kept for, and until when.
    pub(crate) reserved: Option<(String, Duration)>,
    pub(crate) machine: Option<Box<Machine>>,
    pub(crate) deployment: Option<Box<Deployment>>,
    pub(crate) run: Option<Run>,
}

/// When the script of a run command begins and ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) sent: Moment,
    pub(crate) ends: Duration,
}

impl Resource {
    pub(crate) fn name(&self) -> &str {
        self::address::last(&self.id)
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

    /// Its properties.
    pub(crate) fn properties(&mut self) -> Option<&mut Map<String, Value>> {
        self.document.get_mut("properties")?.as_object_mut()
    }

    /// Sets a property.
    pub(crate) fn set(&mut self, name: &str, value: Value) {
        if let Some(properties) = self.properties() {
            properties.insert(name.to_owned(), value);
        }
    }
}

/// The state together with what every route needs.
pub(crate) struct Room<'a> {
    pub(crate) arm: &'a mut Arm,
    pub(crate) settings: &'a ArmSettings,
    pub(crate) dice: &'a mut Dice,
    pub(crate) directory: &'a Directory,
    pub(crate) subscriptions: &'a [Subscription],
}

impl Arm {
    pub(crate) fn get(&self, id: &str) -> Option<&Resource> {
        self.resources.get(&key(id))
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Resource> {
        self.resources.get_mut(&key(id))
    }

    /// All of a kind.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Resource> {
        self.resources.values().filter(move |resource| resource.kind == kind)
    }

    /// All of a kind below a scope.
    pub(crate) fn below<'a>(&'a self, scope: &'a str, kind: Kind) -> impl Iterator<Item = &'a Resource> {
        self.of_kind(kind).filter(move |resource| within(scope, &resource.id))
    }

    /// Puts a resource in its place, and in the book.
    pub(crate) fn insert(&mut self, resource: Resource, with: Option<&str>) {
        self.ledger.created(&resource.id, &resource.kind.full(), resource.created.wall, resource.by, with);
        self.resources.insert(resource.key(), resource);
    }

    /// Takes a resource away, with everything inside it.
    pub(crate) fn remove(&mut self, id: &str, at: Moment, by: Option<Uuid>) {
        let wanted = key(id);
        let gone: Vec<String> = self.resources.keys().filter(|known| within(&wanted, known)).cloned().collect();
        for known in gone {
            if let Some(resource) = self.resources.remove(&known) {
                self.ledger.deleted(&resource.id, at.wall, by);
                for child in crate::service::arm::network::embedded_ids(&resource) {
                    self.ledger.deleted(&child, at.wall, by);
                }
            }
        }
        self.roles.assignments.retain(|assignment| {
            let below = within(&wanted, &assignment.scope);
            if below {
                self.ledger.deleted(&crate::service::arm::authorization::assignment_id(assignment), at.wall, by);
            }
            !below
        });
    }

    pub(crate) fn account(&mut self, subscription: Uuid) -> &mut Account {
        self.accounts.entry(subscription).or_default()
    }

    pub(crate) fn agent_for(&self, machine: &str) -> AgentScript {
        let script = self.agents.iter().rev().find(|(part, _)| machine.contains(part.as_str()));
        script.map(|(_, script)| script.clone()).unwrap_or_default()
    }
}

impl Account {
    /// The limit of a quota: `cores`, a family, `virtualMachines` and so on.
    pub(crate) fn limit(&self, location: &str, name: &str, usual: u32) -> u32 {
        let own = self.quotas.iter().rev().find(|quota| same(&quota.location, location) && same(&quota.name, name));
        own.map_or(usual, |quota| quota.limit)
    }

    pub(crate) fn is_registered(&self, namespace: &str) -> bool {
        self.providers.get(&namespace.to_ascii_lowercase()) == Some(&Registration::Registered)
    }

    /// The zones without a size; an empty list means the whole region.
    pub(crate) fn restriction(&self, location: &str, size: &str) -> Option<&Restriction> {
        self.restrictions.iter().find(|r| same(&r.location, location) && same(&r.size, size))
    }
}
