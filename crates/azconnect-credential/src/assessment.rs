//! The outcome of a check of a credential, with its evidence.

use std::time::Duration;

use azconnect_core::{Diagnosis, Effect, Error, ErrorKind, Retry};
use serde::{Deserialize, Serialize};

/// What a check says about a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialVerdict {
    /// It worked in every attempt of the check.
    Accepted,
    /// It does not work yet, and is new enough that it may soon.
    Pending,
    /// The service refuses this very credential. A refusal for another reason, such as a wrong tenant, is
    /// [`Inconclusive`](Self::Inconclusive).
    Rejected,
    /// Nothing was learnt. It permits nothing: neither a push nor a removal.
    Inconclusive,
}

/// A verdict, and how it was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
#[non_exhaustive]
pub struct Assessment {
    /// What the check says about the credential.
    pub verdict: CredentialVerdict,
    /// How the verdict was reached, in one line for a person: without any secret, and without the body of an answer.
    pub evidence: String,
    /// What is known about the refusal or failure, where the verdict is not [`CredentialVerdict::Accepted`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
}

impl Assessment {
    /// A verdict with its evidence.
    pub fn new(verdict: CredentialVerdict, evidence: impl Into<String>) -> Self {
        Self { verdict, evidence: evidence.into(), diagnosis: None }
    }

    /// Nothing was learnt, because of an error.
    pub fn inconclusive(error: &Error) -> Self {
        Self::of_error(CredentialVerdict::Inconclusive, error)
    }

    /// A verdict that follows from an error.
    pub fn of_error(verdict: CredentialVerdict, error: &Error) -> Self {
        Self::new(verdict, error.to_string()).with_diagnosis(error.diagnosis().clone())
    }

    /// Sets what is known about the refusal or failure.
    #[must_use]
    pub fn with_diagnosis(mut self, diagnosis: Diagnosis) -> Self {
        self.diagnosis = Some(diagnosis);
        self
    }

    /// Sets the service's own code, such as `AADSTS7000215`.
    #[must_use]
    pub fn with_service_code(self, code: impl Into<String>) -> Self {
        let diagnosis = self.to_diagnosis().with_service_code(code);
        self.with_diagnosis(diagnosis)
    }

    /// Sets what the person should do.
    #[must_use]
    pub fn with_advice(self, advice: impl Into<String>) -> Self {
        let diagnosis = self.to_diagnosis().with_advice(advice);
        self.with_diagnosis(diagnosis)
    }

    /// Sets the pause the service asked for.
    #[must_use]
    pub fn with_retry_after(self, pause: Duration) -> Self {
        let diagnosis = self.to_diagnosis().with_retry(Retry::After(pause));
        self.with_diagnosis(diagnosis)
    }

    /// Whether the verdict is [`CredentialVerdict::Accepted`].
    pub fn is_accepted(&self) -> bool {
        self.verdict == CredentialVerdict::Accepted
    }

    /// The service's own code, such as `AADSTS7000215`, where it gave one.
    pub fn service_code(&self) -> Option<&str> {
        self.diagnosis.as_ref()?.service_code()
    }

    /// What the person should do, where something is known about a refusal or failure.
    pub fn advice(&self) -> Option<&str> {
        self.diagnosis.as_ref().map(Diagnosis::advice)
    }

    /// The pause the service asked for before it is asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.diagnosis.as_ref()?.retry_after()
    }

    /// What is known about the refusal or failure, with the evidence as its message. The effect is [`Effect::None`],
    /// since a check changes nothing. Where no diagnosis was kept, the kind follows from the verdict.
    pub fn to_diagnosis(&self) -> Diagnosis {
        let known = self.diagnosis.clone().unwrap_or_else(|| Diagnosis::new(self.usual_kind(), ""));
        known.with_message(self.evidence.as_str()).with_effect(Effect::None)
    }

    /// An error for a caller that cannot go on without an accepted credential. `message` says what that means for the
    /// caller; the evidence follows it.
    ///
    /// Code, status, advice and pause are those of the check. What failed has had no effect.
    pub fn to_error(&self, kind: ErrorKind, message: &str) -> Error {
        Error::from(self.to_diagnosis().with_kind(kind).with_message(format!("{message}: {}", self.evidence)))
    }

    fn usual_kind(&self) -> ErrorKind {
        match self.verdict {
            CredentialVerdict::Rejected => ErrorKind::Unauthenticated,
            // None of these says that the credential is wrong: a caller who tries again later may succeed.
            CredentialVerdict::Accepted | CredentialVerdict::Pending | CredentialVerdict::Inconclusive => {
                ErrorKind::Unavailable
            }
        }
    }
}

/// The serialised form. It also reads the earlier one, in which code, advice and pause stood beside the verdict.
#[derive(Deserialize)]
struct Stored {
    verdict: CredentialVerdict,
    evidence: String,
    diagnosis: Option<Diagnosis>,
    service_code: Option<String>,
    advice: Option<String>,
    retry_after: Option<Duration>,
}

impl From<Stored> for Assessment {
    fn from(stored: Stored) -> Self {
        let mut assessment = Self::new(stored.verdict, stored.evidence);
        assessment.diagnosis = stored.diagnosis;
        if let Some(code) = stored.service_code {
            assessment = assessment.with_service_code(code);
        }
        if let Some(advice) = stored.advice {
            assessment = assessment.with_advice(advice);
        }
        if let Some(pause) = stored.retry_after {
            assessment = assessment.with_retry_after(pause);
        }
        assessment
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused() -> Error {
        Error::new(ErrorKind::Unauthenticated, "the secret is refused")
            .in_operation("identity.token")
            .with_http_status(401)
            .with_service_code("AADSTS7000215")
            .with_retry(Retry::After(Duration::from_secs(30)))
            .with_advice("store the Value")
    }

    #[test]
    fn what_an_error_said_is_said_once_on_its_way_back() {
        let assessment = Assessment::inconclusive(&refused());
        let error = assessment.to_error(ErrorKind::Unavailable, "the new secret could not be tested");
        assert_eq!(
            error.to_string(),
            "the new secret could not be tested: identity.token: the secret is refused (HTTP 401, AADSTS7000215, try \
             again in 30 seconds)"
        );
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None));
        assert_eq!((error.service_code(), error.http_status()), (Some("AADSTS7000215"), Some(401)));
        assert_eq!((error.advice(), error.retry()), ("store the Value", refused().retry()));
    }

    #[test]
    fn what_the_caller_adds_is_kept_beside_what_the_error_said() {
        let assessment = Assessment::of_error(CredentialVerdict::Pending, &refused()).with_advice("wait");
        assert_eq!((assessment.advice(), assessment.service_code()), (Some("wait"), Some("AADSTS7000215")));
        assert_eq!(assessment.retry_after(), Some(Duration::from_secs(30)));
    }

    #[test]
    fn the_form_before_is_read() {
        let read: Assessment = serde_json::from_value(json!({
            "verdict": "inconclusive",
            "evidence": "identity.token: not working (HTTP 503)",
            "service_code": "AADSTS90033",
            "advice": "try again later",
            "retry_after": {"secs": 90, "nanos": 0}
        }))
        .unwrap();
        assert_eq!((read.service_code(), read.advice()), (Some("AADSTS90033"), Some("try again later")));
        assert_eq!(read.retry_after(), Some(Duration::from_secs(90)));
        let again = serde_json::from_value::<Assessment>(serde_json::to_value(&read).unwrap()).unwrap();
        assert_eq!(again, read);
    }
}
