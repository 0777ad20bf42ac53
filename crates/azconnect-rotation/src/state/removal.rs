//! A key on its way out.

use azconnect_credential::{KeyHolder, Marker, Retirement};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::LedgerKey;
use crate::event::RemovalCause;
use crate::moment::later;
use crate::policy::Policy;
use crate::problem::Problem;

/// A key that is being removed: asked for, then absent in spaced reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Removal {
    /// Why the key is removed.
    pub cause: RemovalCause,
    /// The marker that makes it ours, where it is not in the ledger.
    pub marker: Option<Marker>,
    /// What holds the key, where that is known. A read that did not see it says nothing about the key.
    #[serde(default)]
    pub holder: Option<KeyHolder>,
    /// Whether a list has shown the key since it was made. If none has, its absence from one proves nothing.
    #[serde(default)]
    pub listed: bool,
    /// Whether the issuer has answered to the removal.
    pub sent: bool,
    /// Whether the issuer has accepted the removal, and not only said that it does not know the key.
    pub accepted: bool,
    /// How many reads in a row did not list it.
    pub absences: u32,
    /// How many calls failed in a row.
    pub failures: u32,
    /// How many of them the issuer refused: an outage does not count.
    #[serde(default)]
    pub refusals: u32,
    /// Since when calls fail.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub failing_since: Option<OffsetDateTime>,
    /// When the last call failed.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub failed_at: Option<OffsetDateTime>,
    /// The earliest moment of the next call; none to act at once.
    #[serde(with = "time::serde::rfc3339::option")]
    pub next_at: Option<OffsetDateTime>,
    /// Why the last failed call failed; cleared when the issuer answers to a removal.
    pub problem: Option<Problem>,
}

impl Removal {
    pub(super) fn new(cause: RemovalCause) -> Self {
        Self {
            cause,
            marker: None,
            holder: None,
            listed: false,
            sent: false,
            accepted: false,
            absences: 0,
            failures: 0,
            refusals: 0,
            failing_since: None,
            failed_at: None,
            next_at: None,
            problem: None,
        }
    }

    /// The removal of a key that a list has shown under our marker.
    pub(super) fn found(mut self, marker: Marker, holder: Option<KeyHolder>) -> Self {
        (self.marker, self.holder, self.listed) = (Some(marker), holder, true);
        self
    }

    /// The removal of a key of the ledger.
    pub(super) fn known(mut self, key: &LedgerKey) -> Self {
        (self.holder, self.listed) = (key.holder, key.listed);
        self
    }

    /// Why it does not come to an end by itself, if it does not: refused too often, or unanswered for longer than the
    /// retry budget.
    pub(crate) fn stuck(&self, policy: &Policy) -> Option<&Problem> {
        let unanswered =
            self.failing_since.zip(self.failed_at).is_some_and(|(from, to)| to - from > policy.retry_budget);
        self.problem.as_ref().filter(|_| self.refusals >= policy.attempts || unanswered)
    }

    pub(super) fn unblock(&mut self) {
        self.forgive();
        self.next_at = None;
    }

    pub(super) fn answered(&mut self, policy: &Policy, answer: Retirement, at: OffsetDateTime) {
        self.sent = true;
        self.accepted |= answer == Retirement::Accepted;
        self.absences = 0;
        self.forgive();
        self.problem = None;
        self.next_at = Some(later(at, policy.absence_spacing));
    }

    pub(super) fn failed(&mut self, policy: &Policy, problem: &Problem, at: OffsetDateTime) {
        self.failures = self.failures.saturating_add(1);
        self.refusals = self.refusals.saturating_add(u32::from(!problem.is_outage()));
        self.failing_since.get_or_insert(at);
        self.failed_at = Some(at);
        self.problem = Some(problem.clone());
        // Refused again and again, it is asked once a day at most: it is a person's turn.
        let repeated = self.refusals.saturating_sub(policy.attempts);
        let pause = match repeated {
            0 => policy.pause_after(self.failures, problem.retry_after()),
            times => Policy::setback_pause(times).max(policy.pause_after(self.failures, problem.retry_after())),
        };
        self.next_at = Some(later(at, pause));
    }

    /// A listed key was not removed, or the read is older than the removal: ask again.
    pub(super) fn read(&mut self, policy: &Policy, listed: bool, at: OffsetDateTime) {
        self.forgive();
        self.listed |= listed;
        self.absences = if listed { 0 } else { self.absences.saturating_add(1) };
        self.sent = !listed;
        self.next_at = Some(later(at, policy.absence_spacing));
    }

    fn forgive(&mut self) {
        (self.failures, self.refusals, self.failing_since, self.failed_at) = (0, 0, None, None);
    }
}
