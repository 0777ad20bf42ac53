//! The one error that crosses every port.

use std::error::Error as StdError;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::diagnosis::Diagnosis;
use crate::effect::{Effect, Retry};
use crate::error_kind::ErrorKind;

/// What failed, whether it had an effect, and what the person should do: a [`Diagnosis`] and the source that led to it.
///
/// [`Display`](fmt::Display) is one line, holds no body of an answer and never the source; [`Error::advice`] is always
/// an instruction. Serialised, it is its diagnosis.
///
/// ```
/// use azconnect_core::{Effect, Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::NotFound, "the application does not exist")
///     .in_operation("graph.application.get")
///     .with_http_status(404)
///     .with_effect(Effect::None)
///     .with_advice("check the client id, and that the application is in this tenant");
/// assert_eq!(error.to_string(), "graph.application.get: the application does not exist (HTTP 404)");
/// ```
pub struct Error {
    diagnosis: Diagnosis,
    service_text: Option<Box<str>>,
    claims: Option<Box<str>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of a kind. Its effect is [`Effect::Unknown`] until someone proves otherwise, except for
    /// [`ErrorKind::InvalidInput`], which by definition precedes every effect.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::from(Diagnosis::new(kind, message))
    }

    /// A value the caller gave cannot be used: names the field by its stable path, such as `client_secret`, and says why.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::from(Diagnosis::invalid(field, message))
    }

    /// What is known about the failure, to keep or show without the source.
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// What is known about the failure. The source is dropped.
    pub fn into_diagnosis(self) -> Diagnosis {
        self.diagnosis
    }

    /// Changes the diagnosis and keeps the source.
    fn map(self, change: impl FnOnce(Diagnosis) -> Diagnosis) -> Self {
        Self { diagnosis: change(self.diagnosis), ..self }
    }

    /// Sets whether the failed operation may have changed something.
    #[must_use]
    pub fn with_effect(self, effect: Effect) -> Self {
        self.map(|diagnosis| diagnosis.with_effect(effect))
    }

    /// Sets whether and when to try again.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        self.map(|diagnosis| diagnosis.with_retry(retry))
    }

    /// The same facts as an error of another kind, which now decides whether to try again, unless the service named a
    /// pause. Advice that only followed from the kind changes with it.
    #[must_use]
    pub fn with_kind(self, kind: ErrorKind) -> Self {
        self.map(|diagnosis| diagnosis.with_kind(kind))
    }

    /// Replaces the message, which is one line without any secret or body of an answer.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        self.map(|diagnosis| diagnosis.with_message(message))
    }

    /// Says in which operation it failed, such as `graph.application.add_password`, unless that is known already: the
    /// innermost operation stays.
    #[must_use]
    pub fn in_operation(self, operation: impl Into<String>) -> Self {
        self.map(|diagnosis| diagnosis.in_operation(operation))
    }

    /// Names the field of the caller's input by its stable path, such as `client_secret`.
    #[must_use]
    pub fn with_field(self, field: impl Into<String>) -> Self {
        self.map(|diagnosis| diagnosis.with_field(field))
    }

    /// Sets the service's own code, such as `AADSTS7000215` or `AuthorizationFailed`.
    #[must_use]
    pub fn with_service_code(self, code: impl Into<String>) -> Self {
        self.map(|diagnosis| diagnosis.with_service_code(code))
    }

    /// Sets the HTTP status of the answer.
    #[must_use]
    pub fn with_http_status(self, status: u16) -> Self {
        self.map(|diagnosis| diagnosis.with_http_status(status))
    }

    /// Sets the service's id of the request, for its support.
    #[must_use]
    pub fn with_request_id(self, id: impl Into<String>) -> Self {
        self.map(|diagnosis| diagnosis.with_request_id(id))
    }

    /// Sets the advice: what the person should do, as an instruction in one line.
    #[must_use]
    pub fn with_advice(self, advice: impl Into<String>) -> Self {
        self.map(|diagnosis| diagnosis.with_advice(advice))
    }

    /// Sets the service's own words about the failure, after whatever was sent to it, and whatever looks secret, was hidden in
    /// them: `azconnect_http::service_text` does that.
    #[must_use]
    pub fn with_service_text(mut self, text: impl Into<Box<str>>) -> Self {
        self.service_text = Some(text.into());
        self
    }

    /// The same error without the service's own words.
    #[must_use]
    pub fn without_service_text(mut self) -> Self {
        self.service_text = None;
        self
    }

    /// Sets the cause. It is never part of [`Display`](fmt::Display).
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong, in a kind that a caller can branch on.
    pub fn kind(&self) -> ErrorKind {
        self.diagnosis.kind()
    }

    /// Whether the failed operation may have changed something.
    pub fn effect(&self) -> Effect {
        self.diagnosis.effect()
    }

    /// Whether the same operation may succeed later, and after which pause.
    pub fn retry(&self) -> Retry {
        self.diagnosis.retry()
    }

    /// The operation that failed, such as `graph.application.get`.
    pub fn operation(&self) -> Option<&str> {
        self.diagnosis.operation()
    }

    /// The field of the caller's input that is wrong, as a stable path such as `client_secret`.
    pub fn field(&self) -> Option<&str> {
        self.diagnosis.field()
    }

    /// The service's own code, such as `AADSTS7000215` or `AuthorizationFailed`.
    pub fn service_code(&self) -> Option<&str> {
        self.diagnosis.service_code()
    }

    /// The HTTP status of the answer, where there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.diagnosis.http_status()
    }

    /// The service's id of the request, which its support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.diagnosis.request_id()
    }

    /// The service's own words about the failure, in one line, for a person to read. What was sent, and what looks like a secret,
    /// stands in them as `…`.
    ///
    /// They are no part of [`Display`](fmt::Display), `Debug`, the diagnosis or its serialised form, and so in no log, event
    /// or journal. They may name what the service knows of its resources: show them to whoever made the request.
    pub fn service_text(&self) -> Option<&str> {
        self.service_text.as_deref()
    }

    /// Sets what the service wants of the next token.
    #[must_use]
    pub fn with_claims(mut self, claims: impl Into<Box<str>>) -> Self {
        self.claims = Some(claims.into());
        self
    }

    /// What the service wants of the next token before it accepts one, as the JSON of a `claims` request: a sign-in that sends
    /// them is the answer to this refusal. They hold no secret.
    pub fn claims(&self) -> Option<&str> {
        self.claims.as_deref()
    }

    /// What went wrong, without the operation and the codes that [`Display`](fmt::Display) adds.
    pub fn message(&self) -> &str {
        self.diagnosis.message()
    }

    /// What the person should do: the advice of a catalogue or of the caller, else the general remedy of the kind.
    pub fn advice(&self) -> &str {
        self.diagnosis.advice()
    }
}

impl From<Diagnosis> for Error {
    fn from(diagnosis: Diagnosis) -> Self {
        Self { diagnosis, service_text: None, claims: None, source: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.diagnosis, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind())
            .field("effect", &self.effect())
            .field("retry", &self.retry())
            .field("text", &self.to_string())
            .field("advice", &self.advice())
            .field("source", &self.source.as_ref().map(ToString::to_string))
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.diagnosis.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_one_line_without_the_source() {
        let error = Error::new(ErrorKind::Unavailable, "no\nanswer")
            .in_operation("op")
            .with_service_code("A\r\nB")
            .with_source("inner cause");
        assert_eq!(error.to_string(), "op: no answer (A  B)");
        assert_eq!(error.source().unwrap().to_string(), "inner cause");
    }

    #[test]
    fn the_service_s_words_are_shown_to_whoever_asks_and_to_nobody_else() {
        let error =
            Error::new(ErrorKind::Conflict, "refused").with_service_text("the disk is in use").in_operation("op");
        assert_eq!(error.service_text(), Some("the disk is in use"));
        let elsewhere = format!("{error} {error:?} {} {:?}", serde_json::to_string(&error).unwrap(), error.diagnosis());
        assert!(!elsewhere.contains("disk"), "{elsewhere}");
        assert_eq!(error.without_service_text().service_text(), None);
    }

    #[test]
    fn the_innermost_operation_wins() {
        let error = Error::new(ErrorKind::Timeout, "late").in_operation("inner").in_operation("outer");
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
