//! A proof that may take several tries.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::moment::{between, later};
use crate::policy::Policy;
use crate::problem::Problem;

/// A proof that may take several tries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Trial {
    /// When it last succeeded; none since it last failed, or since another process took over.
    #[serde(with = "time::serde::rfc3339::option")]
    pub passed_at: Option<OffsetDateTime>,
    /// The first failure since the last success; none while it has not failed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub failing_since: Option<OffsetDateTime>,
    /// The first refusal since the last success: a failure that is no outage.
    #[serde(with = "time::serde::rfc3339::option")]
    pub refused_since: Option<OffsetDateTime>,
    /// The last failure since the last success.
    #[serde(with = "time::serde::rfc3339::option")]
    pub failed_at: Option<OffsetDateTime>,
    /// How many tries failed since the last success.
    pub failures: u32,
    /// The earliest moment of the next try; none to try at once.
    #[serde(with = "time::serde::rfc3339::option")]
    pub retry_at: Option<OffsetDateTime>,
    /// Why the last try failed.
    pub problem: Option<Problem>,
}

impl Trial {
    /// Why it is given up, if it is: refused for longer than `patience`, or unanswered for longer than the retry budget.
    /// It is late only if it was *tried* late: the time in which nobody tried is no failure.
    pub(crate) fn given_up(&self, policy: &Policy, patience: Duration) -> Option<&Problem> {
        let problem = self.problem.as_ref()?;
        let (since, limit) = match problem.is_outage() {
            true => (self.failing_since, policy.retry_budget),
            false => (self.refused_since, patience),
        };
        (between(since?, self.failed_at?) > limit).then_some(problem)
    }

    /// The same, where what no repetition cures is tried as often as a consumer is, and anything else for the retry budget.
    pub(crate) fn gave_out(&self, policy: &Policy) -> Option<&Problem> {
        let hopeless = |problem: &&Problem| !problem.may_pass || problem.is_standing();
        let refused = self.problem.as_ref().filter(hopeless).filter(|_| self.failures >= policy.attempts);
        refused.or_else(|| self.given_up(policy, policy.retry_budget))
    }

    pub(crate) fn passed(&mut self, at: OffsetDateTime) {
        *self = Self { passed_at: Some(at), ..Self::default() };
    }

    pub(crate) fn failed(&mut self, policy: &Policy, problem: &Problem, at: OffsetDateTime) {
        // What fails now is no longer proved, however fresh the earlier proof is.
        self.passed_at = None;
        self.failing_since.get_or_insert(at);
        if !problem.is_outage() {
            self.refused_since.get_or_insert(at);
        }
        self.failed_at = Some(at);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(later(at, policy.pause_after(self.failures, problem.retry_after())));
        self.problem = Some(problem.clone());
    }

    /// Another process takes over: what was proved is to be proved again, what failed goes on failing.
    pub(super) fn outlived(&mut self) {
        self.passed_at = None;
    }
}

#[cfg(test)]
mod tests {
    use azconnect_core::{Error, ErrorKind};
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
    const MINUTE: Duration = Duration::from_secs(60);

    fn problem(kind: ErrorKind) -> Problem {
        Problem::from(&Error::new(kind, "m"))
    }

    #[test]
    fn time_in_which_nobody_tried_is_no_failure() {
        let policy = Policy::default();
        let mut trial = Trial::default();
        trial.failed(&policy, &problem(ErrorKind::Unauthenticated), START);
        assert_eq!(trial.given_up(&policy, 15 * MINUTE), None, "one try is never late");
        trial.failed(&policy, &problem(ErrorKind::Unauthenticated), START + 14 * MINUTE);
        assert_eq!(trial.given_up(&policy, 15 * MINUTE), None);
        trial.failed(&policy, &problem(ErrorKind::Unauthenticated), START + 16 * MINUTE);
        assert!(trial.given_up(&policy, 15 * MINUTE).is_some());
    }

    #[test]
    fn an_outage_may_last_as_long_as_the_budget_and_does_not_shorten_the_patience_after_it() {
        let policy = Policy::default();
        let mut trial = Trial::default();
        trial.failed(&policy, &problem(ErrorKind::Unavailable), START);
        trial.failed(&policy, &problem(ErrorKind::Unavailable), START + policy.retry_budget);
        assert_eq!(trial.given_up(&policy, 15 * MINUTE), None);
        trial.failed(&policy, &problem(ErrorKind::Unauthenticated), START + policy.retry_budget + MINUTE);
        assert_eq!(trial.given_up(&policy, 15 * MINUTE), None, "refused for the first time");
        trial.failed(&policy, &problem(ErrorKind::Unavailable), START + policy.retry_budget + 2 * MINUTE);
        assert!(trial.given_up(&policy, 15 * MINUTE).is_some());
    }
}
