//! How far one consumer is.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::event::SinkTerms;
use crate::moment::{between, later};
use crate::policy::Policy;
use crate::problem::Problem;

/// How far one consumer has come in a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SinkProgress {
    /// The terms on which it takes part.
    pub terms: SinkTerms,
    /// Whether a push is under way, or was when the record ends.
    pub in_flight: bool,
    /// Whether it may hold the new secret.
    pub touched: bool,
    /// When a push was last known to be under way whose end is not known: it may still arrive a while after that.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub straggles_since: Option<OffsetDateTime>,
    /// What the consumer answered to the push; none until a push has succeeded.
    pub receipt: Option<String>,
    /// What the consumer called its state after the push.
    pub revision: Option<String>,
    /// The proof that what it holds works.
    pub proof: Option<String>,
    /// How often it refused since the last proof, pushes and verifications together. An outage is not counted.
    pub failures: u32,
    /// How many tries failed since the last proof, outages included.
    #[serde(default)]
    pub tries: u32,
    /// Since when it cannot be reached.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub out_since: Option<OffsetDateTime>,
    /// When it was last tried in vain and could not be reached.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub out_at: Option<OffsetDateTime>,
    /// How often it was found to hold something else after it had proved the new secret.
    #[serde(default)]
    pub disproofs: u32,
    /// The earliest moment of the next try; none to try at once.
    #[serde(with = "time::serde::rfc3339::option")]
    pub retry_at: Option<OffsetDateTime>,
    /// Why the last try failed.
    pub problem: Option<Problem>,
    /// Whether an optional consumer was tried often enough.
    pub given_up: bool,
    /// Whether a person left it out.
    #[serde(default)]
    pub left_out: bool,
    /// What it answered when it took the old secret back, while the proof of that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_back: Option<GivenBack>,
    /// Whether it holds the old secret again.
    pub restored: bool,
}

/// What a consumer answered when it took the old secret back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GivenBack {
    /// Its answer to the push.
    pub receipt: String,
    /// What it called its state after the push.
    pub revision: Option<String>,
}

impl SinkProgress {
    pub(super) fn new(terms: SinkTerms) -> Self {
        Self {
            terms,
            in_flight: false,
            touched: false,
            straggles_since: None,
            receipt: None,
            revision: None,
            proof: None,
            failures: 0,
            tries: 0,
            out_since: None,
            out_at: None,
            disproofs: 0,
            retry_at: None,
            problem: None,
            given_up: false,
            left_out: false,
            given_back: None,
            restored: false,
        }
    }

    /// Whether it may hold the new secret. For one that was left out, a person answers.
    pub fn may_hold_new(&self) -> bool {
        self.was_touched() && !self.restored
    }

    /// Whether the new secret was ever on its way to it, as far as anybody still has to care.
    pub(crate) fn was_touched(&self) -> bool {
        (self.touched || self.in_flight) && !self.left_out
    }

    /// Whether it took the new secret, with proof.
    pub(crate) fn has_proof(&self) -> bool {
        self.receipt.is_some() && self.proof.is_some()
    }

    /// Whether nothing is left to do for it on the way forward.
    pub(crate) fn is_served(&self) -> bool {
        self.is_out() || self.has_proof()
    }

    /// Whether the rotation goes on without it.
    pub(crate) fn is_out(&self) -> bool {
        self.given_up || self.left_out
    }

    /// Whether it refused as often as the policy allows, or could not be reached for longer than the retry budget.
    pub(crate) fn is_exhausted(&self, policy: &Policy) -> bool {
        let out = self.out_since.zip(self.out_at).map(|(since, at)| between(since, at));
        !self.is_served() && (self.failures >= policy.attempts || out.is_some_and(|out| out > policy.retry_budget))
    }

    /// Why the last try failed, with the consumer's name.
    pub(crate) fn named_problem(&self) -> Option<Problem> {
        self.problem.clone().map(|problem| problem.about(&self.terms.title))
    }

    /// A push that was under way already may have arrived: what the next one proves says nothing about it.
    pub(super) fn push_intended(&mut self, at: OffsetDateTime) {
        self.touched |= self.in_flight;
        self.in_flight = true;
        self.restored = false;
        self.given_back = None;
        self.straggles_since = Some(at);
    }

    pub(super) fn pushed(&mut self, evidence: &str, revision: Option<&String>) {
        self.in_flight = false;
        self.touched = true;
        self.restored = false;
        self.straggles_since = None;
        self.receipt = Some(evidence.to_owned());
        self.revision = revision.cloned();
        self.retry_at = None;
        self.problem = None;
    }

    pub(super) fn push_failed(&mut self, policy: &Policy, problem: &Problem, at: OffsetDateTime) {
        self.in_flight = false;
        // Unless the service provably changed nothing, the consumer may hold the new secret, and a way back must
        // include it.
        self.touched |= !problem.is_untouched();
        self.straggles_since = (!problem.is_untouched()).then_some(at);
        self.failed(policy, problem, at);
    }

    pub(super) fn failed(&mut self, policy: &Policy, problem: &Problem, at: OffsetDateTime) {
        self.tries = self.tries.saturating_add(1);
        if problem.is_outage() {
            self.out_since.get_or_insert(at);
            self.out_at = Some(at);
        } else {
            (self.out_since, self.out_at) = (None, None);
            // What no repetition can cure uses up all attempts at once, so that the rotation turns back without delay.
            let counted = self.failures.saturating_add(1);
            self.failures = if problem.may_pass { counted } else { policy.attempts.max(counted) };
        }
        self.retry_at = Some(later(at, policy.pause_after(self.tries, problem.retry_after())));
        self.problem = Some(problem.clone());
    }

    pub(super) fn verified(&mut self, evidence: &str) {
        self.proof = Some(evidence.to_owned());
        self.unblock();
        self.problem = None;
    }

    /// Another process takes over: a push that was under way may have been sent until now.
    pub(super) fn outlived(&mut self, at: OffsetDateTime) {
        if self.in_flight {
            self.straggles_since = Some(at);
        }
    }

    pub(super) fn serve_again(&mut self) {
        self.receipt = None;
        self.proof = None;
    }

    /// Forgives what failed, so that the attempts begin anew.
    pub(super) fn unblock(&mut self) {
        (self.failures, self.tries, self.retry_at) = (0, 0, None);
        (self.out_since, self.out_at) = (None, None);
    }
}
