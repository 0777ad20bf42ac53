//! A key on its way out.

use azconnect_credential::{Marker, Retirement};
use serde::Serialize;
use time::OffsetDateTime;

use crate::event::RemovalCause;
use crate::policy::Policy;
use crate::problem::Problem;

/// A key that is being removed: asked for, then absent in spaced reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Removal {
    /// Why the key is removed.
    pub cause: RemovalCause,
    /// The marker that makes it ours, where it is not in the ledger.
    pub marker: Option<Marker>,
    /// Whether the issuer has answered to the removal.
    pub sent: bool,
    /// Whether the issuer has accepted the removal, and not only said that it does not know the key.
    pub accepted: bool,
    /// How many reads in a row did not list it.
    pub absences: u32,
    /// How many calls failed in a row.
    pub failures: u32,
    /// The earliest moment of the next call; none to act at once.
    #[serde(with = "time::serde::rfc3339::option")]
    pub next_at: Option<OffsetDateTime>,
    /// Why the last failed call failed; cleared when the issuer answers to a removal.
    pub problem: Option<Problem>,
}

impl Removal {
    pub(super) fn new(cause: RemovalCause, marker: Option<Marker>) -> Self {
        Self { cause, marker, sent: false, accepted: false, absences: 0, failures: 0, next_at: None, problem: None }
    }

    pub(super) fn unblock(&mut self) {
        self.failures = 0;
        self.next_at = None;
    }

    pub(super) fn answered(&mut self, policy: &Policy, answer: Retirement, at: OffsetDateTime) {
        self.sent = true;
        self.accepted |= answer == Retirement::Accepted;
        self.absences = 0;
        self.failures = 0;
        self.problem = None;
        self.next_at = Some(at + policy.absence_spacing);
    }

    pub(super) fn failed(&mut self, policy: &Policy, problem: &Problem, at: OffsetDateTime) {
        self.failures += 1;
        self.problem = Some(problem.clone());
        self.next_at = Some(at + policy.pause_after(self.failures, problem.retry_after()));
    }

    /// A listed key was not removed, or the read is older than the removal: ask again.
    pub(super) fn read(&mut self, policy: &Policy, listed: bool, at: OffsetDateTime) {
        self.failures = 0;
        self.absences = if listed { 0 } else { self.absences + 1 };
        self.sent = !listed;
        self.next_at = Some(at + policy.absence_spacing);
    }
}
