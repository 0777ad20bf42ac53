//! What to do next, given what is known.

mod back;
mod forward;

use std::time::Duration;

use azconnect_core::{KeyId, SecretId};
use azconnect_credential::{Marker, SinkId};
use time::OffsetDateTime;

use crate::event::{RemovalCause, RotationEvent};
use crate::moment::{between, later};
use crate::problem::Problem;
use crate::state::{Course, Mint, Removal, Rotation, RotationState, SinkProgress, Trial, Watch};
use crate::waiting::WaitingFor;

pub(crate) use forward::turn_back;

/// How old a proof of a secret may be when a consumer receives it.
const PROOF_KEEPS: Duration = Duration::from_secs(120);

/// How old the last proof may be when a key's removal is intended, and when it is sent.
const CLEARANCE_KEEPS: Duration = Duration::from_secs(300);

/// How long a push whose end is not known may still arrive.
const STRAGGLER: Duration = Duration::from_secs(300);

/// What the driver does next.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Nothing: the subject is at rest, or a person is needed.
    Rest,
    /// Nothing can be done before a moment.
    Wait {
        /// The earliest moment at which something can be done.
        until: OffsetDateTime,
        /// What is waited for.
        what: WaitingFor,
        /// The same in words, with the last failure where there is one.
        why: String,
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
    /// Prove everything again: before the old secret goes, and before the rotation is called done.
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
    /// Prove that every consumer that had the new secret holds the old one, before the new one goes.
    GateBack {
        /// The name of the old secret in the `SecretStore`.
        sealed: SecretId,
    },
}

/// Something that may be done from a moment on.
struct Step {
    at: OffsetDateTime,
    action: Action,
    what: WaitingFor,
    why: Option<String>,
}

/// What to do at `now`. Pure: the same state and time give the same action.
///
/// Of all that may be done now, sealed copies to destroy come first, then removals, lost secrets, and the rotation.
pub fn decide(state: &RotationState, now: OffsetDateTime) -> Action {
    let steps = || {
        let forget =
            state.forget.iter().map(|(key, sealed)| act(now, Action::Forget { key: *key, sealed: sealed.clone() }));
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
        Some(next) => {
            let why = next.why.unwrap_or_else(|| next.what.to_string());
            Action::Wait { until: next.at, what: next.what, why }
        }
        None => Action::Rest,
    }
}

/// Whether a proof is fresh. One from the future is not: the clock was set back.
fn is_fresh(passed_at: Option<OffsetDateTime>, keeps: Duration, now: OffsetDateTime) -> bool {
    passed_at.is_some_and(|at| at <= now && between(at, now) <= keeps)
}

fn record(now: OffsetDateTime, event: RotationEvent) -> Step {
    act(now, Action::Record(Box::new(event)))
}

/// Something that is done at once.
fn act(now: OffsetDateTime, action: Action) -> Step {
    Step { at: now, action, what: WaitingFor::Issuer, why: None }
}

fn step(at: OffsetDateTime, action: Action, what: WaitingFor) -> Step {
    Step { at, action, what, why: None }
}

impl Step {
    /// Says why the last try failed, if one did.
    fn after(mut self, problem: Option<&Problem>) -> Self {
        self.what = self.what.because_of(problem);
        self.why = problem.map(ToString::to_string);
        self
    }

    fn not_before(mut self, at: OffsetDateTime) -> Self {
        self.at = self.at.max(at);
        self
    }
}

/// A watch ends only after a look at or after its end.
fn watch_step(watch: &Watch, now: OffsetDateTime) -> Step {
    let marker = watch.marker.clone();
    if watch.last_read_at.is_some_and(|at| at >= watch.until) {
        return record(now, RotationEvent::MarkerDropped { marker });
    }
    step(watch.next_at, Action::Search { marker }, WaitingFor::LostSecret)
}

fn removal_step(state: &RotationState, key: KeyId, removal: &Removal, now: OffsetDateTime) -> Option<Step> {
    // The terms ended with their rotation. A secret that turns up later is removed under the default ones.
    let policy = state.rotation.as_ref().map(|rotation| rotation.policy.clone()).unwrap_or_default();
    if let Some(rotation) = &state.rotation {
        // Blocked means that both secrets are alive: nothing is removed meanwhile.
        if rotation.blocked().is_some() {
            return None;
        }
        if let Some(problem) = removal.stuck(&policy) {
            let problem = problem.clone().about(&format!("the removal of key {key}"));
            return Some(record(now, RotationEvent::Blocked { problem }));
        }
    }
    if removal.absences >= policy.absence_reads {
        return Some(record(now, RotationEvent::Removed { key }));
    }
    let at = removal.next_at.unwrap_or(now);
    if let Some(rotation) = state.rotation.as_ref().filter(|_| !removal.sent) {
        // The process may have been away since the removal was intended: what was proved then is proved again.
        match removal.cause {
            RemovalCause::Superseded if !is_fresh(rotation.gate.passed_at, CLEARANCE_KEEPS, now) => {
                return Some(forward::gate_step(rotation, rotation.cut_over_at?, now).not_before(at));
            }
            // One that an earlier rotation left behind was cleared by that one.
            RemovalCause::RolledBack if rotation.new_key().is_some_and(|new| new.key == key) => {
                match back::clearance(state, rotation, now) {
                    back::Clearance::Given => {}
                    back::Clearance::Asked(step) => return Some(step.not_before(at)),
                    back::Clearance::Withheld => return None,
                }
            }
            _ => {}
        }
    }
    let action = if removal.sent { Action::CheckRemoved { key } } else { Action::Remove { key } };
    Some(step(at, action, WaitingFor::Removal).after(removal.problem.as_ref()))
}

fn rotation_step(state: &RotationState, rotation: &Rotation, now: OffsetDateTime) -> Option<Step> {
    match &rotation.course {
        Course::Blocked { problem, retry_at, .. } => {
            let retried = act((*retry_at)?, Action::Record(Box::new(RotationEvent::Retried)));
            Some(retried.after(Some(problem)))
        }
        Course::Forward => match &rotation.mint {
            Mint::Sealed(new) => forward::step(state, rotation, new, now),
            _ => mint_step(state, rotation, now),
        },
        Course::Back { problem, old, .. } => match &rotation.mint {
            Mint::Sealed(new) => back::step(state, rotation, new, old, now),
            Mint::Asked { .. } => mint_step(state, rotation, now),
            Mint::Wanted { .. } if state.is_removing(&[RemovalCause::Lost]) => None,
            Mint::Wanted { .. } => Some(record(now, RotationEvent::RolledBack { problem: problem.clone() })),
        },
    }
}

fn mint_step(state: &RotationState, rotation: &Rotation, now: OffsetDateTime) -> Option<Step> {
    match &rotation.mint {
        // What is on its way out goes before another is minted: at most three of ours may be alive.
        Mint::Wanted { .. } if state.is_removing(&[RemovalCause::Lost, RemovalCause::RolledBack]) => None,
        Mint::Wanted { problem: Some(problem), .. } if mint_is_given_up(rotation, problem) => {
            Some(record(now, RotationEvent::RolledBack { problem: problem.clone() }))
        }
        // Two lost secrets may still turn up. A third is not risked: the rotation goes on when a watch has ended.
        Mint::Wanted { .. } if state.watch.len() > 1 => None,
        Mint::Wanted { not_before, problem } => {
            let at = not_before.unwrap_or(now);
            Some(step(at, Action::Mint, WaitingFor::Issuer).after(problem.as_ref()))
        }
        Mint::Asked { marker, absences, .. } if *absences >= rotation.policy.absence_reads => {
            let until = later(now, rotation.policy.orphan_watch);
            Some(record(now, RotationEvent::MarkerWatched { marker: marker.clone(), until }))
        }
        Mint::Asked { marker, next_at, unread, .. } => {
            if let Some(problem) = unread.given_up(&rotation.policy, rotation.policy.retry_budget) {
                return Some(record(now, RotationEvent::Blocked { problem: problem.clone() }));
            }
            let search = Action::Search { marker: marker.clone() };
            Some(step(next_at.unwrap_or(now), search, WaitingFor::LostSecret).after(unread.problem.as_ref()))
        }
        Mint::Sealed(_) => None,
    }
}

fn mint_is_given_up(rotation: &Rotation, problem: &Problem) -> bool {
    let attempts = &rotation.minting;
    let out = attempts.out_since.zip(attempts.out_at).map(|(since, at)| between(since, at));
    !problem.may_pass
        || attempts.failures >= rotation.policy.attempts
        || out.is_some_and(|out| out > rotation.policy.retry_budget)
}
