//! Which events may follow in which state of a provisioning.

use super::event::{ProvisionEvent, Step};
use super::operation::OperationRecord;
use super::part::Part;
use super::state::{Phase, ProvisionState, StepState};

/// Why the state forbids an event, in a few words, such as `the machine runs`.
type Forbidding = String;

impl ProvisionState {
    /// Checks that an event may follow. Every event that this version writes passes. One that does not means that the
    /// journal is damaged, or that a defect of this crate was about to become durable.
    pub(super) fn admit(&self, event: &ProvisionEvent) -> Result<(), Forbidding> {
        match event {
            ProvisionEvent::Planned { .. } => {
                require(matches!(self.phase, Phase::Empty | Phase::CleanedUp), || "another machine is there".to_owned())
            }
            ProvisionEvent::KeySealed { .. } | ProvisionEvent::PasswordSealed { .. } => {
                self.require_building()?;
                require(!self.is_sealed(), || "a key is sealed already".to_owned())
            }
            ProvisionEvent::Intended { step } => {
                self.require_open(*step)?;
                require(self.part().steps().contains(step), || format!("a foundation has no {}", step.name()))?;
                // Each way to a machine writes one whose key is sealed.
                let has_key = *step != Step::Machine || self.is_sealed();
                require(has_key, || "no key is sealed".to_owned())?;
                let missing = step.needs().iter().find(|need| !self.is_complete(**need));
                missing.map_or(Ok(()), |need| Err(format!("the {} is not complete", need.name())))
            }
            ProvisionEvent::Accepted { step, operation } => {
                self.require_written(*step)?;
                self.require_next_number(*step, operation)
            }
            // A group that holds what others put there is found to be no longer ours while it is cleaned up.
            ProvisionEvent::Completed { step: Step::Group, created: false } if self.phase == Phase::CleaningUp => {
                self.require_removable(Step::Group)
            }
            ProvisionEvent::Completed { step, .. } => self.require_open(*step),
            ProvisionEvent::FellBack { placement, .. } => {
                self.require_written(Step::Machine)?;
                require(*placement == self.placement + 1, || format!("placement {} is tried", self.placement))
            }
            ProvisionEvent::Cleared => {
                self.require_building()?;
                require(self.clearing, || "nothing is being cleared".to_owned())
            }
            ProvisionEvent::MemberAdded { plan } => {
                let is_open = self.is_building() || self.phase == Phase::Finished;
                require(self.part() == Part::Foundation && is_open, || self.phase_in_words())?;
                require(!self.members.stands(&plan.id), || "the machine is a member already".to_owned())
            }
            ProvisionEvent::MemberRemoved { member } => {
                require(self.members.stands(member), || "there is no such machine".to_owned())
            }
            ProvisionEvent::MembersSettled => {
                require(!self.members.are_settled(), || "no machine was added".to_owned())
            }
            ProvisionEvent::Failed { .. } => self.require_building(),
            ProvisionEvent::CleanUpBegun => {
                require(self.is_building() || self.phase == Phase::Finished, || self.phase_in_words())
            }
            ProvisionEvent::Removing { step, operation } => {
                self.require_removable(*step)?;
                self.require_next_number(*step, operation)
            }
            ProvisionEvent::Removed { step } => self.require_removable(*step),
            ProvisionEvent::CleanedUp { .. } => {
                self.require_cleaning_up()?;
                require(self.members.standing().next().is_none(), || "machines stand on it".to_owned())?;
                let goes_by_itself = |step: &Step| step.removed_after().is_none();
                let left = Step::ALL.into_iter().find(|step| self.may_exist(*step) && !goes_by_itself(step));
                left.map_or(Ok(()), |step| Err(format!("the {} may still be there", step.name())))
            }
            ProvisionEvent::Finished { .. } => {
                self.require_building()?;
                let missing = self.part().steps().iter().find(|step| !self.is_complete(**step));
                missing.map_or(Ok(()), |step| Err(format!("the {} is not complete", step.name())))
            }
        }
    }

    /// Whether the machine is being built. After a failure whose remains were kept, building may go on.
    fn is_building(&self) -> bool {
        matches!(self.phase, Phase::Building | Phase::Failed)
    }

    fn require_building(&self) -> Result<(), Forbidding> {
        require(self.is_building(), || self.phase_in_words())
    }

    fn require_cleaning_up(&self) -> Result<(), Forbidding> {
        require(self.phase == Phase::CleaningUp, || self.phase_in_words())
    }

    /// Requires a step that is neither complete nor being removed.
    fn require_open(&self, step: Step) -> Result<(), Forbidding> {
        self.require_building()?;
        require(self.wants(step), || format!("it has no {}", step.name()))?;
        let open = matches!(self.steps.get(&step), None | Some(StepState::Intended | StepState::Accepted(_)));
        require(open, || format!("the {} is complete", step.name()))
    }

    /// Requires a step whose intent is recorded and whose end is not.
    fn require_written(&self, step: Step) -> Result<(), Forbidding> {
        self.require_building()?;
        let written = matches!(self.steps.get(&step), Some(StepState::Intended | StepState::Accepted(_)));
        require(written, || format!("the {} was not about to be written", step.name()))
    }

    fn require_removable(&self, step: Step) -> Result<(), Forbidding> {
        self.require_cleaning_up()?;
        require(self.members.standing().next().is_none(), || "machines stand on it".to_owned())?;
        require(self.may_exist(step), || format!("there is no {} of ours", step.name()))
    }

    fn require_next_number(&self, step: Step, operation: &OperationRecord) -> Result<(), Forbidding> {
        require(self.numbers(step).admits(operation), || format!("another operation of the {} is next", step.name()))
    }

    fn phase_in_words(&self) -> String {
        match self.phase {
            Phase::Empty => "nothing was planned",
            Phase::Building => "the machine is being built",
            Phase::Finished if !self.part().is_machine() => "the foundation stands",
            Phase::Failed => "it failed, and what was created is still there",
            Phase::CleaningUp => "what was created is being deleted",
            Phase::CleanedUp => "what was created is gone",
            Phase::Finished => "the machine runs",
        }
        .to_owned()
    }
}

fn require(holds: bool, otherwise: impl FnOnce() -> Forbidding) -> Result<(), Forbidding> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

#[cfg(test)]
mod tests {
    use azconnect_core::ResourceGroupName;

    use super::super::fleet::FleetPlan;
    use super::super::id::ProvisionId;
    use super::super::plan::ProvisionPlan;
    use super::*;
    use crate::spec::{FleetSpec, GroupChoice, VmSpec};

    fn after(events: &[ProvisionEvent]) -> ProvisionState {
        let building = ProvisionState { phase: Phase::Building, ..ProvisionState::default() };
        events.iter().fold(building, |state, event| state.evolve(event).unwrap())
    }

    #[track_caller]
    fn refused(state: ProvisionState, event: &ProvisionEvent, why: &str) {
        let illegal = state.evolve(event).unwrap_err();
        assert_eq!((illegal.event, illegal.state.as_str()), (event.name(), why));
    }

    #[test]
    fn nothing_follows_before_a_plan() {
        for event in [ProvisionEvent::Cleared, ProvisionEvent::CleanUpBegun] {
            refused(ProvisionState::default(), &event, "nothing was planned");
        }
    }

    #[test]
    fn nothing_is_written_before_what_it_needs() {
        let event = ProvisionEvent::Intended { step: Step::Network };
        refused(after(&[]), &event, "the resource group is not complete");
    }

    #[test]
    fn no_machine_is_written_before_its_key_is_sealed() {
        let complete = |step| ProvisionEvent::Completed { step, created: true };
        let events = [Step::Group, Step::SecurityGroup, Step::Network, Step::PublicIp, Step::Interface].map(complete);
        let machine = ProvisionEvent::Intended { step: Step::Machine };
        refused(after(&events), &machine, "no key is sealed");
        let sealed = ProvisionEvent::KeySealed { public: "p".into(), fingerprint: "f".into() };
        after(&events).evolve(&sealed).unwrap().evolve(&machine).unwrap();
    }

    fn fleet() -> [ProvisionPlan; 2] {
        let group = GroupChoice::Create(ResourceGroupName::new("rg").unwrap());
        let spec = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap();
        let subscription = "20000000-0000-4000-8000-000000000001".parse().unwrap();
        let plan = FleetPlan::new(ProvisionId::new("shop").unwrap(), subscription, FleetSpec::of(&spec, 1)).unwrap();
        [plan.foundation, plan.machines.into_iter().next().unwrap()]
    }

    #[test]
    fn nothing_of_a_foundation_is_removed_while_a_machine_stands() {
        let [foundation, machine] = fleet();
        let member = machine.id.clone();
        let state = after(&[]).evolve(&ProvisionEvent::MemberAdded { plan: Box::new(machine.clone()) });
        assert!(state.is_err(), "a machine has no machines of its own");
        let planned = ProvisionEvent::Planned { plan: Box::new(foundation) };
        let complete = |step| ProvisionEvent::Completed { step, created: true };
        let added = ProvisionEvent::MemberAdded { plan: Box::new(machine) };
        let finished = ProvisionEvent::Finished { address: None, ipv6: None, fqdn: None, warning: None };
        let [group, rules, network] = [Step::Group, Step::SecurityGroup, Step::Network].map(complete);
        let stands = [planned, added.clone(), group, rules, network, finished, ProvisionEvent::CleanUpBegun];
        let state = ProvisionState::of(&stands).unwrap();
        let removed = ProvisionEvent::Removed { step: Step::Network };
        refused(state.clone(), &removed, "machines stand on it");
        refused(state.clone(), &ProvisionEvent::CleanedUp { kept: None }, "machines stand on it");
        refused(state.clone(), &added, "what was created is being deleted");
        let gone = state.evolve(&ProvisionEvent::MemberRemoved { member: member.clone() }).unwrap();
        gone.clone().evolve(&removed).unwrap();
        refused(gone, &ProvisionEvent::MemberRemoved { member }, "there is no such machine");
        // Before the foundation stood, no machine was begun.
        let failed = ProvisionState::of(stands[..3].iter().chain(&stands[6..])).unwrap();
        failed.evolve(&ProvisionEvent::Removed { step: Step::Group }).unwrap();
        let interface = ProvisionEvent::Intended { step: Step::Interface };
        refused(ProvisionState::of(&stands[..5]).unwrap(), &interface, "a foundation has no network interface");
    }

    // A clean-up would look for an address without a name, for ever.
    #[test]
    fn an_address_of_ipv6_is_none_of_a_machine_without_it() {
        let mut state = ProvisionState { phase: Phase::Building, ..ProvisionState::default() };
        state = state.evolve(&ProvisionEvent::KeySealed { public: "p".into(), fingerprint: "f".into() }).unwrap();
        state = state.evolve(&ProvisionEvent::Completed { step: Step::Group, created: true }).unwrap();
        for event in [
            ProvisionEvent::Intended { step: Step::PublicIpv6 },
            ProvisionEvent::Completed { step: Step::PublicIpv6, created: true },
        ] {
            assert!(state.clone().evolve(&event).is_err(), "{event:?}");
        }
    }

    #[test]
    fn what_is_complete_is_not_written_again() {
        let complete = ProvisionEvent::Completed { step: Step::Group, created: true };
        let state = after(std::slice::from_ref(&complete));
        refused(state.clone(), &ProvisionEvent::Intended { step: Step::Group }, "the resource group is complete");
        refused(state, &complete, "the resource group is complete");
    }

    #[test]
    fn what_we_did_not_create_is_not_removed() {
        let events = [ProvisionEvent::Completed { step: Step::Group, created: false }, ProvisionEvent::CleanUpBegun];
        let removed = ProvisionEvent::Removed { step: Step::Group };
        refused(after(&events), &removed, "there is no resource group of ours");
        refused(after(&events[..1]), &removed, "the machine is being built");
    }

    #[test]
    fn a_clean_up_does_not_end_before_everything_is_gone() {
        let events = [ProvisionEvent::Completed { step: Step::Group, created: true }, ProvisionEvent::CleanUpBegun];
        let end = ProvisionEvent::CleanedUp { kept: None };
        refused(after(&events), &end, "the resource group may still be there");
    }

    #[test]
    fn a_placement_is_not_left_twice() {
        let events = [ProvisionEvent::FellBack { code: "c".into(), placement: 1 }];
        refused(after(&[]), &events[0], "the virtual machine was not about to be written");
    }

    #[test]
    fn a_machine_does_not_run_before_every_step_is_complete() {
        let end = ProvisionEvent::Finished { address: None, ipv6: None, fqdn: None, warning: None };
        refused(after(&[]), &end, "the resource group is not complete");
    }
}
