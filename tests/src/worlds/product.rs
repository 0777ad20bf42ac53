//! The product: what its configuration says at a moment, and the target that a process makes of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use azconnect::Identity;
use azconnect::rotation::{SinkBinding, Target};

use super::cloud::{ORGANIZATION, PROJECT, RENAMED, connection_id, deploy, old_key};
use super::happening::Edit;
use super::plan::{Plan, policy};

/// The configuration of the product.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Product {
    /// The bound connections by number, each with whether it is required.
    pub bound: BTreeMap<usize, bool>,
    /// Which of the connections are registries.
    registries: Vec<bool>,
    /// Whether the key that was made by hand is adopted.
    pub adopted: bool,
    /// The terms by number.
    pub policy: u8,
    /// Whether somebody asked for a rotation, due or not.
    pub forced: bool,
    /// Whether consumers are waived by name.
    pub waived: bool,
    /// What the organization of Azure DevOps is called.
    pub organization: &'static str,
}

impl Product {
    /// The configuration at the beginning.
    pub(super) fn of(plan: &Plan) -> Self {
        let bound = plan.connections.iter().enumerate().filter(|(_, connection)| connection.bound);
        Self {
            bound: bound.map(|(number, connection)| (number, connection.required)).collect(),
            registries: plan.connections.iter().map(|connection| connection.is_registry).collect(),
            adopted: true,
            policy: plan.policy,
            forced: false,
            waived: false,
            organization: ORGANIZATION,
        }
    }

    /// Somebody edits it.
    pub(super) fn edit(&mut self, edit: Edit) {
        match edit {
            // A smaller world may lack the connection.
            Edit::Bind(at) if at >= self.registries.len() => {}
            Edit::Bind(at) => drop(self.bound.entry(at).or_insert(true)),
            Edit::Unbind(at) => drop(self.bound.remove(&at)),
            Edit::Require(at, required) => drop(self.bound.entry(at).and_modify(|terms| *terms = required)),
            Edit::Adopt(adopted) => self.adopted = adopted,
            Edit::Policy(number) => self.policy = number,
            Edit::Force => self.forced = true,
            Edit::Waive(waived) => self.waived = waived,
            Edit::FollowOrganization => self.organization = RENAMED,
        }
    }

    /// The target, as a process sees it.
    pub(super) fn target(&self, identity: &Identity) -> Target {
        let mut target = identity.target(deploy()).unwrap().with_policy(policy(self.policy));
        if self.adopted {
            target = target.with_adopted(old_key());
        }
        if self.waived {
            target = target.without_consumers();
        }
        for (number, required) in &self.bound {
            let id = connection_id(*number).into();
            let sink = identity.service_connection(self.organization, PROJECT, id, deploy()).unwrap();
            let mut binding = SinkBinding::new(Arc::new(sink));
            if !required {
                binding = binding.optional();
            }
            if self.registries[*number] {
                binding = binding.with_receipt_as_proof();
            }
            target = target.with_sink(binding);
        }
        target
    }
}
