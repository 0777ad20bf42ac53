//! How Microsoft Graph says no.
//!
//! The message of an error is always our own: the service's may quote what was sent.

use azconnect_core::catalogue::Row;
use azconnect_core::{Effect, Error, ErrorKind, KeyId};
use azconnect_http::{Dialect, Response, kind_of_status, request_id, service_text};
use http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use crate::catalogue::{APPLICATION_UNKNOWN, CODES, CONCURRENCY, FEDERATED_DUPLICATE, FEDERATED_LIMIT, PASSWORD_LIMIT};

/// The dialect of every operation but removals.
pub(crate) struct GraphDialect;

/// The dialect of the removal of a password or a certificate: the service's refusal of an unknown key is a success.
pub(crate) struct RemovalDialect(pub(crate) KeyId);

/// The dialect of a deletion: the service's *not found* is a success.
pub(crate) struct AbsenceDialect;

/// The dialect of an addition to a set: the service's refusal of what is in it already is a success.
pub(crate) struct PresenceDialect;

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
        // Seen as 400. A 404 is taken for it only where it is about this key: most are about the application.
        let missing = match answer.status() {
            StatusCode::BAD_REQUEST => {
                let told = Told::read(answer.body());
                told.says("no password credential found with keyid") || told.says("no key credential found with keyid")
            }
            StatusCode::NOT_FOUND => Told::read(answer.body()).says(&format!("resource '{}' does not exist", self.0)),
            _ => false,
        };
        if missing { Ok(()) } else { GraphDialect.judge(answer) }
    }
}

impl Dialect for AbsenceDialect {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        let missing = answer.status() == StatusCode::NOT_FOUND
            && Told::read(answer.body())
                .code
                .and_then(|code| CODES.find(&code))
                .is_some_and(|row| row.kind() == ErrorKind::NotFound);
        if missing { Ok(()) } else { GraphDialect.judge(answer) }
    }
}

impl Dialect for PresenceDialect {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        // Owners answer so, and application roles.
        let words = ["added object references already exist", "permission being assigned already exists"];
        let present = answer.status() == StatusCode::BAD_REQUEST && {
            let told = Told::read(answer.body());
            words.iter().any(|words| told.says(words))
        };
        if present { Ok(()) } else { GraphDialect.judge(answer) }
    }
}

/// What the body of a refusal says: code, message and request id. The message is matched, and shown without what was sent.
#[derive(Default)]
struct Told {
    code: Option<String>,
    text: String,
    /// The same in small letters.
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
            text: text("message").to_owned(),
            message: text("message").to_ascii_lowercase(),
            request: Uuid::try_parse(id).ok(),
        }
    }

    fn says(&self, words: &str) -> bool {
        self.message.contains(words)
    }

    fn explain(&self, answer: &Response) -> Error {
        let status = answer.status();
        let row = self.row(status);
        let mut error = row.map_or_else(|| unknown(status), Row::explain);
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
        if let Some(text) = service_text(answer, &self.text) {
            error = error.with_service_text(text);
        }
        let is_graph_s = row.is_some() || self.code.is_some() || request_id(answer).is_some();
        error.with_effect(effect(row, status, is_graph_s)).with_http_status(status.as_u16())
    }

    fn row(&self, status: StatusCode) -> Option<&'static Row<&'static str>> {
        if self.is_concurrency() {
            return Some(&CONCURRENCY);
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            // Such a status says better than the code what happened: a row's kind would make a passing fault final.
            return None;
        }
        // These refusals share their code with many others: only the text tells them apart.
        if self.says("not allowed to add") && self.says("passwords") {
            return Some(&PASSWORD_LIMIT);
        }
        if self.says("combination of issuer and subject must be unique") {
            return Some(&FEDERATED_DUPLICATE);
        }
        if self.says("federated identity credentials") && self.says("maximum") {
            return Some(&FEDERATED_LIMIT);
        }
        if self.says("does not reference a valid application object") {
            return Some(&APPLICATION_UNKNOWN);
        }
        CODES.find(self.code.as_deref()?)
    }

    /// Whether the directory is busy with other changes. This arrives as 409 under its code, as 503, as 400
    /// `Request_BadRequest`, and for a removal as 500: so the code or the text decides, and not the status.
    fn is_concurrency(&self) -> bool {
        self.code.as_deref() == Some("Directory_ConcurrencyViolation")
            || self.says("concurrent requests being made to the tenant")
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

/// What an answer proves about its request. A refusal (4xx) in Graph's own words comes before anything is applied; a page of a
/// proxy, which may have blocked the answer to what was carried out, proves nothing. 408 and 499 say that
/// somebody ceased to wait, and a conflict proves it only under a code that is documented for what was not begun. The one
/// failure of the service that proves it is the documented 503 of a busy directory, which asks to send the same again.
fn effect(row: Option<&Row<&'static str>>, status: StatusCode, is_graph_s: bool) -> Effect {
    let told = row.and_then(Row::effect);
    match status.as_u16() {
        409 | 503 => told.unwrap_or(Effect::Unknown),
        408 | 499 => Effect::Unknown,
        // The limit is looked at before the request is.
        429 => Effect::None,
        400..=499 if is_graph_s => Effect::None,
        _ => Effect::Unknown,
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

#[cfg(test)]
mod tests {
    use azconnect_core::Retry;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ID: &str = "c4d0fd7d-b1b6-4ec2-8ce2-084f6088b2c2";

    fn answered(status: u16, body: &str) -> Response {
        http::Response::builder().status(status).body(body.to_owned().into()).unwrap()
    }

    fn refused(status: u16, code: &str, message: &str) -> Error {
        let inner = json!({"date": "2026-11-21T10:00:00", "request-id": ID, "client-request-id": ID});
        let body = json!({"error": {"code": code, "message": message, "innerError": inner}});
        GraphDialect.judge(&answered(status, &body.to_string())).unwrap_err()
    }

    #[test]
    fn every_documented_refusal_has_its_kind_and_advice() {
        use ErrorKind::{Conflict, InvalidInput, NotFound, PermissionDenied, Unauthenticated};
        let limit = "Not allowed to add 3 passwords. You can only add a maximum of 2 passwords.";
        for (status, code, message, kind, advice) in [
            (403, "Authorization_RequestDenied", "Insufficient privileges", PermissionDenied, "OwnedBy"),
            (404, "Request_ResourceNotFound", "Resource 'x' does not exist", NotFound, "client id"),
            (401, "InvalidAuthenticationToken", "Access token has expired", Unauthenticated, "audience"),
            (400, "Request_BadRequest", limit, Conflict, "2 at most"),
            (400, "Request_BadRequest", "Invalid value", InvalidInput, "values"),
            (400, "CredentialInvalidLifetimeAsPerAppPolicy", "too long", InvalidInput, "earlier end"),
            (400, "CredentialTypeNotAllowedAsPerAppPolicy", "not allowed", PermissionDenied, "certificate"),
            (403, "CredentialTypeNotAllowedAsPerAppPolicy", "not allowed", PermissionDenied, "certificate"),
            (409, "Error_MsaAppDoesNotExist", "not exist", Conflict, "seconds"),
        ] {
            let error = refused(status, code, message);
            assert_eq!(error.kind(), kind, "{code}");
            assert!(error.advice().contains(advice), "{code}: {}", error.advice());
            assert_eq!((error.service_code(), error.http_status()), (Some(code), Some(status)));
            assert_eq!((error.request_id(), error.effect()), (Some(ID), Effect::None));
            assert!(!error.to_string().contains(message), "{error}");
        }
    }

    #[test]
    fn concurrency_is_known_by_its_code_or_its_words_under_any_status() {
        let words = "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.";
        for (status, code) in [
            (409, "Directory_ConcurrencyViolation"),
            (503, "Service_ServiceUnavailable"),
            (400, "Request_BadRequest"),
            (500, "Service_InternalServerError"),
            (500, ""),
        ] {
            let error = refused(status, code, words);
            assert_eq!(error.kind(), ErrorKind::Conflict, "{status}");
            // A removal is refused with 500 as well, which no document says of an addition.
            let effect = if status == 500 { Effect::Unknown } else { Effect::None };
            assert_eq!((error.retry(), error.effect()), (Retry::Backoff, effect), "{status}");
        }
        assert_eq!(refused(409, "Directory_ConcurrencyViolation", "other words").retry(), Retry::Backoff);
    }

    #[test]
    fn the_policy_and_its_field_are_named() {
        let body = json!({"error": {
            "code": "CredentialInvalidLifetimeAsPerAppPolicy",
            "message": "Credential lifetime exceeds the max value allowed as per assigned policy \
                        '9fe4b4b5-1111-4222-8333-444455556666'.",
            "details": [{"code": "InvalidKeyEndDate", "message": "The end date exceeds.", "target": "EndDate"}],
            "innererror": {"date": "2026-11-21T10:00:00", "request-id": ID, "client-request-id": ID},
        }});
        let error = GraphDialect.judge(&answered(400, &body.to_string())).unwrap_err();
        assert_eq!(error.field(), Some("ends_at"));
        assert!(error.message().contains("(policy 9fe4b4b5-1111-4222-8333-444455556666)"), "{error}");
        assert_eq!(error.request_id(), Some(ID), "the other spelling of innerError is read");
    }

    #[test]
    fn what_no_document_describes_goes_by_its_status() {
        for (status, effect, retry) in [
            (400, Effect::None, Retry::No),
            (403, Effect::None, Retry::No),
            (413, Effect::None, Retry::No),
            (429, Effect::None, Retry::Backoff),
            (408, Effect::Unknown, Retry::Backoff),
            (409, Effect::Unknown, Retry::No),
            (500, Effect::Unknown, Retry::Backoff),
            (503, Effect::Unknown, Retry::Backoff),
            (302, Effect::Unknown, Retry::No),
        ] {
            for body in ["", "<html>", "{}", "[]", r#"{"error":"x"}"#, r#"{"error":{"code":"New_Code"}}"#] {
                let error = GraphDialect.judge(&answered(status, body)).unwrap_err();
                // A proxy may block the answer to what was carried out, with a page of its own under any status.
                let is_graph_s = body.contains("New_Code") || status == 429;
                let effect = if is_graph_s { effect } else { Effect::Unknown };
                assert_eq!((error.effect(), error.retry()), (effect, retry), "{status} {body}");
            }
        }
    }

    #[test]
    fn a_failing_service_is_not_taken_at_its_word() {
        for code in ["Authorization_RequestDenied", "Request_BadRequest"] {
            let error = refused(500, code, "x");
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown));
        }
        assert_eq!(refused(429, "Request_BadRequest", "x").kind(), ErrorKind::Throttled);
    }

    #[test]
    fn only_a_removal_takes_a_missing_key_as_done() {
        let removal = RemovalDialect("1272a66f-e2e8-4e88-ab43-487409186c3f".parse().unwrap());
        let message = "No password credential found with keyId '1272a66f-e2e8-4e88-ab43-487409186c3f'.";
        let body = json!({"error": {"code": "Request_BadRequest", "message": message}}).to_string();
        assert!(removal.judge(&answered(400, &body)).is_ok());
        assert!(removal.judge(&answered(404, &body)).is_err());
        assert!(removal.judge(&answered(500, &body)).is_err());
        assert!(GraphDialect.judge(&answered(400, &body)).is_err());
        assert!(removal.judge(&answered(400, "")).is_err());
        let missing = |id: &str| {
            let message = format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
            );
            json!({"error": {"code": "Request_ResourceNotFound", "message": message}}).to_string()
        };
        let key = missing("1272a66f-e2e8-4e88-ab43-487409186c3f");
        assert!(removal.judge(&answered(404, &key)).is_ok());
        assert!(removal.judge(&answered(400, &key)).is_err());
        assert!(
            removal.judge(&answered(404, &missing(ID))).is_err(),
            "the application is not found, which proves nothing"
        );
    }

    #[test]
    fn a_second_federated_credential_is_a_conflict_under_either_code() {
        let name = "FederatedIdentityCredential with name main already exists.";
        let pair = "The combination of issuer and subject must be unique for the application. Issuer https://i and \
                    Subject: s already exist. paramName: FederatedIdentityCredential.Subject";
        for (status, code, message) in [
            (409, "Request_MultipleObjectsWithSameKeyValue", name),
            (400, "InvalidFederatedIdentityCredentialValue", pair),
        ] {
            let error = refused(status, code, message);
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None), "{code}");
            assert_eq!((error.retry(), error.service_code()), (Retry::No, Some(code)));
        }
        let error = refused(400, "InvalidFederatedIdentityCredentialValue", "paramName: x");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn only_a_named_absence_is_one() {
        let gone = |status, code: &str| {
            let body = json!({"error": {"code": code, "message": "Resource 'x' does not exist"}}).to_string();
            AbsenceDialect.judge(&answered(status, &body)).is_ok()
        };
        assert!(gone(404, "Request_ResourceNotFound") && gone(404, "Directory_ObjectNotFound"));
        assert!(!gone(404, "BadRequest") && !gone(400, "Request_ResourceNotFound"));
        assert!(AbsenceDialect.judge(&answered(404, "<html>")).is_err(), "a proxy's page proves nothing");
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(status in 300_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let answer = http::Response::builder().status(status).body(body.into()).unwrap();
            prop_assert!(GraphDialect.judge(&answer).is_err());
        }

        #[test]
        fn nothing_of_a_body_is_shown_but_a_code(
            status in 300_u16..600,
            code in "[G-Z]{12}[ ~!]",
            message in "[G-Z]{12}",
            inner in "[G-Z]{12}",
        ) {
            let inner = json!({"request-id": inner, "date": inner});
            let body = json!({"error": {"code": code, "message": message, "innerError": inner, "details": [message]}});
            let error = GraphDialect.judge(&answered(status, &body.to_string())).unwrap_err();
            let shown = format!("{error} {error:?} {}", error.advice());
            for text in [code.as_str(), &message] {
                prop_assert!(!shown.contains(text));
            }
            prop_assert!(!shown.contains(inner["date"].as_str().unwrap()));
        }
    }
}
