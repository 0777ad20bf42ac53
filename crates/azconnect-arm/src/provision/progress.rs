//! Where a provisioning stands, for a page or a log.

use azconnect_core::{Diagnosis, Effect, Error, ErrorKind};
use serde::{Deserialize, Serialize};

use super::event::Step;
use super::id::ProvisionId;
use super::state::{Phase, ProvisionState, StepState};

/// Where a provisioning stands. It holds no signed address and no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProvisionProgress {
    /// The provisioning.
    pub id: ProvisionId,
    /// What is being done.
    pub phase: Phase,
    /// Where each step stands that has begun, in the order of creation.
    pub steps: Vec<StepProgress>,
    /// Why it failed, if it did.
    pub failure: Option<ProvisionFailure>,
    /// The machine's public address, once it is finished.
    pub address: Option<String>,
    /// What did not go as it should, without being a failure.
    pub warning: Option<String>,
    /// What was not deleted, and why.
    pub kept: Option<String>,
}

/// Where one step stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepProgress {
    /// The step.
    pub step: Step,
    /// Where it stands.
    pub status: StepStatus,
}

/// Where a step stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepStatus {
    /// It has been announced, and may or may not have been written.
    Announced,
    /// The service is creating it.
    Creating,
    /// We created it.
    Created,
    /// There was nothing to create.
    Skipped,
    /// The service is deleting it.
    Deleting,
    /// It is gone.
    Deleted,
}

/// Why a provisioning failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProvisionFailure {
    /// The step that failed.
    pub step: Step,
    /// What is known about the failure.
    pub diagnosis: Diagnosis,
}

impl ProvisionProgress {
    /// A provisioning of which only the phase is known.
    pub fn new(id: ProvisionId, phase: Phase) -> Self {
        Self { id, phase, steps: Vec::new(), failure: None, address: None, warning: None, kept: None }
    }

    /// Where a state stands.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if nothing was begun.
    pub(super) fn of(id: &ProvisionId, state: &ProvisionState) -> Result<Self, Error> {
        if state.phase == Phase::Empty {
            return Err(Error::new(ErrorKind::NotFound, "nothing was begun under this name")
                .with_effect(Effect::None)
                .with_advice("check the name, and that the journal is the right one"));
        }
        let steps = state.steps.iter().map(|(step, at)| StepProgress { step: *step, status: StepStatus::of(at) });
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
