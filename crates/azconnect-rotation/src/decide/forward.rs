//! The way forward: prove, push, verify, cut over, prove again, retire.

use azconnect_core::SecretId;
use azconnect_credential::SinkId;
use time::OffsetDateTime;

use super::{
    Action, CLEARANCE_KEEPS, PROOF_KEEPS, Problem, RemovalCause, Rotation, RotationEvent, RotationState, SinkProgress,
    Step, WaitingFor, act, is_fresh, record, step as step_at,
};
use crate::moment::{earlier, later};
use crate::state::NewKey;

pub(super) fn step(state: &RotationState, rotation: &Rotation, new: &NewKey, now: OffsetDateTime) -> Option<Step> {
    if let Some(event) = cannot_go_on(state, rotation, new, now) {
        return Some(record(now, event));
    }
    let unserved = rotation.sinks.iter().any(|sink| !sink.is_served());
    if unserved || rotation.proof.passed_at.is_none() {
        return Some(serve_step(state, rotation, new, now));
    }
    let Some(cut_over_at) = rotation.cut_over_at else {
        return Some(record(now, RotationEvent::CutOver));
    };
    retire_step(state, rotation, cut_over_at, now)
}

/// Why the rotation turns back, goes on without a consumer, or blocks; none if nothing keeps it.
fn cannot_go_on(
    state: &RotationState,
    rotation: &Rotation,
    new: &NewKey,
    now: OffsetDateTime,
) -> Option<RotationEvent> {
    if let Some(failed) = rotation.sinks.iter().find(|sink| sink.is_exhausted(&rotation.policy)) {
        return Some(after_exhaustion(state, rotation, failed, now));
    }
    if let Some(contested) =
        rotation.sinks.iter().find(|sink| !sink.is_out() && sink.disproofs >= rotation.policy.attempts)
    {
        return Some(match contested.terms.required {
            true => RotationEvent::Blocked { problem: changed_again_and_again(contested) },
            false => RotationEvent::SinkGivenUp { sink: contested.terms.sink.clone() },
        });
    }
    if new.ends_at <= now {
        return Some(turn_back(state, rotation, &ended(), now));
    }
    // It was minted to outlive the next rotation with all its retries. After a long pause it would not.
    if later(now, rotation.policy.needed_to_rotate()) > new.ends_at && !rotation.was_served() {
        return Some(turn_back(state, rotation, &aged_unused(), now));
    }
    let taken = rotation.without_consumers || rotation.sinks.iter().any(|sink| sink.has_proof() && !sink.is_out());
    let all_served = rotation.sinks.iter().all(SinkProgress::is_served);
    let retires = rotation.retire.iter().any(|key| state.ledger.contains_key(key));
    (all_served && retires && !taken).then(|| turn_back(state, rotation, &taken_by_nobody(rotation), now))
}

/// Proof first, and fresh; then every consumer that is due, pushes before verifications.
fn serve_step(state: &RotationState, rotation: &Rotation, new: &NewKey, now: OffsetDateTime) -> Step {
    let to_push: Vec<_> = rotation.sinks.iter().filter(|sink| !sink.is_out() && sink.receipt.is_none()).collect();
    let to_verify =
        || rotation.sinks.iter().filter(|sink| !sink.is_out() && sink.receipt.is_some() && sink.proof.is_none());
    let proven = is_fresh(rotation.proof.passed_at, PROOF_KEEPS, now);
    // An old proof is renewed for a push only: a consumer that is left to verify holds the secret already.
    if !proven && (rotation.proof.passed_at.is_none() || !to_push.is_empty()) {
        return prove_step(state, rotation, new, now);
    }
    let sinks = due(to_push.iter().copied(), now);
    if !sinks.is_empty() {
        return act(now, Action::Push { sinks });
    }
    let sinks = due(to_verify(), now);
    if !sinks.is_empty() {
        return act(now, Action::Verify { sinks });
    }
    // Nobody is due, so the next one's moment lies ahead and `decide` turns this into a wait.
    next_of(to_push.into_iter().chain(to_verify()), Action::Verify { sinks: Vec::new() }, now)
}

/// The consumers that may be tried now, by name.
pub(super) fn due<'a>(sinks: impl Iterator<Item = &'a SinkProgress>, now: OffsetDateTime) -> Vec<SinkId> {
    sinks.filter(|sink| sink.retry_at.is_none_or(|at| at <= now)).map(|sink| sink.terms.sink.clone()).collect()
}

/// The wait for the consumer that is tried next.
pub(super) fn next_of<'a>(sinks: impl Iterator<Item = &'a SinkProgress>, action: Action, now: OffsetDateTime) -> Step {
    let next = sinks.filter(|sink| sink.retry_at.is_some()).min_by_key(|sink| sink.retry_at);
    let at = next.and_then(|sink| sink.retry_at).unwrap_or(now);
    step_at(at, action, WaitingFor::Consumer).after(next.and_then(SinkProgress::named_problem).as_ref())
}

fn prove_step(state: &RotationState, rotation: &Rotation, new: &NewKey, now: OffsetDateTime) -> Step {
    let settled_at = later(new.minted_at, rotation.policy.settle);
    if let Some(problem) = rotation.proof.given_up(&rotation.policy, rotation.policy.proof_timeout) {
        return record(now, turn_back(state, rotation, problem, now));
    }
    let at = rotation.proof.retry_at.unwrap_or(settled_at).max(settled_at);
    step_at(at, Action::Prove, WaitingFor::Replication).after(rotation.proof.problem.as_ref())
}

fn retire_step(
    state: &RotationState,
    rotation: &Rotation,
    cut_over_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Option<Step> {
    let left: Vec<_> = rotation.retire.iter().filter(|key| state.ledger.contains_key(key)).collect();
    let proven = is_fresh(rotation.gate.passed_at, CLEARANCE_KEEPS, now);
    match left.iter().find(|key| !state.removals.contains_key(key)) {
        Some(key) if proven => {
            let (key, cause) = (**key, RemovalCause::Superseded);
            Some(record(now, RotationEvent::RemovalIntended { key, cause, marker: None, holder: None }))
        }
        Some(_) => Some(gate_step(rotation, cut_over_at, now)),
        // Every key that is left is being removed already: `removal_step` goes on with it.
        None if !left.is_empty() => None,
        // "Done" is said only of a secret that works now, with the old one gone.
        None if proven => Some(record(now, RotationEvent::Rotated)),
        None => Some(gate_step(rotation, earlier(cut_over_at, rotation.policy.grace), now)),
    }
}

/// The last proof, once the grace that began at `cut_over_at` has passed.
pub(super) fn gate_step(rotation: &Rotation, cut_over_at: OffsetDateTime, now: OffsetDateTime) -> Step {
    let (gate, policy) = (&rotation.gate, &rotation.policy);
    if let Some(problem) = gate.gave_out(policy) {
        return record(now, RotationEvent::Blocked { problem: problem.clone() });
    }
    // It is asked at the end of the grace at the earliest, so a repetition lies after that.
    let at = gate.retry_at.unwrap_or_else(|| later(cut_over_at, policy.grace));
    let what = if gate.problem.is_some() { WaitingFor::Consumer } else { WaitingFor::Grace };
    step_at(at, Action::Gate, what).after(gate.problem.as_ref())
}

/// What follows once a consumer has used up its attempts: an optional one is given up, a required one turns the
/// rotation back.
fn after_exhaustion(
    state: &RotationState,
    rotation: &Rotation,
    failed: &SinkProgress,
    now: OffsetDateTime,
) -> RotationEvent {
    if !failed.terms.required {
        return RotationEvent::SinkGivenUp { sink: failed.terms.sink.clone() };
    }
    let problem = failed
        .named_problem()
        .unwrap_or_else(|| Problem::lasting("it did not take the new secret", "look at the consumer"))
        .about(&failed.terms.title);
    turn_back(state, rotation, &problem, now)
}

/// The rotation goes back if no consumer holds the new secret, or if the old one can be given back. Otherwise it is
/// blocked: both secrets stay alive, and a person decides.
pub(crate) fn turn_back(
    state: &RotationState,
    rotation: &Rotation,
    problem: &Problem,
    now: OffsetDateTime,
) -> RotationEvent {
    let returnable = !rotation.may_be_held() || old_secret(state, rotation, now).is_some();
    // A consumer that was left out is given nothing back, so what it may hold stays alive.
    if returnable && rotation.held_by_left_out().is_none() {
        return RotationEvent::RollbackBegun { problem: problem.clone() };
    }
    RotationEvent::Blocked { problem: problem.clone() }
}

/// The old secret, if it is held sealed, is not on its way out, and lives long enough to be given back.
pub(super) fn old_secret(state: &RotationState, rotation: &Rotation, now: OffsetDateTime) -> Option<SecretId> {
    let needed = later(now, rotation.policy.restore_life);
    rotation
        .retire
        .iter()
        .filter(|key| !state.removals.contains_key(key))
        .filter_map(|key| state.ledger.get(key))
        // Of an adopted key neither the end nor the secret is known, so there is nothing to give back.
        .filter_map(|key| Some((key.ends_at.filter(|end| *end > needed)?, key.sealed.clone()?)))
        .max_by_key(|(end, _)| *end)
        .map(|(_, sealed)| sealed)
}

fn ended() -> Problem {
    Problem::lasting(
        "the new secret ended before the rotation did",
        "give the consumers a working secret by hand, or abandon this rotation: the next one mints another",
    )
}

fn aged_unused() -> Problem {
    let mut problem = Problem::lasting(
        "the new secret grew old before anybody received it, since nobody went on with the rotation",
        "run the rotation more often: at the time that each run names",
    );
    problem.may_pass = true;
    problem
}

fn taken_by_nobody(rotation: &Rotation) -> Problem {
    let failed = rotation.sinks.iter().find_map(SinkProgress::named_problem);
    let advice = "make one consumer work, bind another, or say by name that none is needed";
    match failed {
        Some(problem) => Problem::lasting(format!("no consumer took the new secret; the last: {problem}"), advice),
        None => Problem::lasting("no consumer took the new secret", advice),
    }
}

fn changed_again_and_again(sink: &SinkProgress) -> Problem {
    Problem::lasting(
        format!("it was found changed {} times after it had proved the new secret", sink.disproofs),
        "find out who or what puts another secret into it, stop that, and let the rotation try again",
    )
    .about(&sink.terms.title)
}
