//! The progress of a provisioning, for a page or a log.

use azconnect_core::{Diagnosis, Effect, Error, ErrorKind};
use serde::{Deserialize, Serialize};

use super::event::Step;
use super::id::ProvisionId;
use super::state::{Phase, ProvisionState, StepState};

/// The progress of a provisioning. It holds no signed address and no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProvisionProgress {
    /// The name of the provisioning.
    pub id: ProvisionId,
    /// The phase that it is in.
    pub phase: Phase,
    /// The steps that have begun, in the order of creation, each with its status. The extension is one of them only where the
    /// agent comes by it.
    pub steps: Vec<StepProgress>,
    /// The failure, if it failed.
    pub failure: Option<ProvisionFailure>,
    /// The public address, such as `203.0.113.7`, once it is finished.
    pub address: Option<String>,
    /// A sentence on what went wrong without making it fail, if anything did.
    pub warning: Option<String>,
    /// A sentence on what a clean-up left and why, if it left something.
    pub kept: Option<String>,
}

/// A step and its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepProgress {
    /// The step that this is about.
    pub step: Step,
    /// The status of the step.
    pub status: StepStatus,
}

/// The status of a step, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepStatus {
    /// The intent is journalled; the write may or may not have reached the service.
    Announced,
    /// The service accepted the write and is creating the resource.
    Creating,
    /// The provisioning created the resource.
    Created,
    /// There was nothing to create: the resource exists already, or is not wanted.
    Skipped,
    /// The service is deleting the resource.
    Deleting,
    /// The resource is gone.
    Deleted,
}

/// The step at which a provisioning failed, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProvisionFailure {
    /// The step that failed.
    pub step: Step,
    /// The cause and the remedy, as far as they are known.
    pub diagnosis: Diagnosis,
}

impl ProvisionProgress {
    /// The progress of a provisioning of which only the phase is known.
    pub fn new(id: ProvisionId, phase: Phase) -> Self {
        Self { id, phase, steps: Vec::new(), failure: None, address: None, warning: None, kept: None }
    }

    /// The progress that a state shows.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if nothing was begun.
    pub(super) fn of(id: &ProvisionId, state: &ProvisionState) -> Result<Self, Error> {
        if state.phase == Phase::Empty {
            return Err(Error::new(ErrorKind::NotFound, "nothing was begun under this name")
                .with_effect(Effect::None)
                .with_advice("check the name, and that the journal is the right one"));
        }
        // An agent that comes by cloud-init has no extension, and neither has a machine without an agent.
        let unwanted =
            |step: Step, at: &StepState| step == Step::Extension && StepStatus::of(at) == StepStatus::Skipped;
        let begun = state.steps.iter().filter(|(step, at)| !unwanted(**step, at));
        let steps = begun.map(|(step, at)| StepProgress { step: *step, status: StepStatus::of(at) });
        let failure = state.failure.clone();
        Ok(Self {
            steps: steps.collect(),
            failure: failure.map(|(step, diagnosis)| ProvisionFailure { step, diagnosis }),
            address: state.address.clone(),
            warning: state.warning.clone(),
            kept: state.kept.clone(),
            ..Self::new(id.clone(), state.phase)
        })
    }
}

impl StepProgress {
    /// A step and where it stands.
    pub fn new(step: Step, status: StepStatus) -> Self {
        Self { step, status }
    }
}

impl StepStatus {
    fn of(state: &StepState) -> Self {
        match state {
            StepState::Intended => Self::Announced,
            StepState::Accepted(_) => Self::Creating,
            StepState::Complete { created: true } => Self::Created,
            StepState::Complete { created: false } => Self::Skipped,
            StepState::Removing(_) => Self::Deleting,
            StepState::Removed => Self::Deleted,
        }
    }
}

impl ProvisionFailure {
    /// A step that failed, and why.
    pub fn new(step: Step, diagnosis: Diagnosis) -> Self {
        Self { step, diagnosis }
    }
}
