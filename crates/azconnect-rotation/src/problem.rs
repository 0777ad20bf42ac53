//! A failure in a form that a journal can hold.

use std::fmt;
use std::time::Duration;

use azconnect_core::{Diagnosis, Effect, Error, ErrorKind, Retry};
use azconnect_credential::Assessment;
use serde::{Deserialize, Serialize};

/// What went wrong and what to do, without any secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
#[non_exhaustive]
pub struct Problem {
    /// What failed, how, and with which effect.
    pub diagnosis: Diagnosis,
    /// Whether the rotation tries again. It does so more often than the diagnosis alone would permit, since it also waits
    /// for what a person puts right meanwhile.
    pub may_pass: bool,
    /// What it is about, in words for a person, such as the title of a consumer; none for the subject itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

impl Problem {
    /// A failure of our own that nobody can wait out.
    pub fn lasting(message: impl Into<String>, advice: impl Into<String>) -> Self {
        let diagnosis = Diagnosis::new(ErrorKind::Conflict, message).with_effect(Effect::None).with_advice(advice);
        Self { diagnosis, may_pass: false, about: None }
    }

    /// Says what it is about, where nothing is said yet.
    #[must_use]
    pub fn about(mut self, title: &str) -> Self {
        self.about.get_or_insert_with(|| title.to_owned());
        self
    }

    /// Whether nobody refused anything: a service did not answer, or has no time now.
    pub fn is_outage(&self) -> bool {
        matches!(self.diagnosis.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Throttled)
    }

    /// Whether somebody was told *no* for a reason that seldom passes by itself.
    pub(crate) fn is_standing(&self) -> bool {
        is_hopeless(self.diagnosis.kind())
    }

    /// What the person should do; the general remedy for the kind of failure where nothing better is known.
    pub fn advice(&self) -> &str {
        self.diagnosis.advice()
    }

    /// The service's own code, where there is one.
    pub fn service_code(&self) -> Option<&str> {
        self.diagnosis.service_code()
    }

    /// The pause the service asked for, where it named one.
    pub fn retry_after(&self) -> Option<Duration> {
        self.diagnosis.retry_after()
    }

    /// Whether provably nothing was changed.
    pub fn is_untouched(&self) -> bool {
        self.diagnosis.effect() == Effect::None
    }
}

fn is_hopeless(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidInput | ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::Unsupported)
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let may_pass = !is_hopeless(error.kind()) || error.retry() != Retry::No;
        Self { diagnosis: error.diagnosis().clone(), may_pass, about: None }
    }
}

impl From<&Assessment> for Problem {
    fn from(assessment: &Assessment) -> Self {
        let diagnosis = assessment.to_diagnosis();
        let diagnosis = match assessment.advice() {
            Some(_) => diagnosis,
            None => diagnosis.with_advice("look at the consumer and try again"),
        };
        Self { diagnosis, may_pass: true, about: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(about) = &self.about {
            write!(f, "{about}: ")?;
        }
        fmt::Display::fmt(&self.diagnosis, f)
    }
}

/// The forms in which journals hold a problem.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Current {
        diagnosis: Diagnosis,
        may_pass: bool,
        #[serde(default)]
        about: Option<String>,
    },
    /// The form of the first journals, in which the kind was not kept.
    Flat {
        message: String,
        advice: String,
        service_code: Option<String>,
        may_pass: bool,
        untouched: bool,
        retry_after: Option<Duration>,
    },
}

impl From<Stored> for Problem {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Current { diagnosis, may_pass, about } => Self { diagnosis, may_pass, about },
            Stored::Flat { message, advice, service_code, may_pass, untouched, retry_after } => {
                let effect = if untouched { Effect::None } else { Effect::Unknown };
                let retry = match retry_after {
                    Some(pause) => Retry::After(pause),
                    None if may_pass => Retry::Backoff,
                    None => Retry::No,
                };
                let known = Diagnosis::new(ErrorKind::Unexpected, message).with_advice(advice);
                let known = known.with_effect(effect).with_retry(retry);
                let diagnosis = match service_code {
                    Some(code) => known.with_service_code(code),
                    None => known,
                };
                Self { diagnosis, may_pass, about: None }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_of_the_first_journals_is_read() {
        let written = json!({
            "message": "graph.application.add_password: Graph asks to slow down (HTTP 429, TooManyRequests)",
            "advice": "try again later",
            "service_code": "TooManyRequests",
            "may_pass": true,
            "untouched": true,
            "retry_after": {"secs": 30, "nanos": 0}
        });
        let read: Problem = serde_json::from_value(written.clone()).unwrap();
        let shown = format!("{} (try again in 30 seconds)", written["message"].as_str().unwrap());
        assert_eq!(read.to_string(), shown);
        assert_eq!((read.advice(), read.service_code()), ("try again later", Some("TooManyRequests")));
        assert_eq!(read.retry_after(), Some(Duration::from_secs(30)));
        assert!(read.may_pass && read.is_untouched());
        let short = json!({"message": "m", "advice": "a", "may_pass": false, "untouched": false});
        let read: Problem = serde_json::from_value(short).unwrap();
        assert!(!read.may_pass && !read.is_untouched());
    }

    #[test]
    fn a_problem_is_the_same_after_writing_and_reading() {
        let refused = Error::new(ErrorKind::PermissionDenied, "may not").in_operation("op").with_http_status(403);
        for problem in [Problem::from(&refused), Problem::lasting("m", "a").about("the connection \"deploy\"")] {
            let written = serde_json::to_value(&problem).unwrap();
            assert_eq!(serde_json::from_value::<Problem>(written).unwrap(), problem);
        }
    }

    #[test]
    fn what_a_consumer_s_check_said_is_said_once() {
        let error =
            Error::new(ErrorKind::Unavailable, "no answer").in_operation("devops.endpoint.test").with_http_status(503);
        let problem = Problem::from(&Assessment::inconclusive(&error));
        assert_eq!(problem.to_string(), error.to_string());
        assert!(problem.may_pass && problem.is_untouched());
    }
}
