//! What a setup does next: a pure function of its state.

use crate::part::Part;
use crate::state::{PartStanding, SetupPhase, SetupState, may_be_ours};

/// The next thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Find the application, or register it.
    Register,
    /// See to it that a part stands.
    Give(Part),
    /// Mint a secret and seal it.
    Mint,
    /// Look once more for what abandoned mints left.
    Sweep,
    /// Try it out.
    Prove,
    /// Record that all of it stands.
    Finish,
    /// Find what a registration whose outcome is not known left.
    SettleRegistration,
    /// Take a part back.
    Take(Part),
    /// Take the application back.
    Unregister,
    /// Record that it was taken back.
    Close,
    /// Nothing.
    Rest,
}

pub(crate) fn decide(state: &SetupState) -> Action {
    match state.phase {
        SetupPhase::Running => forward(state),
        SetupPhase::Undoing => back(state),
        SetupPhase::Empty | SetupPhase::Done | SetupPhase::Undone => Action::Rest,
    }
}

fn forward(state: &SetupState) -> Action {
    if state.registration.is_none() {
        return Action::Register;
    }
    let is_open = |standing: &PartStanding| matches!(standing, PartStanding::Open | PartStanding::Intended);
    match state.parts.iter().find(|(_, standing)| is_open(standing)) {
        Some((Part::Secret { .. }, _)) => Action::Mint,
        Some((part, _)) => Action::Give(part.clone()),
        None if state.proof.is_none() => Action::Prove,
        // Last, when the most time has passed: what was listed late is listed now.
        None if !state.abandoned.is_empty() && !state.swept => Action::Sweep,
        None => Action::Finish,
    }
}

fn back(state: &SetupState) -> Action {
    let Some(registration) = state.registration else {
        return match (state.registration_intended, &state.application_taken) {
            (true, None) => Action::SettleRegistration,
            _ => Action::Close,
        };
    };
    // What is open of a mint counts as abandoned: it is looked for by its marker.
    let unswept = state.mint.as_ref().is_some_and(|mint| mint.key.is_none()) || !state.abandoned.is_empty();
    if unswept && !state.swept {
        return Action::Sweep;
    }
    let deleted_with_it = |part: &Part| registration.made && part.goes_with_application();
    let takeable = |(part, standing): &&(Part, PartStanding)| may_be_ours(standing) && !deleted_with_it(part);
    if let Some((part, _)) = state.parts.iter().rev().find(takeable) {
        return Action::Take(part.clone());
    }
    if registration.made && state.application_taken.is_none() {
        return Action::Unregister;
    }
    Action::Close
}

#[cfg(test)]
mod tests {
    use azconnect_credential::Marker;
    use time::OffsetDateTime;

    use super::*;
    use crate::event::{Proof, SetupEvent};
    use crate::spec::{SetupSpec, SubscriptionAccess};

    fn after(events: &[SetupEvent]) -> SetupState {
        let access = SubscriptionAccess::new("20000000-0000-4000-8000-000000000001".parse().unwrap());
        let spec =
            SetupSpec::new("6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap(), "Contoso").with_access(access);
        let begun = SetupEvent::Begun { spec: Box::new(spec), marker: Marker::new("m").unwrap() };
        [begun]
            .iter()
            .chain(events)
            .fold(SetupState::default(), |state, event| state.evolve(event, OffsetDateTime::UNIX_EPOCH).unwrap())
    }

    fn registered(made: bool) -> SetupEvent {
        let id = "20000000-0000-4000-8000-000000000002";
        SetupEvent::Registered { object: id.parse().unwrap(), client: id.parse().unwrap(), made }
    }

    #[test]
    fn the_steps_come_in_their_order_and_go_in_reverse() {
        let mut events = vec![SetupEvent::RegistrationIntended, registered(true)];
        assert_eq!(decide(&after(&events[..1])), Action::Register);
        assert_eq!(decide(&after(&events)), Action::Give(Part::Principal));
        events.push(SetupEvent::PartIntended { part: Part::Principal });
        assert_eq!(decide(&after(&events)), Action::Give(Part::Principal));
        events.push(SetupEvent::PartStands { part: Part::Principal, made: true, principal: None });
        assert_eq!(decide(&after(&events)), Action::Mint);
        let at = OffsetDateTime::UNIX_EPOCH;
        let (marker, secret) = (Marker::new("s").unwrap(), "setup/a/s".parse().unwrap());
        events.push(SetupEvent::MintIntended { marker, secret, ends_at: at });
        events.push(SetupEvent::Minted { key: "20000000-0000-4000-8000-000000000003".parse().unwrap(), ends_at: at });
        let Action::Give(role @ Part::Role { .. }) = decide(&after(&events)) else { panic!() };
        events.push(SetupEvent::PartIntended { part: role.clone() });
        events.push(SetupEvent::PartStands { part: role.clone(), made: true, principal: None });
        assert_eq!(decide(&after(&events)), Action::Prove);
        events.push(SetupEvent::Proven { proof: Proof::SignedIn });
        assert_eq!(decide(&after(&events)), Action::Finish);
        events.push(SetupEvent::Finished);
        assert_eq!(decide(&after(&events)), Action::Rest);

        events.push(SetupEvent::UndoBegun);
        assert_eq!(decide(&after(&events)), Action::Take(role.clone()));
        events.push(SetupEvent::PartTaken { part: role, left: None });
        let Action::Take(secret @ Part::Secret { .. }) = decide(&after(&events)) else { panic!() };
        events.push(SetupEvent::PartTaken { part: secret, left: None });
        assert_eq!(decide(&after(&events)), Action::Unregister, "the service principal goes with its application");
        events.push(SetupEvent::ApplicationTaken { left: None });
        assert_eq!(decide(&after(&events)), Action::Close);
    }

    #[test]
    fn an_application_that_was_there_before_is_never_taken() {
        let events = [registered(false), SetupEvent::UndoBegun];
        assert_eq!(decide(&after(&events)), Action::Close);
        let nothing = [SetupEvent::UndoBegun];
        assert_eq!(decide(&after(&nothing)), Action::Close);
        let lost = [SetupEvent::RegistrationIntended, SetupEvent::UndoBegun];
        assert_eq!(decide(&after(&lost)), Action::SettleRegistration);
    }
}
