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

impl<D: Dialect + ?Sized> Dialect for &D {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        (**self).judge(answer)
    }
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

/// An error for a status alone. A refusal comes before anything is applied. A 5xx proves nothing, nor do a 409, which may have
/// been found at work, and a 408 or 499, which say that somebody ceased to wait.
fn error_of_status(status: StatusCode) -> Error {
    let effect = match status.as_u16() {
        408 | 409 | 499 => Effect::Unknown,
        400..=499 => Effect::None,
        _ => Effect::Unknown,
    };
    Error::new(kind_of_status(status), "the service refused the request")
        .with_effect(effect)
        .with_http_status(status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_kind_and_says_what_it_proves() {
        use ErrorKind::*;
        for (status, kind, effect) in [
            (302, Unexpected, Effect::Unknown),
            (400, InvalidInput, Effect::None),
            (401, Unauthenticated, Effect::None),
            (403, PermissionDenied, Effect::None),
            (404, NotFound, Effect::None),
            (405, Unsupported, Effect::None),
            (408, Timeout, Effect::Unknown),
            (409, Conflict, Effect::Unknown),
            (410, NotFound, Effect::None),
            (412, Conflict, Effect::None),
            (422, InvalidInput, Effect::None),
            (429, Throttled, Effect::None),
            (498, Unexpected, Effect::None),
            (499, Unexpected, Effect::Unknown),
            (500, Unavailable, Effect::Unknown),
            (501, Unsupported, Effect::Unknown),
            (503, Unavailable, Effect::Unknown),
            (599, Unavailable, Effect::Unknown),
        ] {
            let answer = http::Response::builder().status(status).body(Default::default()).unwrap();
            let error = PlainDialect.judge(&answer).unwrap_err();
            assert_eq!((error.kind(), error.effect(), error.http_status()), (kind, effect, Some(status)));
        }
        for status in [200, 201, 202, 204, 299] {
            let answer = http::Response::builder().status(status).body(Default::default()).unwrap();
            assert!(PlainDialect.judge(&answer).is_ok(), "{status}");
        }
    }
}
