//! The way back: the old secret is proved and given back, its holders are proved, and only then the new one goes.

use time::OffsetDateTime;

use super::forward::{due, next_of, old_secret};
use super::{
    Action, CLEARANCE_KEEPS, Course, PROOF_KEEPS, Problem, RemovalCause, Rotation, RotationEvent, RotationState,
    STRAGGLER, SinkProgress, Step, Trial, WaitingFor, act, is_fresh, record, step as step_at,
};
use crate::moment::later;
use crate::state::NewKey;

/// Whether the new secret may be removed.
pub(super) enum Clearance {
    /// Nobody holds it, as was proved just now; or nobody was ever given it.
    Given,
    /// This comes first.
    Asked(Step),
    /// Somebody may hold it.
    Withheld,
}

pub(super) fn step(
    state: &RotationState,
    rotation: &Rotation,
    new: &NewKey,
    old: &Trial,
    now: OffsetDateTime,
) -> Option<Step> {
    let holders: Vec<_> = rotation.sinks.iter().filter(|sink| sink.may_hold_new()).collect();
    if holders.is_empty() {
        return remove_step(state, rotation, new, now);
    }
    let failed = holders.iter().find(|sink| sink.is_exhausted_back(rotation));
    let Some(sealed) = old_secret(state, rotation, now).filter(|_| failed.is_none()) else {
        let problem = failed.and_then(|sink| sink.named_problem()).unwrap_or_else(no_old_secret);
        return Some(record(now, RotationEvent::Blocked { problem }));
    };
    if !is_fresh(old.passed_at, PROOF_KEEPS, now) {
        if let Some(problem) = old.given_up(&rotation.policy, rotation.policy.proof_timeout) {
            return Some(record(now, RotationEvent::Blocked { problem: problem.clone() }));
        }
        let at = old.retry_at.unwrap_or(now);
        return Some(step_at(at, Action::ProveOld { sealed }, WaitingFor::Issuer).after(old.problem.as_ref()));
    }
    let sinks = due(holders.iter().copied(), now);
    if sinks.is_empty() {
        return Some(next_of(holders.into_iter(), Action::Restore { sinks, sealed }, now));
    }
    Some(act(now, Action::Restore { sinks, sealed }))
}

fn remove_step(state: &RotationState, rotation: &Rotation, new: &NewKey, now: OffsetDateTime) -> Option<Step> {
    if state.removals.contains_key(&new.key) {
        // `removal_step` goes on with it.
        return None;
    }
    if !state.ledger.contains_key(&new.key) {
        let Course::Back { problem, .. } = &rotation.course else { return None };
        return Some(record(now, RotationEvent::RolledBack { problem: problem.clone() }));
    }
    match clearance(state, rotation, now) {
        Clearance::Given => {
            let (key, cause) = (new.key, RemovalCause::RolledBack);
            Some(record(now, RotationEvent::RemovalIntended { key, cause, marker: None, holder: None }))
        }
        Clearance::Asked(step) => Some(step),
        Clearance::Withheld => None,
    }
}

/// Whether the new secret may be removed: nobody was given it, or everybody who was has been proved to hold the old one
/// just now, after whatever was still on its way has arrived.
pub(super) fn clearance(state: &RotationState, rotation: &Rotation, now: OffsetDateTime) -> Clearance {
    let Course::Back { gate, .. } = &rotation.course else { return Clearance::Withheld };
    if rotation.may_be_held() {
        return Clearance::Withheld;
    }
    let blocked = |problem: Problem| Clearance::Asked(record(now, RotationEvent::Blocked { problem }));
    if let Some(left_out) = rotation.held_by_left_out() {
        return blocked(held_unproven(left_out));
    }
    if !rotation.was_served() || is_fresh(gate.passed_at, CLEARANCE_KEEPS, now) {
        return Clearance::Given;
    }
    if let Some(problem) = gate.gave_out(&rotation.policy) {
        return blocked(problem.clone());
    }
    let Some(sealed) = old_secret(state, rotation, now) else { return blocked(no_old_secret()) };
    let arrived = rotation.sinks.iter().filter_map(|sink| sink.straggles_since).max().map(|at| later(at, STRAGGLER));
    let at = gate.retry_at.into_iter().chain(arrived).max().unwrap_or(now);
    Clearance::Asked(step_at(at, Action::GateBack { sealed }, WaitingFor::Consumer).after(gate.problem.as_ref()))
}

fn held_unproven(sink: &SinkProgress) -> Problem {
    Problem::lasting(
        "it was left out and may hold the new secret, which therefore is not removed",
        "abandon this rotation: both secrets stay, and the next rotation begins anew",
    )
    .about(&sink.terms.title)
}

fn no_old_secret() -> Problem {
    Problem::lasting(
        "the old secret cannot be given back: it is not sealed here, is being removed, or ends too soon",
        "give the consumers a working secret by hand, take the new one as it is, or abandon this rotation",
    )
}

impl SinkProgress {
    /// Whether it refused the old secret too often, cannot be reached, or is changed again and again.
    fn is_exhausted_back(&self, rotation: &Rotation) -> bool {
        let unproven = Self { receipt: None, proof: None, given_up: false, left_out: false, ..self.clone() };
        unproven.is_exhausted(&rotation.policy) || self.disproofs >= rotation.policy.attempts
    }
}
