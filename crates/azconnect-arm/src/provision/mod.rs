//! From a specification to a machine that runs, without a leak on any way there.

mod admin_password;
mod agent;
mod agent_failure;
mod belonging;
mod body;
mod cancelling;
mod credential;
mod decide;
mod event;
mod extension_body;
mod failure;
mod fleet;
mod history;
mod id;
mod kept;
mod legal;
mod machine_body;
mod machine_step;
mod mask;
mod members;
mod operation;
mod outcome;
mod part;
mod plan;
mod probe;
mod progress;
mod provisioner;
mod recorder;
mod registration;
mod removal;
mod resolve;
mod role_grace;
mod sealing;
mod shown;
mod state;
mod steps;
mod template;

pub use agent_failure::AgentFailure;
pub use event::{ProvisionEvent, Step};
pub use fleet::{Fleet, FleetCleanUp, FleetMachine, FleetOutcome, FleetPlan};
pub use history::{ProvisionHistoryEntry, UnfinishedProvision};
pub use id::ProvisionId;
pub use operation::OperationRecord;
pub use outcome::{CleanUp, Provisioned};
pub use part::Part;
pub use plan::{Names, Placement, ProvisionPlan, ResolvedImage};
#[cfg(feature = "tcp")]
pub use probe::TcpProbe;
pub use probe::{AgentProbe, FnProbe, ProbeTarget, Probed, RunCommandProbe};
pub use progress::{ProvisionFailure, ProvisionProgress, StepProgress, StepStatus};
pub use provisioner::Provisioner;
pub use state::{Phase, ProvisionState, StepState};

pub(crate) use plan::placements;
pub(crate) use resolve::fill;
pub(crate) use template::{Writes, group_template, subscription_template};
