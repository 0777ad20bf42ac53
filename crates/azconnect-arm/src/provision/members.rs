//! The machines that stand on a foundation, as its journal tells it.

use std::collections::BTreeMap;

use super::id::ProvisionId;
use super::plan::ProvisionPlan;

/// The machines of a fleet, those that are gone among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    known: BTreeMap<ProvisionId, Member>,
    /// Whether machines were added and nothing says yet that each has begun.
    unsettled: bool,
}

#[derive(Clone, Debug)]
struct Member {
    plan: ProvisionPlan,
    removed: bool,
}

impl Members {
    pub(super) fn add(&mut self, plan: ProvisionPlan) {
        self.known.insert(plan.id.clone(), Member { plan, removed: false });
        self.unsettled = true;
    }

    pub(super) fn remove(&mut self, id: &ProvisionId) {
        if let Some(member) = self.known.get_mut(id) {
            member.removed = true;
        }
    }

    pub(super) fn remove_all(&mut self) {
        self.known.values_mut().for_each(|member| member.removed = true);
    }

    pub(super) fn settle(&mut self) {
        self.unsettled = false;
    }

    pub(super) fn are_settled(&self) -> bool {
        !self.unsettled
    }

    /// The plans of the machines that may still be there, in the order of their ids.
    pub(super) fn standing(&self) -> impl Iterator<Item = &ProvisionPlan> {
        self.known.values().filter(|member| !member.removed).map(|member| &member.plan)
    }

    pub(super) fn stands(&self, id: &ProvisionId) -> bool {
        self.known.get(id).is_some_and(|member| !member.removed)
    }

    /// Whether a standing machine is known with the specification that a plan has.
    pub(super) fn agrees(&self, plan: &ProvisionPlan) -> bool {
        self.known.get(&plan.id).is_some_and(|member| member.plan.spec == plan.spec)
    }

    /// The plans of all machines that ever stood on the foundation since it was planned.
    pub(super) fn ever(&self) -> impl Iterator<Item = (&ProvisionId, &ProvisionPlan)> {
        self.known.iter().map(|(id, member)| (id, &member.plan))
    }
}

impl ProvisionId {
    /// The name of the provisioning of a machine of a fleet, `FLEET/MACHINE`.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name that is too long.
    pub(super) fn member(&self, machine: &str) -> Result<Self, azconnect_core::Error> {
        Self::new(format!("{self}/{machine}"))
    }
}
