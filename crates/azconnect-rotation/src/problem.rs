//! A failure in a form that a journal can hold.

use std::fmt;
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Retry};
use azconnect_credential::Assessment;
use serde::{Deserialize, Serialize};

/// What went wrong and what to do, without any secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Problem {
    /// What went wrong, in one line.
    pub message: String,
    /// What the person should do.
    pub advice: String,
    /// The service's own code, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_code: Option<String>,
    /// Whether trying again may help.
    pub may_pass: bool,
    /// Whether provably nothing was changed.
    pub untouched: bool,
    /// The pause the service asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
}

impl Problem {
    /// A failure of our own that nobody can wait out.
    pub fn lasting(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            advice: advice.into(),
            service_code: None,
            may_pass: false,
            untouched: true,
            retry_after: None,
        }
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let hopeless = matches!(
            error.kind(),
            ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::Unsupported
        );
        Self {
            message: error.to_string(),
            advice: error.advice().to_owned(),
            service_code: error.service_code().map(str::to_owned),
            may_pass: !hopeless || error.retry() != Retry::No,
            untouched: error.effect() == Effect::None,
            retry_after: match error.retry() {
                Retry::After(pause) => Some(pause),
                _ => None,
            },
        }
    }
}

impl From<&Assessment> for Problem {
    fn from(assessment: &Assessment) -> Self {
        Self {
            message: assessment.evidence.clone(),
            advice: assessment.advice.clone().unwrap_or_else(|| "look at the consumer and try again".to_owned()),
            service_code: assessment.service_code.clone(),
            may_pass: true,
            untouched: true,
            retry_after: assessment.retry_after,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
