//! The state of a provisioning: what its events add up to.

use std::collections::BTreeMap;

use azconnect_core::Diagnosis;
use azconnect_saga::IllegalEvent;
use serde::{Deserialize, Serialize};

use super::event::{ProvisionEvent, Step};
use super::members::Members;
use super::operation::{Numbers, OperationRecord};
use super::part::Part;
use super::plan::ProvisionPlan;
use crate::spec::OnFailure;

/// The state of one step's resource.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StepState {
    /// The intent is journalled; the write may or may not have reached the service.
    Intended,
    /// The service accepted the write and is creating the resource.
    Accepted(OperationRecord),
    /// The resource exists, or none was wanted.
    Complete {
        /// Whether this provisioning created it.
        created: bool,
    },
    /// The service is deleting the resource.
    Removing(OperationRecord),
    /// The resource is gone.
    Removed,
}

/// The phase of a provisioning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// Nothing was planned.
    #[default]
    Empty,
    /// The machine is being built.
    Building,
    /// A step failed, and what was created is still there.
    Failed,
    /// What was created is being deleted.
    CleaningUp,
    /// What was created is gone.
    CleanedUp,
    /// The machine runs.
    Finished,
}

/// The state of a provisioning, as its journal tells it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ProvisionState {
    /// The plan that is built, once a provisioning has begun.
    pub plan: Option<ProvisionPlan>,
    /// The public key, once the private one is sealed.
    pub public_key: Option<String>,
    /// The fingerprint of the public key, such as `SHA256:…`.
    pub fingerprint: Option<String>,
    /// Whether the password of a Windows machine is sealed.
    pub password_sealed: bool,
    /// The name of that password, [`AdminPassword::id`](crate::AdminPassword::id).
    pub password_id: String,
    /// The state of each step that has begun.
    pub steps: BTreeMap<Step, StepState>,
    /// The position in the plan of the placement that is tried.
    pub placement: usize,
    /// Whether what is left of the machine at the last placement must be deleted first.
    pub clearing: bool,
    /// The phase that the provisioning is in.
    pub phase: Phase,
    /// The step that failed last, and why.
    pub failure: Option<(Step, Diagnosis)>,
    /// The public address of the machine, once it is finished.
    pub address: Option<String>,
    /// The public address of IPv6, if it has one, once it is finished.
    pub ipv6: Option<String>,
    /// The name of the public address, if it was given a label, once it is finished.
    pub fqdn: Option<String>,
    /// A sentence on what went wrong without making it fail, once it is finished.
    pub warning: Option<String>,
    /// A sentence on what a clean-up left and why.
    pub kept: Option<String>,
    /// How often the extension failed for good: each try after that is a new one.
    pub(super) extension_failures: u32,
    /// The machines that stand on it, where it is a fleet's foundation.
    pub(super) members: Members,
    /// The numbers of each step's operations.
    pub(super) numbers: BTreeMap<Step, Numbers>,
}

impl ProvisionState {
    /// The state that events add up to, from the first one on.
    ///
    /// # Errors
    /// [`IllegalEvent`] for an event that cannot follow.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a ProvisionEvent>) -> Result<Self, IllegalEvent> {
        events.into_iter().try_fold(Self::default(), Self::evolve)
    }

    /// The state after an event.
    ///
    /// # Errors
    /// [`IllegalEvent`] for an event that cannot follow. In a journal, it means that the journal is not ours or was
    /// changed.
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
                let mut numbers = std::mem::take(&mut self.numbers);
                numbers.values_mut().for_each(Numbers::begin_anew);
                *self = Self { plan: Some((**plan).clone()), phase: Phase::Building, numbers, ..Self::default() };
            }
            ProvisionEvent::KeySealed { public, fingerprint } => {
                self.public_key = Some(public.clone());
                self.fingerprint = Some(fingerprint.clone());
            }
            ProvisionEvent::PasswordSealed { password } => {
                self.password_sealed = true;
                self.password_id.clone_from(password);
            }
            ProvisionEvent::Intended { step } => {
                self.steps.insert(*step, StepState::Intended);
            }
            ProvisionEvent::Accepted { step, operation } => {
                self.numbers.entry(*step).or_default().take_in(operation);
                self.steps.insert(*step, StepState::Accepted(operation.clone()));
            }
            ProvisionEvent::Completed { step, created } => {
                self.steps.insert(*step, StepState::Complete { created: *created });
            }
            ProvisionEvent::FellBack { placement, .. } => {
                self.placement = *placement;
                self.clearing = true;
                // The failed machine may have left something: a clean-up must look for it.
                self.steps.insert(Step::Machine, StepState::Intended);
            }
            ProvisionEvent::Cleared => {
                self.clearing = false;
                // The service deletes the network interface and the public address with a machine: they are written
                // again.
                for step in [Step::Interface, Step::PublicIp, Step::PublicIpv6] {
                    if self.steps.get(&step) == Some(&(StepState::Complete { created: true })) {
                        self.steps.insert(step, StepState::Intended);
                    }
                }
            }
            ProvisionEvent::MemberAdded { plan } => self.members.add((**plan).clone()),
            ProvisionEvent::MemberRemoved { member } => self.members.remove(member),
            ProvisionEvent::MembersSettled => self.members.settle(),
            ProvisionEvent::Failed { step, diagnosis } => {
                self.phase = Phase::Failed;
                self.extension_failures = self.extension_failures.saturating_add(u32::from(*step == Step::Extension));
                self.failure = Some((*step, diagnosis.clone()));
            }
            ProvisionEvent::CleanUpBegun => {
                if self.phase != Phase::Finished {
                    // No machine is begun before its foundation stands.
                    self.members.remove_all();
                }
                self.phase = Phase::CleaningUp;
            }
            ProvisionEvent::Removing { step, operation } => {
                self.numbers.entry(*step).or_default().take_in(operation);
                self.steps.insert(*step, StepState::Removing(operation.clone()));
            }
            ProvisionEvent::Removed { step } => {
                self.steps.insert(*step, StepState::Removed);
            }
            ProvisionEvent::CleanedUp { kept } => {
                self.phase = Phase::CleanedUp;
                self.kept.clone_from(kept);
            }
            ProvisionEvent::Finished { address, ipv6, fqdn, warning } => {
                self.ipv6.clone_from(ipv6);
                self.fqdn.clone_from(fqdn);
                self.phase = Phase::Finished;
                self.address.clone_from(address);
                self.warning.clone_from(warning);
            }
        }
    }

    /// Whether nothing is left to do. A failure whose remains are kept counts so, since the caller decides what
    /// follows.
    pub(super) fn is_at_rest(&self) -> bool {
        match self.phase {
            Phase::Empty | Phase::CleanedUp => true,
            Phase::Finished => self.members.are_settled(),
            Phase::Failed => self.is_kept(),
            Phase::Building | Phase::CleaningUp => false,
        }
    }

    /// Whether what was created stays although a step failed.
    pub(super) fn is_kept(&self) -> bool {
        let failed = self.plan.as_ref().zip(self.failure.as_ref());
        failed.is_some_and(|(plan, (step, _))| plan.after_failure_of(*step) == OnFailure::Keep)
    }

    pub(super) fn is_complete(&self, step: Step) -> bool {
        matches!(self.steps.get(&step), Some(StepState::Complete { .. })) || !self.wants(step)
    }

    /// Whether a step is part of what is built. Most that have nothing to create are journalled as that; a machine without IPv6
    /// is built as before there was any.
    pub(super) fn wants(&self, step: Step) -> bool {
        step != Step::PublicIpv6 || self.plan.as_ref().is_some_and(|plan| plan.spec.has_public_ipv6())
    }

    /// How much of its plan's specification is built.
    pub(super) fn part(&self) -> Part {
        self.plan.as_ref().map(|plan| plan.part).unwrap_or_default()
    }

    /// Whether a step may have created something that is still there.
    pub(super) fn may_exist(&self, step: Step) -> bool {
        !matches!(self.steps.get(&step), None | Some(StepState::Complete { created: false } | StepState::Removed))
    }
}
