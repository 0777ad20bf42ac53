//! How Microsoft Graph says no.
//!
//! The message of an error is always our own: the service's may quote what was sent.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_http::{Dialect, Response, kind_of_status, request_id};
use http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use crate::catalogue::{CONCURRENCY, Entry, PASSWORD_LIMIT, entry};

/// The dialect of every operation but removals.
pub(crate) struct GraphDialect;

/// The dialect of a removal: what is not there need not be removed.
pub(crate) struct RemovalDialect;

impl Dialect for GraphDialect {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        if answer.status().is_success() {
            return Ok(());
        }
        Err(Told::read(answer.body()).explain(answer))
    }
}

impl Dialect for RemovalDialect {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        let missing = answer.status() == StatusCode::BAD_REQUEST
            && Told::read(answer.body()).says("no password credential found with keyid");
        if missing { Ok(()) } else { GraphDialect.judge(answer) }
    }
}

/// What a refusal tells. The message is matched and never shown.
#[derive(Default)]
struct Told {
    code: Option<String>,
    message: String,
    request: Option<Uuid>,
}

impl Told {
    fn read(body: &[u8]) -> Self {
        let body = body.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(body);
        let Ok(document) = serde_json::from_slice::<Value>(body) else { return Self::default() };
        let Some(error) = document.get("error") else { return Self::default() };
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let inner = error.get("innerError").or_else(|| error.get("innererror"));
        let id = inner.and_then(|inner| inner.get("request-id")).and_then(Value::as_str).unwrap_or_default();
        Self {
            code: Some(text("code")).filter(|code| is_code(code)).map(str::to_owned),
            message: text("message").to_ascii_lowercase(),
            request: Uuid::try_parse(id).ok(),
        }
    }

    fn says(&self, words: &str) -> bool {
        self.message.contains(words)
    }

    fn explain(&self, answer: &Response) -> Error {
        let status = answer.status();
        let mut error = self.entry(status).map_or_else(|| unknown(status), known);
        if let (Some(policy), Some("ends_at")) = (self.policy(), error.field()) {
            let message = format!("{} (policy {policy})", error.message());
            error = error.with_message(message);
        }
        if let Some(code) = &self.code {
            error = error.with_service_code(code);
        }
        if let (Some(id), None) = (self.request, request_id(answer)) {
            error = error.with_request_id(id.to_string());
        }
        error.with_effect(self.effect(status)).with_http_status(status.as_u16())
    }

    fn entry(&self, status: StatusCode) -> Option<&'static Entry> {
        if self.is_concurrency() {
            return Some(&CONCURRENCY);
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return None;
        }
        if self.says("not allowed to add") && self.says("passwords") {
            return Some(&PASSWORD_LIMIT);
        }
        entry(self.code.as_deref()?)
    }

    /// It arrives as 409 under its code, as 503, as 400 `Request_BadRequest`, and for a removal as 500: the code or
    /// the text decides.
    fn is_concurrency(&self) -> bool {
        self.code.as_deref() == Some("Directory_ConcurrencyViolation")
            || self.says("concurrent requests being made to the tenant")
    }

    /// A refusal proves that nothing was applied. A failure of the service, or a conflict nobody documents, does not.
    fn effect(&self, status: StatusCode) -> Effect {
        match status.as_u16() {
            _ if self.is_concurrency() => Effect::None,
            409 if self.entry(status).is_some() => Effect::None,
            408 | 409 => Effect::Unknown,
            400..=499 => Effect::None,
            _ => Effect::Unknown,
        }
    }

    /// The id of the policy that a message names in quotes.
    fn policy(&self) -> Option<Uuid> {
        self.message.split('\'').find_map(|part| Uuid::try_parse(part).ok())
    }
}

/// Codes are words; anything else in that place is not shown.
fn is_code(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    !text.is_empty() && text.len() <= 80 && text.chars().all(word)
}

fn known(entry: &Entry) -> Error {
    let error = Error::new(entry.kind, entry.message).with_retry(entry.retry).with_advice(entry.advice);
    match entry.field {
        Some(field) => error.with_field(field),
        None => error,
    }
}

fn unknown(status: StatusCode) -> Error {
    let kind = kind_of_status(status);
    let message = match kind {
        ErrorKind::Throttled => "Microsoft Graph asks to slow down",
        ErrorKind::Unavailable => "Microsoft Graph is not working for a moment",
        _ => "Microsoft Graph refused the request",
    };
    Error::new(kind, message)
}
