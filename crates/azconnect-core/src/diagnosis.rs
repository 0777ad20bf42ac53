//! What is known about a failure: the content of an error, to copy, keep and show.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::effect::{Effect, Retry};
use crate::error_kind::ErrorKind;
use crate::pause::in_words;

/// What failed, whether it had an effect, and what the person should do: an [`Error`](crate::Error) without its source.
///
/// An error carries it through ports; an assessment, a check and a journal keep it. It is serialised under stable
/// names, always with the advice, so that a web page can show it as it is.
///
/// [`Display`](fmt::Display) is one line that names operation, status and code once, also if the message names them
/// already. It also says in words how long a service asked to wait, as does the advice where nobody knew a better one.
///
/// ```
/// use azconnect_core::{Diagnosis, Error, ErrorKind};
///
/// let seen = Diagnosis::new(ErrorKind::NotFound, "the application does not exist").with_http_status(404);
/// let shown = serde_json::to_value(&seen)?;
/// assert_eq!(shown["kind"], "not_found");
/// assert_eq!(shown["advice"], "check the name or id, and that the caller may see it");
///
/// let error = Error::from(seen.clone());
/// assert_eq!(error.diagnosis(), &seen);
/// assert_eq!(error.to_string(), "the application does not exist (HTTP 404)");
/// # Ok::<(), serde_json::Error>(())
/// ```
// Boxed: it is part of nearly every `Result` of these crates, and would make each as large as itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct Diagnosis(Box<Content>);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
struct Content {
    kind: ErrorKind,
    message: String,
    advice: Cow<'static, str>,
    effect: Effect,
    retry: Retry,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

/// The serialised form. Only the message is needed: whatever else is absent has the value that [`Diagnosis::new`] gives it.
#[derive(Deserialize)]
struct Stored {
    kind: Option<ErrorKind>,
    message: String,
    advice: Option<String>,
    effect: Option<Effect>,
    retry: Option<Retry>,
    operation: Option<String>,
    field: Option<String>,
    service_code: Option<String>,
    http_status: Option<u16>,
    request_id: Option<String>,
}

impl From<Stored> for Content {
    fn from(stored: Stored) -> Self {
        let new = Self::new(stored.kind.unwrap_or(ErrorKind::Unexpected), stored.message);
        let retry = stored.retry.unwrap_or(new.retry);
        Self {
            advice: stored.advice.map_or_else(|| usual_advice(new.kind, retry), Cow::Owned),
            effect: stored.effect.unwrap_or(new.effect),
            retry,
            operation: stored.operation,
            field: stored.field,
            service_code: stored.service_code,
            http_status: stored.http_status,
            request_id: stored.request_id,
            ..new
        }
    }
}

impl Content {
    /// Changes what the general remedy follows from. Advice that was written for this failure stays: it is still true.
    fn change(&mut self, kind: ErrorKind, retry: Retry) {
        if self.advice == usual_advice(self.kind, self.retry) {
            self.advice = usual_advice(kind, retry);
        }
        (self.kind, self.retry) = (kind, retry);
    }

    fn new(kind: ErrorKind, message: String) -> Self {
        Self {
            kind,
            message,
            advice: Cow::Borrowed(kind.advice()),
            effect: match kind {
                ErrorKind::InvalidInput => Effect::None,
                _ => Effect::Unknown,
            },
            retry: usual_retry(kind),
            operation: None,
            field: None,
            service_code: None,
            http_status: None,
            request_id: None,
        }
    }
}

impl Diagnosis {
    /// A failure of a kind. Its effect is [`Effect::Unknown`] until someone proves otherwise, except for
    /// [`ErrorKind::InvalidInput`], which by definition precedes every effect. Its advice is the kind's general remedy.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Content::new(kind, message.into())))
    }

    /// A value the caller gave cannot be used: names the field by its stable path, such as `client_secret`, and says why.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message).with_field(field)
    }

    /// The same facts as a failure of another kind, which now decides whether to try again, unless the service named a
    /// pause. Advice that only followed from the kind changes with it.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        // A pause that the service named is a fact, whichever kind the failure is given.
        let retry = if self.retry_after().is_none() { usual_retry(kind) } else { self.retry() };
        self.0.change(kind, retry);
        self
    }

    /// Replaces the message, which is one line without any secret or body of an answer.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Sets whether the failed operation may have changed something.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.0.effect = effect;
        self
    }

    /// Sets whether and when to try again.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.change(self.kind(), retry);
        self
    }

    /// Says in which operation it failed, such as `graph.application.add_password`, unless that is known already: the
    /// innermost operation stays.
    #[must_use]
    pub fn in_operation(mut self, operation: impl Into<String>) -> Self {
        self.0.operation.get_or_insert_with(|| operation.into());
        self
    }

    /// Names the field of the caller's input by its stable path, such as `client_secret`.
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

    /// Sets the advice: what the person should do, as an instruction in one line.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Cow::Owned(advice.into());
        self
    }

    /// What went wrong, in a kind that a caller can branch on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What went wrong, without the operation and the codes that [`Display`](fmt::Display) adds.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether the failed operation may have changed something.
    pub fn effect(&self) -> Effect {
        self.0.effect
    }

    /// Whether the same operation may succeed later, and after which pause.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// The pause that the service asked for before it is asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry.named_pause()
    }

    /// The operation that failed, such as `graph.application.get`.
    pub fn operation(&self) -> Option<&str> {
        self.0.operation.as_deref()
    }

    /// The field of the caller's input that is wrong, as a stable path such as `client_secret`.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The service's own code, such as `AADSTS7000215` or `AuthorizationFailed`.
    pub fn service_code(&self) -> Option<&str> {
        self.0.service_code.as_deref()
    }

    /// The HTTP status of the answer, where there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The service's id of the request, which its support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// What the person should do: the advice of a catalogue or of the caller, else the general remedy of the kind.
    pub fn advice(&self) -> &str {
        &self.0.advice
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.message();
        for place in [self.operation(), self.field()].into_iter().flatten() {
            if !names(message, &format!("{place}:")) {
                write_line(f, place)?;
                f.write_str(": ")?;
            }
        }
        write_line(f, message)?;
        let facts = [
            self.http_status().map(|status| format!("HTTP {status}")),
            self.service_code().map(str::to_owned),
            self.request_id().map(|id| format!("request {id}")),
            self.retry_after().map(|pause| format!("try again in {}", in_words(pause))),
        ];
        // A message may quote another failure, such as that of the test before a push, and then names its facts.
        let facts: Vec<_> = facts.into_iter().flatten().filter(|fact| !names(message, fact)).collect();
        if facts.is_empty() {
            return Ok(());
        }
        f.write_str(" (")?;
        write_line(f, &facts.join(", "))?;
        f.write_str(")")
    }
}

impl fmt::Debug for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnosis")
            .field("kind", &self.kind())
            .field("effect", &self.effect())
            .field("retry", &self.retry())
            .field("text", &self.to_string())
            .field("advice", &self.advice())
            .finish()
    }
}

/// Whether a failure of a kind may pass by itself, where nobody knows better.
fn usual_retry(kind: ErrorKind) -> Retry {
    match kind {
        ErrorKind::Throttled | ErrorKind::Timeout | ErrorKind::Unavailable => Retry::Backoff,
        _ => Retry::No,
    }
}

/// The remedy where nobody knows better: the kind's own, which names the pause that the service asked for.
fn usual_advice(kind: ErrorKind, retry: Retry) -> Cow<'static, str> {
    let Some(pause) = retry.named_pause().map(in_words) else { return Cow::Borrowed(kind.advice()) };
    match kind {
        ErrorKind::Throttled => Cow::Owned(format!("try again in {pause}, and send fewer requests")),
        ErrorKind::Unavailable => {
            Cow::Owned(format!("try again in {pause}; if it goes on, check the network and the service's status"))
        }
        _ => Cow::Borrowed(kind.advice()),
    }
}

/// Whether a text names something: as a whole word, not as a part of a longer one.
fn names(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    // A dot belongs to the word before it only if the word goes on: `a.b` is one operation, `HTTP 404.` ends a sentence.
    let goes_on = |rest: &str| {
        let mut rest = rest.chars();
        rest.next().is_some_and(|c| is_part(c) || (c == '.' && rest.next().is_some_and(is_part)))
    };
    let open_ended = word.ends_with(':');
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            let (before, rest) = text.split_at(at);
            let after = rest.get(word.len()..).unwrap_or_default();
            !before.ends_with(|c| is_part(c) || c == '.') && (open_ended || !goes_on(after))
        })
}

/// Writes a text as one line: a service's code or a message may not forge a second log line.
fn write_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.chars().try_for_each(|c| fmt::Write::write_char(f, if c.is_control() { ' ' } else { c }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn full() -> Diagnosis {
        Diagnosis::new(ErrorKind::Unauthenticated, "the secret is refused")
            .in_operation("identity.token")
            .with_field("client_secret")
            .with_http_status(401)
            .with_service_code("AADSTS7000215")
            .with_request_id("r-1")
    }

    #[test]
    fn display_names_every_fact_once_however_often_it_is_wrapped() {
        let once = full().to_string();
        assert_eq!(once, "identity.token: client_secret: the secret is refused (HTTP 401, AADSTS7000215, request r-1)");
        let twice = full().with_message(once.as_str());
        assert_eq!(twice.to_string(), once);
        let thrice = full().with_message(format!("the test failed: {twice}; nothing was written"));
        assert_eq!(thrice.to_string(), format!("the test failed: {once}; nothing was written"));
    }

    #[test]
    fn a_longer_word_does_not_name_a_shorter_one() {
        assert!(!names("HTTP 4010", "HTTP 401"));
        assert!(!names("AADSTS70002151", "AADSTS7000215"));
        assert!(!names("devops.sink.push.test", "devops.sink.push"));
        assert!(!names("pre-existing", "existing"));
        assert!(names("see HTTP 401.", "HTTP 401"));
        assert!(names("(HTTP 401, x)", "HTTP 401"));
        assert!(!names("anything", ""));
    }

    #[test]
    fn it_is_the_same_after_writing_and_reading() {
        let retried = full().with_effect(Effect::None).with_retry(Retry::After(Duration::from_secs(7)));
        for diagnosis in [Diagnosis::new(ErrorKind::Timeout, "late"), retried.with_advice("wait")] {
            let written = serde_json::to_string(&diagnosis).unwrap();
            assert_eq!(serde_json::from_str::<Diagnosis>(&written).unwrap(), diagnosis);
        }
    }

    #[test]
    fn what_is_absent_is_read_as_a_new_one_has_it() {
        let read = |value| serde_json::from_value::<Diagnosis>(value).unwrap();
        assert_eq!(read(json!({"message": "m"})), Diagnosis::new(ErrorKind::Unexpected, "m"));
        assert_eq!(
            read(json!({"kind": "throttled", "message": "m", "of_a_newer_version": 1})),
            Diagnosis::new(ErrorKind::Throttled, "m")
        );
    }

    #[test]
    fn another_kind_takes_its_own_retry_and_advice_with_it() {
        let late = Diagnosis::new(ErrorKind::Timeout, "late").with_kind(ErrorKind::Unauthenticated);
        assert_eq!((late.retry(), late.advice()), (Retry::No, ErrorKind::Unauthenticated.advice()));
        let named = Diagnosis::new(ErrorKind::Throttled, "busy")
            .with_retry(Retry::After(Duration::from_secs(9)))
            .with_advice("wait")
            .with_kind(ErrorKind::Unauthenticated);
        assert_eq!((named.retry_after(), named.advice()), (Some(Duration::from_secs(9)), "wait"));
    }

    #[test]
    fn a_pause_that_the_service_named_is_said_in_words() {
        let named = |kind| Diagnosis::new(kind, "busy").with_retry(Retry::After(Duration::from_secs(3600)));
        let throttled = named(ErrorKind::Throttled).with_http_status(429);
        assert_eq!(throttled.to_string(), "busy (HTTP 429, try again in 60 minutes)");
        assert_eq!(throttled.advice(), "try again in 60 minutes, and send fewer requests");
        assert!(named(ErrorKind::Unavailable).advice().starts_with("try again in 60 minutes;"));
        let wrapped = throttled.clone().with_message(format!("nothing was written: {throttled}")).to_string();
        assert_eq!(wrapped.matches("60 minutes").count(), 1, "{wrapped}");

        // It comes from what is known now, and from nothing that was known before.
        let shorter = throttled.clone().with_retry(Retry::After(Duration::from_secs(90)));
        assert_eq!(shorter.advice(), "try again in 90 seconds, and send fewer requests");
        assert_eq!(throttled.clone().with_retry(Retry::Backoff).advice(), ErrorKind::Throttled.advice());
        assert_eq!(throttled.clone().with_kind(ErrorKind::NotFound).advice(), ErrorKind::NotFound.advice());
        let own = throttled.with_advice("wait for the end of the month").with_retry(Retry::No);
        assert_eq!(own.advice(), "wait for the end of the month");
        let read = json!({"kind": "throttled", "message": "m", "retry": {"after": {"secs": 3600, "nanos": 0}}});
        let read: Diagnosis = serde_json::from_value(read).unwrap();
        assert_eq!(read.advice(), "try again in 60 minutes, and send fewer requests");
    }

    #[test]
    fn a_web_page_finds_stable_names() {
        let shown = serde_json::to_value(Diagnosis::invalid("client_secret", "is empty")).unwrap();
        assert_eq!(
            shown,
            json!({
                "kind": "invalid_input",
                "message": "is empty",
                "advice": "correct the named value",
                "effect": "none",
                "retry": "no",
                "field": "client_secret"
            })
        );
    }
}
