//! How a service says that something went wrong.

use azconnect_core::{Effect, Error, ErrorKind};
use http::StatusCode;

use crate::transport::Response;

/// Tells a service's successes from its failures.
///
/// The pipeline adds the operation, the request id and the pause of `Retry-After` where the dialect leaves them out.
pub trait Dialect: Send + Sync {
    /// `Ok` for a success, whatever its status; else the error, with kind, code, advice, and what is known of effect
    /// and retry. A `Retry-After` of the answer is applied by the pipeline to errors that may be retried.
    ///
    /// # Errors
    /// What the answer says went wrong.
    fn judge(&self, answer: &Response) -> Result<(), Error>;
}

/// The dialect of HTTP itself: every 2xx is a success, and an error is judged by its status alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainDialect;

impl Dialect for PlainDialect {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        if answer.status().is_success() {
            return Ok(());
        }
        Err(error_of_status(answer.status()))
    }
}

/// The kind of error that a status stands for, when nothing else is known.
pub fn kind_of_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        400 | 422 => ErrorKind::InvalidInput,
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::PermissionDenied,
        404 | 410 => ErrorKind::NotFound,
        405 | 501 => ErrorKind::Unsupported,
        408 => ErrorKind::Timeout,
        409 | 412 => ErrorKind::Conflict,
        429 => ErrorKind::Throttled,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Unexpected,
    }
}

/// An error for a status alone. Refusals prove that nothing was applied; a 5xx, a 408 or a 409 does not.
fn error_of_status(status: StatusCode) -> Error {
    let effect = match status.as_u16() {
        408 | 409 | 500..=599 => Effect::Unknown,
        400..=499 => Effect::None,
        _ => Effect::Unknown,
    };
    Error::new(kind_of_status(status), "the service refused the request")
        .with_effect(effect)
        .with_http_status(status.as_u16())
}
