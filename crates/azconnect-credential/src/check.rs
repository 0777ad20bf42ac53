//! What was looked at before work begins, and how it turned out.

use std::fmt;

use azconnect_core::{Diagnosis, Effect, Error, ErrorKind};
use serde::{Deserialize, Serialize};

/// How a check turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckStatus {
    /// Nothing stands in the way here.
    Passed,
    /// The work would fail unless somebody does something first.
    Failed,
    /// It could not be found out: the work may succeed.
    Unknown,
    /// It was not looked at, since another check has to pass first.
    Skipped,
}

impl CheckStatus {
    /// The stable name of the status, such as `passed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for CheckStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that was looked at, how it turned out, and what to do about it.
///
/// ```
/// use azconnect_credential::Check;
///
/// let check = Check::failed("core-quota", "core quota", "4 cores are needed, 2 are free", "have the quota raised");
/// assert!(check.blocks());
/// assert_eq!(check.to_string(), "core quota: failed: 4 cores are needed, 2 are free (have the quota raised)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Check {
    /// The stable name of the rule, in kebab-case, such as `core-quota`: for programs, and for looking it up.
    pub code: String,
    /// What was looked at, in words for a person, such as `core quota`.
    pub subject: String,
    /// The result of the check.
    pub status: CheckStatus,
    /// Whether somebody should look at it although the work can go on: a warning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_advisory: bool,
    /// What was seen, in one line.
    pub cause: String,
    /// What the person should do; empty where nothing is to be done.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
    /// What is known about the failure that led to this result, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
    /// The service's own sentence about it, where it gave one: bounded, and without anything that was sent to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_text: Option<String>,
}

impl Check {
    /// A check that found nothing in the way.
    pub fn passed(code: impl Into<String>, subject: impl Into<String>, cause: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            subject: subject.into(),
            status: CheckStatus::Passed,
            is_advisory: false,
            cause: cause.into(),
            remedy: String::new(),
            diagnosis: None,
            service_text: None,
        }
    }

    /// A check that found why the work would fail; `remedy` says what a person can do about it.
    pub fn failed(
        code: impl Into<String>,
        subject: impl Into<String>,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { status: CheckStatus::Failed, ..Self::passed(code, subject, cause) }.with_remedy(remedy)
    }

    /// A check whose question could not be answered.
    pub fn unknown(
        code: impl Into<String>,
        subject: impl Into<String>,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { status: CheckStatus::Unknown, ..Self::passed(code, subject, cause) }.with_remedy(remedy)
    }

    /// A check that was not made; the cause says what has to pass first.
    pub fn skipped(code: impl Into<String>, subject: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { status: CheckStatus::Skipped, ..Self::passed(code, subject, cause) }
    }

    /// A failed check with the cause, the remedy and the diagnosis of an error.
    pub fn failed_by(code: impl Into<String>, subject: impl Into<String>, error: &Error) -> Self {
        Self::failed(code, subject, error.to_string(), error.advice()).with_error(error)
    }

    /// An unanswered check with the cause, the remedy and the diagnosis of the error that stood in the way.
    pub fn unknown_by(code: impl Into<String>, subject: impl Into<String>, error: &Error) -> Self {
        Self::unknown(code, subject, error.to_string(), error.advice()).with_error(error)
    }

    /// Sets what the person should do.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Sets what was seen.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = cause.into();
        self
    }

    /// Sets what is known about the failure that led to this result.
    #[must_use]
    pub fn with_diagnosis(mut self, diagnosis: Diagnosis) -> Self {
        self.diagnosis = Some(diagnosis);
        self
    }

    /// Sets what is known about the failure, and the service's own sentence about it, from an error.
    #[must_use]
    pub fn with_error(mut self, error: &Error) -> Self {
        self.service_text = error.service_text().map(str::to_owned);
        self.with_diagnosis(error.diagnosis().clone())
    }

    /// Makes it a warning: somebody should look at it although the work can go on. A failure becomes
    /// [`Unknown`](CheckStatus::Unknown) with it, since a failure stands in the way.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.is_advisory = true;
        if self.blocks() {
            self.status = CheckStatus::Unknown;
        }
        self
    }

    /// An error for a caller that cannot go on because of this check. `message` says what that means for the caller;
    /// the cause follows it. The check's code stands in where the service gave none. The effect is [`Effect::None`].
    pub fn to_error(&self, kind: ErrorKind, message: &str) -> Error {
        let known = self.diagnosis.clone().unwrap_or_else(|| Diagnosis::new(kind, ""));
        let mut known =
            known.with_kind(kind).with_message(format!("{message}: {}", self.cause)).with_effect(Effect::None);
        if known.service_code().is_none() {
            known = known.with_service_code(&self.code);
        }
        let error = Error::from(if self.remedy.is_empty() { known } else { known.with_advice(&self.remedy) });
        self.service_text.iter().fold(error, |error, text| error.with_service_text(text.as_str()))
    }

    /// Whether the check failed, so that the work cannot begin.
    pub fn blocks(&self) -> bool {
        self.status == CheckStatus::Failed
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.subject, self.status, self.cause)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, " ({})", self.remedy) }
    }
}
