//! The one error that crosses every port.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// What went wrong, coarse enough for a caller to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Someone else changed the same thing, or it exists already.
    Conflict,
    /// A value given by the caller cannot be used; nothing was sent.
    InvalidInput,
    /// The thing named does not exist, or the caller may not know that it does.
    NotFound,
    /// The caller is known, and may not do this.
    PermissionDenied,
    /// The service asks to slow down.
    Throttled,
    /// No answer came in time.
    Timeout,
    /// The service does not accept who the caller claims to be.
    Unauthenticated,
    /// The service, or the way to it, is not working now.
    Unavailable,
    /// Stored or received data is damaged or cannot be opened.
    Corrupt,
    /// The operation does not exist for this thing.
    Unsupported,
    /// None of the above: an answer no document describes.
    Unexpected,
}

/// Whether a failed operation may have changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// Provably nothing was applied.
    None,
    /// It may have been applied: read before doing it again.
    Unknown,
}

/// Whether the same operation may succeed later without anyone changing anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// It will fail again.
    No,
    /// It may succeed after a pause of the caller's choice.
    Backoff,
    /// It may succeed after the pause the service named.
    After(Duration),
}

/// What failed, whether it had an effect, and what the person should do.
///
/// [`Display`](fmt::Display) is one line, holds no body of an answer and never the source; [`Error::advice`] is always
/// an instruction.
///
/// ```
/// use azconnect_core::{Effect, Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::NotFound, "the application does not exist")
///     .with_operation("graph.application.get")
///     .with_http_status(404)
///     .with_effect(Effect::None)
///     .with_advice("check the client id, and that the application is in this tenant");
/// assert_eq!(error.to_string(), "graph.application.get: the application does not exist (HTTP 404)");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    effect: Effect,
    retry: Retry,
    operation: Option<String>,
    field: Option<String>,
    service_code: Option<String>,
    http_status: Option<u16>,
    request_id: Option<String>,
    advice: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind. Its effect is [`Effect::Unknown`] until someone proves otherwise, except for
    /// [`ErrorKind::InvalidInput`], which by definition precedes every effect.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let effect = match kind {
            ErrorKind::InvalidInput => Effect::None,
            _ => Effect::Unknown,
        };
        let retry = match kind {
            ErrorKind::Throttled | ErrorKind::Timeout | ErrorKind::Unavailable => Retry::Backoff,
            _ => Retry::No,
        };
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            effect,
            retry,
            operation: None,
            field: None,
            service_code: None,
            http_status: None,
            request_id: None,
            advice: None,
            source: None,
        }))
    }

    /// A value the caller gave cannot be used: names the field, and says why.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::InvalidInput, message);
        error.0.field = Some(field.into());
        error
    }

    /// Sets what is known about the effect.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.0.effect = effect;
        self
    }

    /// Sets whether and when to try again.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Replaces the message, which is one line without any secret or body of an answer.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Names the operation, such as `graph.application.add_password`. The innermost name wins.
    #[must_use]
    pub fn with_operation(mut self, operation: impl Into<String>) -> Self {
        self.0.operation.get_or_insert_with(|| operation.into());
        self
    }

    /// Names the field of the caller's input.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Sets the service's own code, such as `AADSTS7000215` or `AuthorizationFailed`.
    #[must_use]
    pub fn with_service_code(mut self, code: impl Into<String>) -> Self {
        self.0.service_code = Some(code.into());
        self
    }

    /// Sets the HTTP status of the answer.
    #[must_use]
    pub fn with_http_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    /// Sets the service's id of the request, for its support.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// Sets what the person should do.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// Sets the cause. It is never part of [`Display`](fmt::Display).
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether something may have changed.
    pub fn effect(&self) -> Effect {
        self.0.effect
    }

    /// Whether and when to try again.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// The operation that failed.
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_deref()
    }

    /// The field of the caller's input that is wrong.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The service's own code.
    pub fn service_code(&self) -> Option<&str> {
        self.0.service_code.as_deref()
    }

    /// The HTTP status of the answer, where there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The service's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// What went wrong, without the operation and the codes that [`Display`](fmt::Display) adds.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the person should do. Where no catalogue knows better, the general remedy of the kind.
    pub fn advice(&self) -> &str {
        self.0.advice.as_deref().unwrap_or(match self.0.kind {
            ErrorKind::Conflict => "read the current state and decide again",
            ErrorKind::InvalidInput => "correct the named value",
            ErrorKind::NotFound => "check the name or id, and that the caller may see it",
            ErrorKind::PermissionDenied => "ask an administrator for the permission of this operation",
            ErrorKind::Throttled => "try again later, and send fewer requests",
            ErrorKind::Timeout => "read the current state; try again if nothing changed",
            ErrorKind::Unauthenticated => "check the credential, its expiry and its tenant",
            ErrorKind::Unavailable => "check the network and the service's status, then try again",
            ErrorKind::Corrupt => "restore the data from a backup, or check the key that opens it",
            ErrorKind::Unsupported => "use another kind of operation for this object",
            ErrorKind::Unexpected => "report this with the request id",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = &self.0.operation {
            write!(f, "{operation}: ")?;
        }
        if let Some(field) = &self.0.field {
            write!(f, "{field}: ")?;
        }
        write_line(f, &self.0.message)?;
        let facts = [
            self.0.http_status.map(|status| format!("HTTP {status}")),
            self.0.service_code.clone(),
            self.0.request_id.as_ref().map(|id| format!("request {id}")),
        ];
        let facts: Vec<_> = facts.into_iter().flatten().collect();
        if facts.is_empty() {
            return Ok(());
        }
        f.write_str(" (")?;
        write_line(f, &facts.join(", "))?;
        f.write_str(")")
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("effect", &self.0.effect)
            .field("retry", &self.0.retry)
            .field("text", &self.to_string())
            .field("advice", &self.advice())
            .field("source", &self.0.source.as_ref().map(ToString::to_string))
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Writes a text as one line: a service's code or a message may not forge a second log line.
fn write_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.chars().try_for_each(|c| fmt::Write::write_char(f, if c.is_control() { ' ' } else { c }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_one_line_without_the_source() {
        let error = Error::new(ErrorKind::Unavailable, "no\nanswer")
            .with_operation("op")
            .with_service_code("A\r\nB")
            .with_source("inner cause");
        assert_eq!(error.to_string(), "op: no answer (A  B)");
        assert_eq!(error.source().unwrap().to_string(), "inner cause");
    }

    #[test]
    fn the_innermost_operation_wins() {
        let error = Error::new(ErrorKind::Timeout, "late").with_operation("inner").with_operation("outer");
        assert_eq!(error.operation(), Some("inner"));
    }

    #[test]
    fn effect_is_unknown_unless_the_input_was_refused() {
        assert_eq!(Error::new(ErrorKind::PermissionDenied, "x").effect(), Effect::Unknown);
        assert_eq!(Error::invalid("name", "x").effect(), Effect::None);
    }

    #[test]
    fn every_kind_has_advice() {
        assert!(!Error::new(ErrorKind::Corrupt, "x").advice().is_empty());
    }
}
