//! Where a provisioning stands: what its events add up to.

use std::collections::BTreeMap;

use azconnect_core::Diagnosis;
use azconnect_http::Operation;
use azconnect_saga::IllegalEvent;
use serde::{Deserialize, Serialize};

use super::event::{ProvisionEvent, Step};
use super::plan::ProvisionPlan;
use crate::spec::OnFailure;

/// Where one resource stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StepState {
    /// It may or may not have been written.
    Intended,
    /// The service is creating it.
    Accepted(Operation),
    /// It is there.
    Complete {
        /// Whether we created it.
        created: bool,
    },
    /// The service is deleting it.
    Removing(Operation),
    /// It is gone.
    Removed,
}

/// What is being done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// Nothing was planned.
    #[default]
    Empty,
    /// The machine is being built.
    Building,
    /// It failed, and what was created is still there.
    Failed,
    /// What was created is being deleted.
    CleaningUp,
    /// What was created is gone.
    CleanedUp,
    /// The machine runs.
    Finished,
}

/// Where a provisioning stands.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ProvisionState {
    /// What is to be created.
    pub plan: Option<ProvisionPlan>,
    /// The public key, once the private one is sealed.
    pub public_key: Option<String>,
    /// The public key's fingerprint.
    pub fingerprint: Option<String>,
    /// Where each step stands; absent if it has not begun.
    pub steps: BTreeMap<Step, StepState>,
    /// Which placement is tried.
    pub placement: usize,
    /// Whether what is left of the machine at the placement before must go first.
    pub clearing: bool,
    /// What is being done.
    pub phase: Phase,
    /// Why it failed.
    pub failure: Option<(Step, Diagnosis)>,
    /// The machine's public address, once it is finished.
    pub address: Option<String>,
    /// What did not go as it should, once it is finished.
    pub warning: Option<String>,
    /// What was not deleted, and why.
    pub kept: Option<String>,
}

impl ProvisionState {
    /// What events add up to.
    ///
    /// # Errors
    /// For an event that cannot follow.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a ProvisionEvent>) -> Result<Self, IllegalEvent> {
        events.into_iter().try_fold(Self::default(), Self::evolve)
    }

    /// The state after an event.
    ///
    /// # Errors
    /// For an event that cannot follow. In a journal, it means that the journal is not ours or was changed.
    pub fn evolve(mut self, event: &ProvisionEvent) -> Result<Self, IllegalEvent> {
        if let Err(state) = self.admit(event) {
            return Err(IllegalEvent::new(event.name(), state));
        }
        if event.is_of_building() {
            self.phase = Phase::Building;
        }
        self.take_in(event);
        Ok(self)
    }

    fn take_in(&mut self, event: &ProvisionEvent) {
        match event {
            ProvisionEvent::Planned { plan } => {
                *self = Self { plan: Some((**plan).clone()), phase: Phase::Building, ..Self::default() };
            }
            ProvisionEvent::KeySealed { public, fingerprint } => {
                self.public_key = Some(public.clone());
                self.fingerprint = Some(fingerprint.clone());
            }
            ProvisionEvent::Intended { step } => {
                self.steps.insert(*step, StepState::Intended);
            }
            ProvisionEvent::Accepted { step, operation } => {
                self.steps.insert(*step, StepState::Accepted(operation.clone()));
            }
            ProvisionEvent::Completed { step, created } => {
                self.steps.insert(*step, StepState::Complete { created: *created });
            }
            ProvisionEvent::FellBack { placement, .. } => {
                self.placement = *placement;
                self.clearing = true;
                self.steps.insert(Step::Machine, StepState::Intended);
            }
            ProvisionEvent::Cleared => {
                self.clearing = false;
                // A machine takes its network interface and public address with it: they are written again.
                for step in [Step::Interface, Step::PublicIp] {
                    if self.steps.get(&step) == Some(&(StepState::Complete { created: true })) {
                        self.steps.insert(step, StepState::Intended);
                    }
                }
            }
            ProvisionEvent::Failed { step, diagnosis } => {
                self.phase = Phase::Failed;
                self.failure = Some((*step, diagnosis.clone()));
            }
            ProvisionEvent::CleanUpBegun => self.phase = Phase::CleaningUp,
            ProvisionEvent::Removing { step, operation } => {
                self.steps.insert(*step, StepState::Removing(operation.clone()));
            }
            ProvisionEvent::Removed { step } => {
                self.steps.insert(*step, StepState::Removed);
            }
            ProvisionEvent::CleanedUp { kept } => {
                self.phase = Phase::CleanedUp;
                self.kept.clone_from(kept);
            }
            ProvisionEvent::Finished { address, warning } => {
                self.phase = Phase::Finished;
                self.address.clone_from(address);
                self.warning.clone_from(warning);
            }
        }
    }

    /// Whether nothing is left to do. A failure whose remains are to be kept is left to the caller.
    pub(super) fn is_at_rest(&self) -> bool {
        match self.phase {
            Phase::Empty | Phase::CleanedUp | Phase::Finished => true,
            Phase::Failed => self.plan.as_ref().is_some_and(|plan| plan.spec.on_failure == OnFailure::Keep),
            Phase::Building | Phase::CleaningUp => false,
        }
    }

    pub(super) fn is_complete(&self, step: Step) -> bool {
        matches!(self.steps.get(&step), Some(StepState::Complete { .. }))
    }

    /// Whether a step may have created something that is still there.
    pub(super) fn may_exist(&self, step: Step) -> bool {
        !matches!(self.steps.get(&step), None | Some(StepState::Complete { created: false } | StepState::Removed))
    }
}
