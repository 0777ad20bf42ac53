//! What the service finishes in the background: how long it is waited for, and how far it is.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind};

use crate::document::{Endpoint, OperationState, shown};

/// How often, and for how long, to look whether a connection is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadyPolicy {
    /// The pause between two readings of the connection. A longer one that the service asks for counts instead.
    pub interval: Duration,
    /// How long to wait in all before giving up.
    pub time_limit: Duration,
}

impl Default for ReadyPolicy {
    /// Reads the connection every 10 seconds for 2 minutes.
    fn default() -> Self {
        Self { interval: Duration::from_secs(10), time_limit: Duration::from_secs(120) }
    }
}

impl ReadyPolicy {
    /// Sets the pause between two readings of the connection.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how long to wait in all before giving up.
    #[must_use]
    pub fn with_time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }
}

/// A change that the service has taken, and may still be at work on.
///
/// ```
/// use azconnect_devops::Progress;
///
/// let change = Progress::Pending("the connection as it was read last");
/// assert!(change.is_pending());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a change that is pending may still fail"]
pub enum Progress<T> {
    /// The change is made.
    Done(T),
    /// The service was still at work when the time to wait was over. Nothing has failed: look again later.
    Pending(T),
}

impl<T> Progress<T> {
    /// Whether the service was still at work.
    pub fn is_pending(&self) -> bool {
        matches!(self, Self::Pending(_))
    }

    /// What was read last, done or not.
    pub fn into_inner(self) -> T {
        match self {
            Self::Done(inner) | Self::Pending(inner) => inner,
        }
    }

    /// What was made, or an error where the service is still at work.
    ///
    /// # Errors
    /// [`Timeout`](ErrorKind::Timeout) with effect [`Unknown`](Effect::Unknown) for a change that is pending.
    pub fn done(self) -> Result<T, Error> {
        match self {
            Self::Done(inner) => Ok(inner),
            Self::Pending(_) => Err(Error::new(ErrorKind::Timeout, "Azure DevOps is still at work on the connection")
                .with_effect(Effect::Unknown)
                .in_operation("devops.endpoint.wait")
                .with_advice("the change was taken: wait, and read the connection again; do not send it twice")),
        }
    }
}

/// Whether the service says that it is at work on a connection.
pub(crate) fn is_under_way(endpoint: &Endpoint) -> bool {
    endpoint.operation_status().is_some_and(|status| status.is(&OperationState::InProgress))
        || endpoint.is_ready() == Some(false)
}

/// The service's own text and code, if what it did in the background has failed.
pub(crate) fn failure(endpoint: &Endpoint) -> Option<Error> {
    let status = endpoint.operation_status().filter(|status| status.is(&OperationState::Failed))?;
    let error = Error::new(
        ErrorKind::Unsupported,
        format!("Azure DevOps could not do this to the connection: {}", shown(status.message)),
    )
    .with_effect(Effect::Unknown)
    .in_operation("devops.endpoint.wait")
    .with_advice("remove the cause that the service names, then delete the connection or try again");
    Some(match status.error_code.filter(|code| code.len() <= 80) {
        Some(code) => error.with_service_code(code),
        None => error,
    })
}

/// Whether a failure to read may pass, so that another look may help.
pub(crate) fn passes(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Throttled)
}
