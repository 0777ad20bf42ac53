//! The outcome of a check, with its evidence.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a check says about a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialVerdict {
    /// It works, as often as was asked for.
    Accepted,
    /// It does not work yet, and is new enough that it may soon.
    Pending,
    /// The service says that it does not work.
    Rejected,
    /// Nothing was learnt. It permits nothing: neither a push nor a removal.
    Inconclusive,
}

/// A verdict, and how it was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Assessment {
    /// The verdict.
    pub verdict: CredentialVerdict,
    /// How it was reached, in one line for a person; holds no secret and no body of an answer.
    pub evidence: String,
    /// The service's own code, where it gave one.
    pub service_code: Option<String>,
    /// What the person should do, where the verdict is not [`CredentialVerdict::Accepted`].
    pub advice: Option<String>,
    /// The pause the service asked for before it is asked again.
    pub retry_after: Option<Duration>,
}

impl Assessment {
    /// A verdict with its evidence.
    pub fn new(verdict: CredentialVerdict, evidence: impl Into<String>) -> Self {
        Self { verdict, evidence: evidence.into(), service_code: None, advice: None, retry_after: None }
    }

    /// Nothing was learnt, because of an error.
    pub fn inconclusive(error: &azconnect_core::Error) -> Self {
        let mut assessment = Self::new(CredentialVerdict::Inconclusive, error.to_string()).with_advice(error.advice());
        assessment.service_code = error.service_code().map(str::to_owned);
        if let azconnect_core::Retry::After(pause) = error.retry() {
            assessment.retry_after = Some(pause);
        }
        assessment
    }

    /// Sets the service's code.
    #[must_use]
    pub fn with_service_code(mut self, code: impl Into<String>) -> Self {
        self.service_code = Some(code.into());
        self
    }

    /// Sets what the person should do.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Sets the pause the service asked for.
    #[must_use]
    pub fn with_retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// Whether the verdict is [`CredentialVerdict::Accepted`].
    pub fn is_accepted(&self) -> bool {
        self.verdict == CredentialVerdict::Accepted
    }
}
