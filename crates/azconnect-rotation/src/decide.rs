//! What to do next, given what is known.

use std::time::Duration;

use azconnect_core::{KeyId, SecretId};
use azconnect_credential::{Marker, SinkId};
use time::OffsetDateTime;

use crate::event::{RemovalCause, RotationEvent};
use crate::policy::Policy;
use crate::problem::Problem;
use crate::state::{Course, Mint, NewKey, Removal, Rotation, RotationState, SinkProgress, Trial, Watch};

/// How old a proof of the new secret may be when a consumer receives it.
const PROOF_KEEPS: Duration = Duration::from_secs(600);

/// How old the last proof may be when a key's removal is intended.
const CLEARANCE_KEEPS: Duration = Duration::from_secs(300);

/// What the driver does next.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Nothing: the subject is at rest, or blocked.
    Rest,
    /// Nothing can be done before a moment.
    Wait {
        /// The earliest moment at which something can be done.
        until: OffsetDateTime,
        /// What is waited for, in words for a person.
        why: &'static str,
    },
    /// Record a conclusion that needs no effect.
    Record(Box<RotationEvent>),
    /// Choose a marker, record it, ask for a secret.
    Mint,
    /// Look for a secret whose answer was lost.
    Search {
        /// The marker it was asked for under.
        marker: Marker,
    },
    /// Ask the issuer whether it accepts the new secret.
    Prove,
    /// Give the new secret to consumers, all at once.
    Push {
        /// The consumers that are due, by their stable names.
        sinks: Vec<SinkId>,
    },
    /// Ask consumers whether what they hold works, all at once.
    Verify {
        /// The consumers that are due, by their stable names.
        sinks: Vec<SinkId>,
    },
    /// Prove everything again before the old secret goes.
    Gate,
    /// Ask the issuer to remove a key.
    Remove {
        /// The public id of the key to remove.
        key: KeyId,
    },
    /// Read whether a removed key is gone.
    CheckRemoved {
        /// The public id of the key whose removal was asked for.
        key: KeyId,
    },
    /// Destroy the sealed copy of a removed secret.
    Forget {
        /// The public id of the key that is gone.
        key: KeyId,
        /// The name of its secret in the `SecretStore`.
        sealed: SecretId,
    },
    /// Prove the old secret before it is given back.
    ProveOld {
        /// The name of the old secret in the `SecretStore`.
        sealed: SecretId,
    },
    /// Give the old secret back to consumers, all at once.
    Restore {
        /// The consumers that are due, by their stable names.
        sinks: Vec<SinkId>,
        /// The name of the old secret in the `SecretStore`.
        sealed: SecretId,
    },
}

/// Something that may be done from a moment on.
struct Step {
    at: OffsetDateTime,
    action: Action,
    why: &'static str,
}

/// What to do at `now`. Pure: the same state and time give the same action.
///
/// Of all that may be done now, sealed copies to destroy come first, then removals, lost secrets, and the rotation.
pub fn decide(state: &RotationState, now: OffsetDateTime) -> Action {
    let steps = || {
        let forget = state
            .forget
            .iter()
            .map(|(key, sealed)| step(now, Action::Forget { key: *key, sealed: sealed.clone() }, ""));
        let removals = state.removals.iter().filter_map(|(key, removal)| removal_step(state, *key, removal, now));
        let watches = state.watch.values().map(|watch| watch_step(watch, now));
        let rotation = state.rotation.as_ref().and_then(|rotation| rotation_step(state, rotation, now));
        forget.chain(removals).chain(watches).chain(rotation)
    };
    // The first that is due in the order of the chain, not the earliest: what is left over is cleaned up before
    // anything new is made.
    if let Some(due) = steps().find(|step| step.at <= now) {
        return due.action;
    }
    match steps().min_by_key(|step| step.at) {
        Some(next) => Action::Wait { until: next.at, why: next.why },
        None => Action::Rest,
    }
}

/// Whether a proof is fresh. One from the future is not: the clock was set back.
fn is_fresh(passed_at: Option<OffsetDateTime>, keeps: Duration, now: OffsetDateTime) -> bool {
    passed_at.is_some_and(|at| at <= now && now - at <= keeps)
}

fn record(event: RotationEvent) -> Action {
    Action::Record(Box::new(event))
}

fn step(at: OffsetDateTime, action: Action, why: &'static str) -> Step {
    Step { at, action, why }
}

/// A watch ends only after a look at or after its end.
fn watch_step(watch: &Watch, now: OffsetDateTime) -> Step {
    let marker = watch.marker.clone();
    if watch.last_read_at.is_some_and(|at| at >= watch.until) {
        return step(now, record(RotationEvent::MarkerDropped { marker }), "");
    }
    step(watch.next_at, Action::Search { marker }, "a lost secret to turn up")
}

fn removal_step(state: &RotationState, key: KeyId, removal: &Removal, now: OffsetDateTime) -> Option<Step> {
    let at = removal.next_at.unwrap_or(now);
    if let Some(rotation) = &state.rotation {
        // Blocked means that both secrets are alive: nothing is removed until a person unblocks it.
        if rotation.blocked().is_some() {
            return None;
        }
        if removal.failures >= rotation.policy.attempts
            && let Some(problem) = &removal.problem
        {
            return Some(step(now, record(RotationEvent::Blocked { problem: problem.clone() }), ""));
        }
        if removal.absences >= rotation.policy.absence_reads {
            return Some(step(now, record(RotationEvent::Removed { key }), ""));
        }
    // The terms ended with their rotation. A secret that turns up later is removed under the default ones.
    } else if removal.absences >= Policy::default().absence_reads {
        return Some(step(now, record(RotationEvent::Removed { key }), ""));
    }
    // The process may have been away since the removal was intended: what was proved then is proved again.
    if let Some(rotation) =
        state.rotation.as_ref().filter(|_| removal.cause == RemovalCause::Superseded && !removal.sent)
        && !is_fresh(rotation.gate.passed_at, CLEARANCE_KEEPS, now)
    {
        let gate = gate_step(rotation, rotation.cut_over_at?, now);
        return Some(Step { at: gate.at.max(at), ..gate });
    }
    let action = if removal.sent { Action::CheckRemoved { key } } else { Action::Remove { key } };
    Some(step(at, action, "the removed key to disappear everywhere"))
}

fn rotation_step(state: &RotationState, rotation: &Rotation, now: OffsetDateTime) -> Option<Step> {
    match &rotation.course {
        Course::Blocked { .. } => None,
        Course::Forward => match &rotation.mint {
            Mint::Sealed(new) => forward_step(state, rotation, new, now),
            _ => mint_step(state, rotation, now),
        },
        Course::Back { problem, old } => match &rotation.mint {
            Mint::Asked { .. } => mint_step(state, rotation, now),
            Mint::Wanted { .. } if state.is_removing(RemovalCause::Lost) => None,
            Mint::Wanted { .. } => Some(step(now, record(RotationEvent::RolledBack { problem: problem.clone() }), "")),
            Mint::Sealed(new) => back_step(state, rotation, new, old, now),
        },
    }
}

fn mint_step(state: &RotationState, rotation: &Rotation, now: OffsetDateTime) -> Option<Step> {
    match &rotation.mint {
        // A lost secret that was found is removed before another is minted: at most three of ours may be alive.
        Mint::Wanted { .. } if state.is_removing(RemovalCause::Lost) => None,
        Mint::Wanted { failures, problem: Some(problem), .. }
            if !problem.may_pass || *failures >= rotation.policy.attempts =>
        {
            Some(step(now, record(RotationEvent::RolledBack { problem: problem.clone() }), ""))
        }
        // Two lost secrets may still turn up. A third is not risked: the rotation goes on when a watch has ended.
        Mint::Wanted { .. } if state.watch.len() > 1 => None,
        Mint::Wanted { not_before, .. } => {
            Some(step(not_before.unwrap_or(now), Action::Mint, "the issuer to take requests again"))
        }
        Mint::Asked { marker, absences, .. } if *absences >= rotation.policy.absence_reads => {
            let until = now + rotation.policy.orphan_watch;
            Some(step(now, record(RotationEvent::MarkerWatched { marker: marker.clone(), until }), ""))
        }
        Mint::Asked { marker, next_at, unread, .. } => {
            if let Some(problem) = unread.lasts_longer_than(rotation.policy.retry_budget, now) {
                return Some(step(now, record(RotationEvent::Blocked { problem: problem.clone() }), ""));
            }
            Some(step(next_at.unwrap_or(now), Action::Search { marker: marker.clone() }, "a lost secret to turn up"))
        }
        Mint::Sealed(_) => None,
    }
}

fn forward_step(state: &RotationState, rotation: &Rotation, new: &NewKey, now: OffsetDateTime) -> Option<Step> {
    if let Some(failed) = rotation.sinks.iter().find(|sink| sink.is_exhausted(&rotation.policy)) {
        return Some(step(now, record(after_exhaustion(state, rotation, failed, now)), ""));
    }
    let unserved = || rotation.sinks.iter().filter(|sink| !sink.is_served());
    if unserved().next().is_some() || rotation.proof.passed_at.is_none() {
        return Some(serve_step(state, rotation, new, now));
    }
    let Some(cut_over_at) = rotation.cut_over_at else {
        return Some(step(now, record(RotationEvent::CutOver), ""));
    };
    retire_step(state, rotation, cut_over_at, now)
}

/// Proof first, and fresh; then every consumer that is due, pushes before verifications.
fn serve_step(state: &RotationState, rotation: &Rotation, new: &NewKey, now: OffsetDateTime) -> Step {
    let to_push: Vec<_> = rotation.sinks.iter().filter(|sink| !sink.given_up && sink.receipt.is_none()).collect();
    let to_verify =
        || rotation.sinks.iter().filter(|sink| !sink.given_up && sink.receipt.is_some() && sink.proof.is_none());
    let proven = is_fresh(rotation.proof.passed_at, PROOF_KEEPS, now);
    // An old proof is renewed for a push only: a consumer that is left to verify holds the secret already.
    if !proven && (rotation.proof.passed_at.is_none() || !to_push.is_empty()) {
        return prove_step(state, rotation, new, now);
    }
    let due = |sinks: &mut dyn Iterator<Item = &SinkProgress>| -> Vec<SinkId> {
        sinks.filter(|sink| sink.retry_at.is_none_or(|at| at <= now)).map(|sink| sink.terms.sink.clone()).collect()
    };
    let sinks = due(&mut to_push.iter().copied());
    if !sinks.is_empty() {
        return step(now, Action::Push { sinks }, "");
    }
    let sinks = due(&mut to_verify());
    if !sinks.is_empty() {
        return step(now, Action::Verify { sinks }, "");
    }
    let next = to_push.into_iter().chain(to_verify()).filter_map(|sink| sink.retry_at).min().unwrap_or(now);
    // Nobody is due, so `next` lies ahead and `decide` turns this into a wait.
    step(next, Action::Verify { sinks: Vec::new() }, "a consumer to be tried again")
}

fn prove_step(state: &RotationState, rotation: &Rotation, new: &NewKey, now: OffsetDateTime) -> Step {
    let settled_at = new.minted_at + rotation.policy.settle;
    if let Some(problem) = rotation.proof.lasts_longer_than(rotation.policy.proof_timeout, now) {
        return step(now, record(turn_back(state, rotation, problem, now)), "");
    }
    let at = rotation.proof.retry_at.unwrap_or(settled_at).max(settled_at);
    step(at, Action::Prove, "the new secret to reach every replica")
}

fn retire_step(
    state: &RotationState,
    rotation: &Rotation,
    cut_over_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Option<Step> {
    let left: Vec<_> = rotation.retire.iter().filter(|key| state.ledger.contains_key(key)).collect();
    let next = left.iter().find(|key| !state.removals.contains_key(key));
    match (next, left.is_empty()) {
        (Some(key), _) => {
            if is_fresh(rotation.gate.passed_at, CLEARANCE_KEEPS, now) {
                let event =
                    RotationEvent::RemovalIntended { key: **key, cause: RemovalCause::Superseded, marker: None };
                return Some(step(now, record(event), ""));
            }
            Some(gate_step(rotation, cut_over_at, now))
        }
        // Every key that is left is being removed already: `removal_step` goes on with it.
        (None, false) => None,
        (None, true) if state.forget.is_empty() => Some(step(now, record(RotationEvent::Rotated), "")),
        (None, true) => None,
    }
}

fn gate_step(rotation: &Rotation, cut_over_at: OffsetDateTime, now: OffsetDateTime) -> Step {
    if let Some(problem) = rotation.gate.lasts_longer_than(rotation.policy.retry_budget, now) {
        return step(now, record(RotationEvent::Blocked { problem: problem.clone() }), "");
    }
    let grace_ends = cut_over_at + rotation.policy.grace;
    let at = rotation.gate.retry_at.unwrap_or(grace_ends).max(grace_ends);
    step(at, Action::Gate, "the grace of the old secret to pass")
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
    let problem = failed.problem.clone().unwrap_or_else(|| {
        Problem::lasting(format!("{} did not take the new secret", failed.terms.title), "look at the consumer")
    });
    turn_back(state, rotation, &problem, now)
}

/// The rotation goes back if no consumer holds the new secret, or if the old one can be given back. Otherwise it is
/// blocked: both secrets stay alive, and a person decides.
fn turn_back(state: &RotationState, rotation: &Rotation, problem: &Problem, now: OffsetDateTime) -> RotationEvent {
    let untouched = !rotation.sinks.iter().any(SinkProgress::may_hold_new);
    if untouched || old_secret(state, rotation, now).is_some() {
        return RotationEvent::RollbackBegun { problem: problem.clone() };
    }
    RotationEvent::Blocked { problem: problem.clone() }
}

/// The old secret, if it is held sealed and still alive.
fn old_secret(state: &RotationState, rotation: &Rotation, now: OffsetDateTime) -> Option<SecretId> {
    rotation
        .retire
        .iter()
        .filter(|key| !state.removals.contains_key(key))
        .filter_map(|key| state.ledger.get(key))
        // Of an adopted key neither the end nor the secret is known, so there is nothing to give back.
        .filter(|key| key.ends_at.is_some_and(|end| end > now))
        .filter_map(|key| key.sealed.clone())
        .next_back()
}

fn back_step(
    state: &RotationState,
    rotation: &Rotation,
    new: &NewKey,
    old: &Trial,
    now: OffsetDateTime,
) -> Option<Step> {
    let holders: Vec<_> = rotation.sinks.iter().filter(|sink| sink.may_hold_new()).collect();
    if holders.is_empty() {
        return match (state.ledger.contains_key(&new.key), state.removals.contains_key(&new.key)) {
            (true, false) => {
                let event =
                    RotationEvent::RemovalIntended { key: new.key, cause: RemovalCause::RolledBack, marker: None };
                Some(step(now, record(event), ""))
            }
            (true, true) => None,
            (false, _) => match &rotation.course {
                Course::Back { problem, .. } if state.forget.is_empty() => {
                    Some(step(now, record(RotationEvent::RolledBack { problem: problem.clone() }), ""))
                }
                _ => None,
            },
        };
    }
    let failed = holders.iter().find(|sink| sink.failures >= rotation.policy.attempts);
    let Some(sealed) = old_secret(state, rotation, now).filter(|_| failed.is_none()) else {
        let problem = failed.and_then(|sink| sink.problem.clone()).unwrap_or_else(|| {
            Problem::lasting("the old secret cannot be given back", "give the consumers a working secret by hand")
        });
        return Some(step(now, record(RotationEvent::Blocked { problem }), ""));
    };
    if !is_fresh(old.passed_at, PROOF_KEEPS, now) {
        if let Some(problem) = old.lasts_longer_than(rotation.policy.proof_timeout, now) {
            return Some(step(now, record(RotationEvent::Blocked { problem: problem.clone() }), ""));
        }
        return Some(step(old.retry_at.unwrap_or(now), Action::ProveOld { sealed }, "the old secret to be proved"));
    }
    let due: Vec<_> = holders.iter().filter(|sink| sink.retry_at.is_none_or(|at| at <= now)).collect();
    if due.is_empty() {
        let next = holders.iter().filter_map(|sink| sink.retry_at).min().unwrap_or(now);
        return Some(step(next, Action::Restore { sinks: Vec::new(), sealed }, "a consumer to be tried again"));
    }
    let sinks = due.into_iter().map(|sink| sink.terms.sink.clone()).collect();
    Some(step(now, Action::Restore { sinks, sealed }, ""))
}
