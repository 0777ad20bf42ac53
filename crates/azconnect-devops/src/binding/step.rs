//! One step of a binding: how it stands, and what it offers.

use azconnect_core::{Error, ErrorKind};
use azconnect_credential::{Check, CheckReport, CheckStatus};
use serde::Serialize;

/// One step: how it stands, what it offers, and what was looked at.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct BindingStep<T> {
    /// How it stands. Only one that [passed](CheckStatus::Passed) leads on. It failed, or is unknown, if nothing can be chosen
    /// here, or what was chosen is not among it; it is skipped while a step before it did not pass, or nothing was chosen there.
    pub status: CheckStatus,
    /// What there is to choose from, or what was found. It is there as well where the choice that was made is refused.
    pub offered: Option<T>,
    /// What was looked at. A failure, and an unanswered question that is no warning, stand in the way of the steps below.
    pub checks: CheckReport,
}

impl<T> BindingStep<T> {
    /// A step that was not taken.
    pub fn skipped() -> Self {
        Self { status: CheckStatus::Skipped, offered: None, checks: CheckReport::new() }
    }

    /// A step that offers something, and how it stands by what was looked at.
    pub fn of(offered: T, checks: CheckReport) -> Self {
        Self { offered: Some(offered), ..Self::blocked(checks) }
    }

    /// A step that offers nothing, and how it stands by what was looked at.
    pub fn blocked(checks: CheckReport) -> Self {
        let any = |status| checks.with_status(status).any(|check| !check.is_advisory);
        let status = match (any(CheckStatus::Failed), any(CheckStatus::Unknown)) {
            (true, _) => CheckStatus::Failed,
            (false, true) => CheckStatus::Unknown,
            (false, false) => CheckStatus::Passed,
        };
        Self { status, offered: None, checks }
    }

    /// A step that an error has ended. A service or a store that did not answer says nothing of what was asked: that is unknown,
    /// and no refusal.
    pub fn ended(code: &str, subject: &str, error: &Error) -> Self {
        let check = match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Throttled | ErrorKind::Unexpected => {
                Check::unknown_by(code, subject, error)
            }
            _ => Check::failed_by(code, subject, error),
        };
        Self::blocked(CheckReport::from(vec![check]))
    }

    /// Whether the next step may be taken.
    pub fn passed(&self) -> bool {
        self.status == CheckStatus::Passed
    }

    /// The first check that stands in the way.
    pub fn blocker(&self) -> Option<&Check> {
        let with = |status| self.checks.with_status(status).find(|check| !check.is_advisory);
        with(CheckStatus::Failed).or_else(|| with(CheckStatus::Unknown))
    }
}
