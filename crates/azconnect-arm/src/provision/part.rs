//! How much of a specification a provisioning builds: a whole machine, or what the machines of a fleet share.

use serde::{Deserialize, Serialize};

use super::event::Step;
use super::plan::ProvisionPlan;

/// How much of its specification a plan builds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// A machine, with everything that it needs and does not share.
    #[default]
    Machine,
    /// What the machines of a fleet share: the resource group, the network and the network security group.
    Foundation,
}

impl Part {
    /// Journals of machines are written as they were before there were fleets.
    pub(super) fn is_machine(&self) -> bool {
        *self == Self::Machine
    }

    /// The steps of the part, in the order of creation.
    pub(super) fn steps(self) -> &'static [Step] {
        match self {
            Self::Machine => &Step::ALL,
            Self::Foundation => &[Step::Group, Step::SecurityGroup, Step::Network],
        }
    }
}

impl ProvisionPlan {
    /// Whether another plan builds the same. Of a foundation, only what is shared counts: a fleet may grow by other machines.
    pub(super) fn builds_the_same(&self, other: &Self) -> bool {
        if self.subscription != other.subscription || self.part != other.part {
            return false;
        }
        match self.part {
            // Names and placements are not compared: the plan that was journalled is the one that is built.
            Part::Machine => self.spec == other.spec,
            Part::Foundation => {
                let shared = |plan: &Self| {
                    let spec = &plan.spec;
                    (
                        spec.name.clone(),
                        spec.location.clone(),
                        spec.group.clone(),
                        spec.network.clone(),
                        spec.ipv6.clone(),
                        spec.rules.clone(),
                    )
                };
                shared(self) == shared(other) && self.spec.security_group == other.spec.security_group
            }
        }
    }
}
