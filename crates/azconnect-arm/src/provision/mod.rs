//! From a specification to a machine that runs, without a leak on any way there.

mod agent;
mod body;
mod cidr;
mod cloud_init;
mod decide;
mod event;
mod failure;
mod id;
mod image;
mod key;
mod names;
mod plan;
mod probe;
mod provisioner;
mod recorder;
mod removal;
mod rule;
mod script;
mod spec;
mod state;
mod steps;

pub use agent::{AgentInstall, ExtensionScript};
pub use cidr::Cidr;
pub use cloud_init::CloudInit;
pub use event::{ProvisionEvent, Step};
pub use id::ProvisionId;
pub use image::ImageChoice;
pub use key::{KeyKind, SshKey};
pub use names::{check_admin_name, check_machine_name};
pub use plan::{Names, Placement, ProvisionPlan, ResolvedImage};
#[cfg(feature = "tcp")]
pub use probe::TcpProbe;
pub use probe::{AgentProbe, FnProbe, ProbeTarget, Probed, RunCommandProbe};
pub use provisioner::{CleanUp, Provisioned, Provisioner};
pub use rule::{InboundRule, Protocol, Source};
pub use spec::{DataDisk, GroupChoice, NetworkChoice, OnFailure, VmSpec};
pub use state::{Phase, ProvisionState, StepState};

pub(crate) use plan::OWNER_TAG;
