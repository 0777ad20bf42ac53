//! All that Azure Resource Manager holds.

pub(crate) mod account;
pub(crate) mod address;
pub(crate) mod agent;
pub(crate) mod budget;
pub(crate) mod deployment;
pub(crate) mod error_codes;
pub(crate) mod failure;
pub(crate) mod kind;
pub(crate) mod ledger;
pub(crate) mod lock;
pub(crate) mod machine;
pub(crate) mod offers;
pub(crate) mod operation;
pub(crate) mod policy;
pub(crate) mod resource;
pub(crate) mod roles;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use self::account::Account;
use self::address::{key, within};
use self::agent::AgentScript;
use self::budget::Buckets;
use self::kind::ResourceKind;
use self::ledger::Ledger;
use self::lock::Lock;
use self::operation::Operations;
use self::resource::Resource;
use self::roles::Roles;
use crate::base::moment::Moment;

/// Everything that Azure Resource Manager keeps.
#[derive(Default)]
pub(crate) struct Arm {
    /// Every resource, by its id in lower case as [`key`] makes it.
    // Sorted, so that lists come in the same order in every run.
    pub(crate) resources: BTreeMap<String, Resource>,
    pub(crate) operations: Operations,
    pub(crate) roles: Roles,
    pub(crate) ledger: Ledger,
    pub(crate) locks: Vec<Lock>,
    /// What happens inside machines whose name contains a text; the last match counts.
    pub(crate) agents: Vec<(String, AgentScript)>,
    pub(crate) accounts: BTreeMap<Uuid, Account>,
    pub(crate) buckets: Buckets,
    pub(crate) addresses_given: u32,
    /// The user-assigned identities that there are, by their ids as [`key`] makes them.
    pub(crate) identities: BTreeSet<String>,
}

impl Arm {
    pub(crate) fn get(&self, id: &str) -> Option<&Resource> {
        self.resources.get(&key(id))
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Resource> {
        self.resources.get_mut(&key(id))
    }

    /// All resources of a kind, in the order of their ids.
    pub(crate) fn of_kind(&self, kind: ResourceKind) -> impl Iterator<Item = &Resource> {
        self.resources.values().filter(move |resource| resource.kind() == kind)
    }

    /// All of a kind below a scope.
    pub(crate) fn below<'a>(&'a self, scope: &'a str, kind: ResourceKind) -> impl Iterator<Item = &'a Resource> {
        self.of_kind(kind).filter(move |resource| within(scope, &resource.id))
    }

    /// Adds a resource, and its creation to the ledger.
    pub(crate) fn insert(&mut self, resource: Resource, with: Option<&str>) {
        self.ledger.created(&resource.id, &resource.kind().full(), resource.created.wall, resource.by, with);
        self.resources.insert(resource.key(), resource);
    }

    /// Removes a resource with everything inside it, and notes the deletions in the ledger.
    pub(crate) fn remove(&mut self, id: &str, at: Moment, by: Option<Uuid>) {
        let wanted = key(id);
        let gone: Vec<String> = self.resources.keys().filter(|known| within(&wanted, known)).cloned().collect();
        for known in gone {
            if let Some(resource) = self.resources.remove(&known) {
                self.ledger.deleted(&resource.id, at.wall, by);
                for child in resource.embedded_ids() {
                    self.ledger.deleted(&child, at.wall, by);
                }
            }
        }
        // Azure removes the locks and assignments at a scope together with the scope.
        self.locks.retain(|lock| !within(&wanted, &lock.scope));
        self.roles.assignments.retain(|assignment| {
            let below = within(&wanted, &assignment.scope);
            if below {
                self.ledger.deleted(&assignment.id(), at.wall, by);
            }
            !below
        });
    }

    pub(crate) fn account(&mut self, subscription: Uuid) -> &mut Account {
        self.accounts.entry(subscription).or_default()
    }

    pub(crate) fn agent_for(&self, machine: &str) -> AgentScript {
        // From the end, so that a test can override an earlier script.
        let script = self.agents.iter().rev().find(|(part, _)| machine.contains(part.as_str()));
        script.map(|(_, script)| script.clone()).unwrap_or_default()
    }
}
