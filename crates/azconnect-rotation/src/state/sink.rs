//! How far one consumer is.

use serde::Serialize;
use time::OffsetDateTime;

use crate::event::SinkTerms;
use crate::policy::Policy;
use crate::problem::Problem;

/// How far one consumer has come in a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SinkProgress {
    /// The terms on which it takes part.
    pub terms: SinkTerms,
    /// Whether a push is under way, or was when the record ends.
    pub in_flight: bool,
    /// Whether it may hold the new secret.
    pub touched: bool,
    /// What the consumer answered to the push; none until a push has succeeded.
    pub receipt: Option<String>,
    /// What the consumer called its state after the push.
    pub revision: Option<String>,
    /// The proof that what it holds works.
    pub proof: Option<String>,
    /// How many tries failed since the last proof, pushes and verifications together.
    pub failures: u32,
    /// The earliest moment of the next try; none to try at once.
    #[serde(with = "time::serde::rfc3339::option")]
    pub retry_at: Option<OffsetDateTime>,
    /// Why the last try failed.
    pub problem: Option<Problem>,
    /// Whether an optional consumer was tried often enough.
    pub given_up: bool,
    /// Whether it holds the old secret again.
    pub restored: bool,
}

impl SinkProgress {
    pub(super) fn new(terms: SinkTerms) -> Self {
        Self {
            terms,
            in_flight: false,
            touched: false,
            receipt: None,
            revision: None,
            proof: None,
            failures: 0,
            retry_at: None,
            problem: None,
            given_up: false,
            restored: false,
        }
    }

    /// Whether it may hold the new secret.
    pub fn may_hold_new(&self) -> bool {
        (self.touched || self.in_flight) && !self.restored
    }

    /// Whether nothing is left to do for it on the way forward.
    pub(crate) fn is_served(&self) -> bool {
        self.given_up || (self.receipt.is_some() && self.proof.is_some())
    }

    /// Whether it used up the attempts that the policy allows.
    pub(crate) fn is_exhausted(&self, policy: &Policy) -> bool {
        !self.is_served() && self.failures >= policy.attempts
    }

    /// A push that was under way already may have arrived: what the next one proves says nothing about it.
    pub(super) fn push_intended(&mut self) {
        self.touched |= self.in_flight;
        self.in_flight = true;
        self.restored = false;
    }

    pub(super) fn pushed(&mut self, evidence: &str, revision: Option<&String>) {
        self.in_flight = false;
        self.touched = true;
        self.restored = false;
        self.receipt = Some(evidence.to_owned());
        self.revision = revision.cloned();
        self.retry_at = None;
        self.problem = None;
    }

    pub(super) fn failed(&mut self, policy: &Policy, problem: &Problem, at: OffsetDateTime) {
        // What no repetition can cure uses up all attempts at once, so that the rotation turns back without delay.
        self.failures = if problem.may_pass { self.failures + 1 } else { policy.attempts.max(self.failures + 1) };
        self.retry_at = Some(at + policy.pause_after(self.failures, problem.retry_after()));
        self.problem = Some(problem.clone());
    }

    pub(super) fn serve_again(&mut self) {
        self.receipt = None;
        self.proof = None;
    }

    pub(super) fn unblock(&mut self) {
        self.failures = 0;
        self.retry_at = None;
    }
}
