//! What happens in a provisioning, as it is journalled.

use azconnect_core::{Diagnosis, ErrorKind};
use serde::{Deserialize, Deserializer, Serialize};

use super::id::ProvisionId;
use super::operation::OperationRecord;
use super::plan::ProvisionPlan;

/// One step of a provisioning: a resource that is created, or the agent that is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Creates the resource group, or finds the one to use.
    Group,
    /// Creates the network security group with the inbound rules.
    SecurityGroup,
    /// Creates the virtual network and its subnet.
    Network,
    /// Creates the public address, if one is wanted.
    PublicIp,
    /// Creates the public address of IPv6, if one is wanted.
    PublicIpv6,
    /// Creates the network interface.
    Interface,
    /// Creates the virtual machine with its disks.
    Machine,
    /// Creates the extension that installs the agent, if that is its way.
    Extension,
    /// Waits until the agent is online, if there is one.
    Agent,
}

impl Step {
    /// All steps, in the order of creation.
    pub const ALL: [Self; 9] = [
        Self::Group,
        Self::SecurityGroup,
        Self::Network,
        Self::PublicIp,
        Self::PublicIpv6,
        Self::Interface,
        Self::Machine,
        Self::Extension,
        Self::Agent,
    ];

    /// The steps that must be complete before this one can begin.
    pub(super) fn needs(self) -> &'static [Self] {
        match self {
            Self::Group => &[],
            Self::SecurityGroup | Self::Network | Self::PublicIp | Self::PublicIpv6 => &[Self::Group],
            Self::Interface => &[Self::SecurityGroup, Self::Network, Self::PublicIp, Self::PublicIpv6],
            Self::Machine => &[Self::Interface],
            Self::Extension => &[Self::Machine],
            Self::Agent => &[Self::Extension],
        }
    }

    /// The steps whose resources must be gone before this one's can be removed. `None` if it goes with the machine.
    pub(super) fn removed_after(self) -> Option<&'static [Self]> {
        match self {
            Self::Machine => Some(&[]),
            Self::Interface => Some(&[Self::Machine]),
            Self::SecurityGroup | Self::Network | Self::PublicIp | Self::PublicIpv6 => {
                Some(&[Self::Machine, Self::Interface])
            }
            Self::Group => Some(&[
                Self::Machine,
                Self::Interface,
                Self::SecurityGroup,
                Self::Network,
                Self::PublicIp,
                Self::PublicIpv6,
            ]),
            Self::Extension | Self::Agent => None,
        }
    }

    /// The name of the step in one word, as it is journalled, such as `security_group`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::SecurityGroup => "security_group",
            Self::Network => "network",
            Self::PublicIp => "public_ip",
            Self::PublicIpv6 => "public_ipv6",
            Self::Interface => "interface",
            Self::Machine => "machine",
            Self::Extension => "extension",
            Self::Agent => "agent",
        }
    }

    /// The name of what the step creates, in words, such as `network security group`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Group => "resource group",
            Self::SecurityGroup => "network security group",
            Self::Network => "network",
            Self::PublicIp => "public address",
            Self::PublicIpv6 => "public IPv6 address",
            Self::Interface => "network interface",
            Self::Machine => "virtual machine",
            Self::Extension => "extension",
            Self::Agent => "agent",
        }
    }
}

/// One entry of the journal. None holds a secret: the signed addresses of operations are sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProvisionEvent {
    /// A provisioning begins, with the plan that it follows to its end.
    Planned {
        /// The plan that is built.
        plan: Box<ProvisionPlan>,
    },
    /// The private key is in the secret store. From here on it is used, and never replaced.
    KeySealed {
        /// The public key in one line, as in `authorized_keys`.
        public: String,
        /// The fingerprint of the public key, such as `SHA256:…`.
        fingerprint: String,
    },
    /// The password of a Windows machine's administrator is in the secret store. From here on it is used, and never replaced.
    PasswordSealed {
        /// A random name of this password, which tells it from that of a later machine. Empty in the first journals.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        password: String,
    },
    /// A resource is about to be written. From here on a clean-up deletes what exists under its name.
    Intended {
        /// The step that creates the resource.
        step: Step,
    },
    /// The service accepted the write and goes on with it.
    Accepted {
        /// The step that creates the resource.
        step: Step,
        /// The operation to poll, which another process can poll on.
        operation: OperationRecord,
    },
    /// A step is complete.
    Completed {
        /// The step that is complete.
        step: Step,
        /// Whether this provisioning created the resource. One that it did not create is never deleted.
        created: bool,
    },
    /// The placement lacks capacity. The next one is tried after what is left of the machine is deleted.
    FellBack {
        /// The service's code of the refusal, such as `AllocationFailed`.
        code: String,
        /// The position of the next placement in the plan.
        placement: usize,
    },
    /// What was left of the machine at the last placement is gone.
    Cleared,
    /// A machine joins a fleet. From here on the foundation stays until the machine is gone.
    MemberAdded {
        /// The plan of the machine, from which it can be built after a crash.
        plan: Box<ProvisionPlan>,
    },
    /// A machine of a fleet is gone, or was never built.
    MemberRemoved {
        /// The name of the machine's provisioning.
        member: ProvisionId,
    },
    /// Every machine that joined has begun: what becomes of each is in its own journal.
    MembersSettled,
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
        /// The step that created the resource.
        step: Step,
        /// The operation to poll, which another process can poll on.
        operation: OperationRecord,
    },
    /// A resource is gone.
    Removed {
        /// The step that created the resource.
        step: Step,
    },
    /// Everything that the provisioning created is gone.
    CleanedUp {
        /// A sentence on what stays and why, such as a group that holds what others put there.
        kept: Option<String>,
    },
    /// The machine runs, and its agent is online if it has one.
    Finished {
        /// The public address, such as `203.0.113.7`, if it has one.
        address: Option<String>,
        /// The public address of IPv6, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ipv6: Option<String>,
        /// The name of the public address, if it was given a label.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fqdn: Option<String>,
        /// A sentence on what went wrong without making it fail, such as a set-up that was reported late.
        warning: Option<String>,
    },
}

/// Reads a diagnosis, or the one line that the first journals hold in its place.
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
    /// The name of the event in the journal, such as `fell_back`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Planned { .. } => "planned",
            Self::KeySealed { .. } => "key_sealed",
            Self::PasswordSealed { .. } => "password_sealed",
            Self::Intended { .. } => "intended",
            Self::Accepted { .. } => "accepted",
            Self::Completed { .. } => "completed",
            Self::FellBack { .. } => "fell_back",
            Self::Cleared => "cleared",
            Self::MemberAdded { .. } => "member_added",
            Self::MemberRemoved { .. } => "member_removed",
            Self::MembersSettled => "members_settled",
            Self::Failed { .. } => "failed",
            Self::CleanUpBegun => "clean_up_begun",
            Self::Removing { .. } => "removing",
            Self::Removed { .. } => "removed",
            Self::CleanedUp { .. } => "cleaned_up",
            Self::Finished { .. } => "finished",
        }
    }

    /// Whether the event is a part of building. After a failure whose remains were kept, it means that the machine is
    /// being built again.
    pub(super) fn is_of_building(&self) -> bool {
        match self {
            Self::Intended { .. } | Self::Accepted { .. } | Self::FellBack { .. } | Self::Cleared => true,
            // A group is found to be no longer ours while it is cleaned up.
            Self::Completed { step, created } => *step != Step::Group || *created,
            _ => false,
        }
    }
}
