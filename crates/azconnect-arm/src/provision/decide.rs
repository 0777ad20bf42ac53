//! What to do next: a pure function of the state.

use super::event::Step;
use super::part::Part;
use super::plan::ProvisionPlan;
use super::state::{Phase, ProvisionState};

/// The next action of a provisioning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Seal the key pair, which is made by then.
    SealKey,
    /// Create these, all at the same time: none needs another.
    Create(Vec<Step>),
    /// Delete what is left of the machine at the last placement, which lacked capacity.
    Clear,
    /// Journal that the machine runs.
    Finish,
    /// Wait until the machines that stand on this foundation are gone.
    AwaitMembers,
    /// Delete these, all at the same time: none holds another.
    Remove(Vec<Step>),
    /// Journal that everything is gone.
    CloseCleanUp,
    /// Do nothing: the provisioning is finished, cleaned up, or was never begun.
    Rest,
}

/// Decides on the next action. To resume after a crash is to decide again from the journalled state.
pub(super) fn decide(state: &ProvisionState) -> Action {
    match state.phase {
        Phase::Building | Phase::Failed => build(state),
        Phase::CleaningUp => clean_up(state),
        Phase::Empty | Phase::CleanedUp | Phase::Finished => Action::Rest,
    }
}

fn build(state: &ProvisionState) -> Action {
    // Before anything is created, so that a store that takes nothing shows first. A key that takes long is made meanwhile.
    let part = state.part();
    let is_slow = state.plan.as_ref().is_some_and(ProvisionPlan::makes_key_slowly);
    // A foundation has no machine to sign in to.
    let is_sealed = state.is_sealed() || part == Part::Foundation;
    if !is_sealed && !is_slow {
        return Action::SealKey;
    }
    if state.clearing {
        return Action::Clear;
    }
    let ready: Vec<Step> = part
        .steps()
        .iter()
        .copied()
        .filter(|step| !state.is_complete(*step))
        .filter(|step| step.needs().iter().all(|need| state.is_complete(*need)))
        // Sealed before the machine is asked for: a crash must never leave a machine whose key is lost.
        .filter(|step| *step != Step::Machine || is_sealed)
        .collect();
    match ready.is_empty() {
        false => Action::Create(ready),
        true if is_sealed => Action::Finish,
        true => Action::SealKey,
    }
}

fn clean_up(state: &ProvisionState) -> Action {
    if state.members.standing().next().is_some() {
        return Action::AwaitMembers;
    }
    let ready: Vec<Step> = Step::ALL
        .into_iter()
        .filter(|step| state.may_exist(*step))
        .filter(|step| step.removed_after().is_some_and(|first| first.iter().all(|step| !state.may_exist(*step))))
        .collect();
    if ready.is_empty() { Action::CloseCleanUp } else { Action::Remove(ready) }
}

#[cfg(test)]
mod tests {
    use super::super::event::ProvisionEvent;
    use super::super::id::ProvisionId;
    use super::super::state::StepState;
    use super::*;
    use crate::key::KeyKind;
    use crate::spec::{GroupChoice, VmSpec};
    use azconnect_core::ResourceGroupName;
    use proptest::prelude::*;

    fn building() -> ProvisionState {
        let mut state = ProvisionState { phase: Phase::Building, ..ProvisionState::default() };
        happen(&mut state, &ProvisionEvent::KeySealed { public: "p".into(), fingerprint: "f".into() });
        state
    }

    fn happen(state: &mut ProvisionState, event: &ProvisionEvent) {
        *state = state.clone().evolve(event).unwrap();
    }

    fn complete(state: &mut ProvisionState, step: Step, created: bool) {
        happen(state, &ProvisionEvent::Completed { step, created });
    }

    #[test]
    fn the_key_comes_first_and_the_network_s_parts_at_once() {
        assert_eq!(decide(&ProvisionState { phase: Phase::Building, ..ProvisionState::default() }), Action::SealKey);
        let mut state = building();
        assert_eq!(decide(&state), Action::Create(vec![Step::Group]));
        complete(&mut state, Step::Group, true);
        assert_eq!(decide(&state), Action::Create(vec![Step::SecurityGroup, Step::Network, Step::PublicIp]));
        complete(&mut state, Step::Network, true);
        assert_eq!(decide(&state), Action::Create(vec![Step::SecurityGroup, Step::PublicIp]));
    }

    #[test]
    fn a_key_that_takes_long_is_awaited_by_the_machine_alone() {
        let group = GroupChoice::Create(ResourceGroupName::new("rg").unwrap());
        let image = "Ubuntu2404".parse().unwrap();
        let spec = VmSpec::new("web", "westeurope", "Standard_B2s", image, group).unwrap();
        let of = |spec: VmSpec| {
            let subscription = "20000000-0000-4000-8000-000000000001".parse().unwrap();
            let plan = ProvisionPlan::new(ProvisionId::new("web").unwrap(), subscription, spec).unwrap();
            ProvisionState { phase: Phase::Building, plan: Some(plan), ..ProvisionState::default() }
        };
        let slow = spec.clone().with_admin("azureuser", KeyKind::Rsa4096);
        let own = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB5nGYN0qJvDR4RwXSSVKq6zQKvVHJ9pJ6TQ9Y5S5v1L";
        assert_eq!(decide(&of(spec)), Action::SealKey);
        assert_eq!(decide(&of(slow.clone().with_public_key(own))), Action::SealKey, "none is made");
        let mut state = of(slow);
        assert_eq!(decide(&state), Action::Create(vec![Step::Group]));
        for step in [Step::Group, Step::SecurityGroup, Step::Network, Step::PublicIp, Step::Interface] {
            complete(&mut state, step, true);
        }
        assert_eq!(decide(&state), Action::SealKey);
        happen(&mut state, &ProvisionEvent::KeySealed { public: "p".into(), fingerprint: "f".into() });
        assert_eq!(decide(&state), Action::Create(vec![Step::Machine]));
    }

    #[test]
    fn falling_back_clears_before_it_creates() {
        let mut state = building();
        for step in [Step::Group, Step::SecurityGroup, Step::Network, Step::PublicIp, Step::Interface] {
            complete(&mut state, step, true);
        }
        happen(&mut state, &ProvisionEvent::Intended { step: Step::Machine });
        happen(&mut state, &ProvisionEvent::FellBack { code: "AllocationFailed".into(), placement: 1 });
        assert_eq!(decide(&state), Action::Clear);
        happen(&mut state, &ProvisionEvent::Cleared);
        assert_eq!(decide(&state), Action::Create(vec![Step::PublicIp]), "it went with the machine");
        complete(&mut state, Step::PublicIp, true);
        assert_eq!(decide(&state), Action::Create(vec![Step::Interface]));
        complete(&mut state, Step::Interface, true);
        assert_eq!(decide(&state), Action::Create(vec![Step::Machine]));
        assert_eq!(state.placement, 1);
    }

    #[test]
    fn removal_goes_the_other_way_and_spares_what_is_not_ours() {
        let mut state = building();
        complete(&mut state, Step::Group, false);
        for step in [Step::SecurityGroup, Step::Network, Step::PublicIp, Step::Interface] {
            complete(&mut state, step, true);
        }
        happen(&mut state, &ProvisionEvent::Intended { step: Step::Machine });
        happen(&mut state, &ProvisionEvent::CleanUpBegun);
        assert_eq!(decide(&state), Action::Remove(vec![Step::Machine]));
        happen(&mut state, &ProvisionEvent::Removed { step: Step::Machine });
        assert_eq!(decide(&state), Action::Remove(vec![Step::Interface]));
        happen(&mut state, &ProvisionEvent::Removed { step: Step::Interface });
        assert_eq!(decide(&state), Action::Remove(vec![Step::SecurityGroup, Step::Network, Step::PublicIp]));
        for step in [Step::SecurityGroup, Step::Network, Step::PublicIp] {
            happen(&mut state, &ProvisionEvent::Removed { step });
        }
        assert_eq!(decide(&state), Action::CloseCleanUp, "the group was there before");
    }

    fn step_state() -> impl Strategy<Value = Option<StepState>> {
        prop_oneof![
            Just(None),
            Just(Some(StepState::Intended)),
            any::<bool>().prop_map(|created| Some(StepState::Complete { created })),
            Just(Some(StepState::Removed)),
        ]
    }

    proptest! {
        /// From any state, deciding and doing ends, with nothing of ours left.
        #[test]
        fn clean_up_ends_with_nothing_left(states in prop::collection::vec(step_state(), 9)) {
            let mut state = building();
            for (step, at) in Step::ALL.into_iter().zip(states) {
                at.map(|at| state.steps.insert(step, at));
            }
            happen(&mut state, &ProvisionEvent::CleanUpBegun);
            for _ in 0..8 {
                if let Action::Remove(steps) = decide(&state) {
                    let foreign = StepState::Complete { created: false };
                    let spared = steps.iter().all(|step| state.steps.get(step) != Some(&foreign));
                    prop_assert!(spared);
                    steps.into_iter().for_each(|step| happen(&mut state, &ProvisionEvent::Removed { step }));
                }
            }
            prop_assert_eq!(decide(&state), Action::CloseCleanUp);
        }
    }
}
