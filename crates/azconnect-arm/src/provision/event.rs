//! What happens in a provisioning, as it is journalled.

use azconnect_core::{Diagnosis, ErrorKind};
use azconnect_http::Operation;
use serde::{Deserialize, Deserializer, Serialize};

use super::plan::ProvisionPlan;

/// One thing that is created or awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// The resource group.
    Group,
    /// The network security group.
    SecurityGroup,
    /// The network.
    Network,
    /// The public address.
    PublicIp,
    /// The network interface.
    Interface,
    /// The virtual machine.
    Machine,
    /// The extension that brings the agent.
    Extension,
    /// The agent, until it is online.
    Agent,
}

impl Step {
    /// All steps, in the order of creation.
    pub const ALL: [Self; 8] = [
        Self::Group,
        Self::SecurityGroup,
        Self::Network,
        Self::PublicIp,
        Self::Interface,
        Self::Machine,
        Self::Extension,
        Self::Agent,
    ];

    /// What must be complete before it can begin.
    pub(super) fn needs(self) -> &'static [Self] {
        match self {
            Self::Group => &[],
            Self::SecurityGroup | Self::Network | Self::PublicIp => &[Self::Group],
            Self::Interface => &[Self::SecurityGroup, Self::Network, Self::PublicIp],
            Self::Machine => &[Self::Interface],
            Self::Extension => &[Self::Machine],
            Self::Agent => &[Self::Extension],
        }
    }

    /// What must be gone before it can be removed. `None` for what goes with the machine.
    pub(super) fn removed_after(self) -> Option<&'static [Self]> {
        match self {
            Self::Machine => Some(&[]),
            Self::Interface => Some(&[Self::Machine]),
            Self::SecurityGroup | Self::Network | Self::PublicIp => Some(&[Self::Machine, Self::Interface]),
            Self::Group => Some(&[Self::Machine, Self::Interface, Self::SecurityGroup, Self::Network, Self::PublicIp]),
            Self::Extension | Self::Agent => None,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Group => "resource group",
            Self::SecurityGroup => "network security group",
            Self::Network => "network",
            Self::PublicIp => "public address",
            Self::Interface => "network interface",
            Self::Machine => "virtual machine",
            Self::Extension => "extension",
            Self::Agent => "agent",
        }
    }
}

/// One entry of the journal. None holds a secret: operations hold signed addresses, which their `Debug` hides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProvisionEvent {
    /// A provisioning begins.
    Planned {
        /// What is to be created.
        plan: Box<ProvisionPlan>,
    },
    /// The private key is sealed.
    KeySealed {
        /// The public key.
        public: String,
        /// Its fingerprint.
        fingerprint: String,
    },
    /// A resource is about to be written. From here on its name is ours.
    Intended {
        /// The step that creates it.
        step: Step,
    },
    /// The service accepted the write and goes on with it.
    Accepted {
        /// The step that creates it.
        step: Step,
        /// What to poll.
        operation: Operation,
    },
    /// A step is complete.
    Completed {
        /// The step.
        step: Step,
        /// Whether we created it. What we did not create is never deleted.
        created: bool,
    },
    /// The placement lacks capacity. The next is tried once what is left of the machine is deleted.
    FellBack {
        /// The code of the refusal.
        code: String,
        /// The position of the next placement in the plan.
        placement: usize,
    },
    /// What was left of the machine at the placement before is gone.
    Cleared,
    /// The provisioning failed for good.
    Failed {
        /// The step that failed.
        step: Step,
        /// What is known about the failure.
        #[serde(alias = "error", deserialize_with = "diagnosis_or_line")]
        diagnosis: Diagnosis,
    },
    /// What was created is being deleted.
    CleanUpBegun,
    /// The service accepted a deletion and goes on with it.
    Removing {
        /// The step that created it.
        step: Step,
        /// What to poll.
        operation: Operation,
    },
    /// A resource is gone.
    Removed {
        /// The step that created it.
        step: Step,
    },
    /// Everything that we created is gone.
    CleanedUp {
        /// What stays, and why: a group that holds something else.
        kept: Option<String>,
    },
    /// The machine runs, and its agent is online if it has one.
    Finished {
        /// Its public address.
        address: Option<String>,
        /// What did not go as it should, without being a failure.
        warning: Option<String>,
    },
}

/// The first journals hold a failure as one line, which names the service's code.
fn diagnosis_or_line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Diagnosis, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Line(String),
        Known(Diagnosis),
    }
    Ok(match Stored::deserialize(deserializer)? {
        Stored::Line(line) => Diagnosis::new(ErrorKind::Unexpected, line),
        Stored::Known(diagnosis) => diagnosis,
    })
}

impl ProvisionEvent {
    /// Its name in the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Planned { .. } => "planned",
            Self::KeySealed { .. } => "key_sealed",
            Self::Intended { .. } => "intended",
            Self::Accepted { .. } => "accepted",
            Self::Completed { .. } => "completed",
            Self::FellBack { .. } => "fell_back",
            Self::Cleared => "cleared",
            Self::Failed { .. } => "failed",
            Self::CleanUpBegun => "clean_up_begun",
            Self::Removing { .. } => "removing",
            Self::Removed { .. } => "removed",
            Self::CleanedUp { .. } => "cleaned_up",
            Self::Finished { .. } => "finished",
        }
    }

    /// Whether it builds on: after a failure whose remains were kept, the machine is then being built again.
    pub(super) fn is_of_building(&self) -> bool {
        match self {
            Self::Intended { .. } | Self::Accepted { .. } | Self::FellBack { .. } | Self::Cleared => true,
            // A group is found to be no longer ours while it is cleaned up.
            Self::Completed { step, created } => *step != Step::Group || *created,
            _ => false,
        }
    }
}
