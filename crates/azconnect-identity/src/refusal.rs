//! How Microsoft Entra ID says no.
//!
//! The message of an error is always our own: a description may quote what was sent.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_http::{Dialect, Response, kind_of_status};
use http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use crate::catalogue::{Entry, entry};

/// How much of a body that is not JSON is searched for a number.
const SEARCHED: usize = 64 * 1024;

/// The dialect of the token endpoint.
pub(crate) struct EntraDialect;

impl Dialect for EntraDialect {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        if answer.status().is_success() {
            return Ok(());
        }
        let told = Told::read(answer.body());
        let mut error = told.explain(answer.status()).with_effect(Effect::None);
        if let Some(code) = told.code() {
            error = error.with_service_code(code);
        }
        if let Some(trace) = told.trace {
            error = error.with_request_id(trace.to_string());
        }
        Err(error)
    }
}

/// What a refusal tells, with everything else left behind.
#[derive(Debug, Default)]
struct Told {
    word: Option<Word>,
    /// Whether the body is a web page, or anything else that is not the documented JSON.
    foreign: bool,
    numbers: Vec<u32>,
    trace: Option<Uuid>,
}

/// The words of `error` that matter, from RFC 6749, RFC 8628, OpenID Connect and Microsoft's own documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    InvalidClient,
    UnauthorizedClient,
    InvalidGrant,
    InvalidRequest,
    InvalidResource,
    InvalidScope,
    UnsupportedGrant,
    InteractionRequired,
    AccessDenied,
    Unavailable,
    SlowDown,
}

impl Told {
    fn read(body: &[u8]) -> Self {
        let text = body.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(body);
        let Ok(Value::Object(fields)) = serde_json::from_slice(text) else {
            let searched = String::from_utf8_lossy(text.get(..SEARCHED).unwrap_or(text));
            let foreign = !searched.trim().is_empty();
            return Self { foreign, numbers: numbers_in(&searched), ..Self::default() };
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let listed: Vec<u32> = fields
            .get("error_codes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|number| u32::try_from(number.as_u64()?).ok())
            .collect();
        let numbers =
            if listed.is_empty() { numbers_in(text("error_description").unwrap_or_default()) } else { listed };
        Self {
            word: text("error").and_then(Word::read),
            foreign: !fields.contains_key("error"),
            numbers,
            trace: text("trace_id").and_then(|id| Uuid::try_parse(id).ok()),
        }
    }

    /// The number that is known, else the first; without one, the OAuth word where it alone says enough.
    fn code(&self) -> Option<String> {
        let number = self.numbers.iter().find(|number| entry(**number).is_some()).or(self.numbers.first());
        match (number, self.word) {
            (Some(number), _) => Some(format!("AADSTS{number}")),
            (None, Some(word)) => Some(word.as_str().to_owned()),
            (None, None) => None,
        }
    }

    fn explain(&self, status: StatusCode) -> Error {
        // What is not working now proves nothing about who asked, whatever number comes with it.
        if let Some(passing) = self.passing(status) {
            return passing;
        }
        if let Some(entry) = self.numbers.iter().find_map(|number| entry(*number)) {
            return known(entry);
        }
        match self.word {
            Some(word) => word.explain(),
            None if self.foreign => foreign(status),
            None => Error::new(kind_of_status(status), "the service refused the sign-in without a reason"),
        }
    }

    fn passing(&self, status: StatusCode) -> Option<Error> {
        let looped = self.numbers.contains(&50_196);
        match (self.word, status.as_u16()) {
            _ if looped => None,
            (Some(Word::SlowDown), _) | (_, 429) => Some(slow_down()),
            (_, 500..=599) if self.foreign => Some(foreign(status)),
            (Some(Word::Unavailable), _) | (_, 500..=599) => Some(Word::Unavailable.explain()),
            _ => None,
        }
    }
}

impl Word {
    const ALL: [(&'static str, Self); 16] = [
        ("invalid_client", Self::InvalidClient),
        ("unauthorized_client", Self::UnauthorizedClient),
        ("invalid_grant", Self::InvalidGrant),
        ("invalid_request", Self::InvalidRequest),
        ("invalid_resource", Self::InvalidResource),
        ("invalid_target", Self::InvalidResource),
        ("invalid_scope", Self::InvalidScope),
        ("unsupported_grant_type", Self::UnsupportedGrant),
        ("unsupported_response_type", Self::UnsupportedGrant),
        ("interaction_required", Self::InteractionRequired),
        ("login_required", Self::InteractionRequired),
        ("consent_required", Self::InteractionRequired),
        ("access_denied", Self::AccessDenied),
        ("temporarily_unavailable", Self::Unavailable),
        ("server_error", Self::Unavailable),
        ("slow_down", Self::SlowDown),
    ];

    fn read(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, word)| *word)
    }

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, word)| *word == self).map_or("error", |(name, _)| name)
    }

    /// What the word means when no number says more.
    fn explain(self) -> Error {
        let (kind, message, advice) = match self {
            Self::InvalidClient | Self::UnauthorizedClient => (
                ErrorKind::Unauthenticated,
                "the application's credential is not accepted",
                "check the client id, the tenant id and the credential, and that it has not expired",
            ),
            Self::InvalidGrant => (
                ErrorKind::Unauthenticated,
                "what was offered for a token is not accepted",
                "sign in again; if it goes on, look at the tenant's sign-in log",
            ),
            Self::InvalidRequest => {
                (ErrorKind::InvalidInput, "the sign-in request is not valid", "check the tenant id and the client id")
            }
            Self::InvalidResource | Self::InvalidScope => (
                ErrorKind::InvalidInput,
                "the resource or scope is not valid in this tenant",
                "give a resource of this cloud followed by /.default",
            ),
            Self::UnsupportedGrant => (
                ErrorKind::Unsupported,
                "the service does not offer this kind of sign-in",
                "check the cloud's address, or use another kind of credential",
            ),
            Self::InteractionRequired | Self::AccessDenied => (
                ErrorKind::PermissionDenied,
                "the tenant wants a person to act before it gives a token",
                "look at the tenant's sign-in log: consent or an access policy is in the way",
            ),
            Self::Unavailable => {
                (ErrorKind::Unavailable, "Microsoft Entra ID is not working for a moment", "try again later")
            }
            Self::SlowDown => return slow_down(),
        };
        Error::new(kind, message).with_advice(advice)
    }
}

fn known(entry: &Entry) -> Error {
    Error::new(entry.kind, entry.message).with_retry(entry.retry).with_advice(entry.advice)
}

fn slow_down() -> Error {
    Error::new(ErrorKind::Throttled, "Microsoft Entra ID asks to slow down")
        .with_advice("ask less often, and keep tokens until they end")
}

/// An answer that is not Entra ID's own: whoever gave it cannot say that a credential is wrong.
fn foreign(status: StatusCode) -> Error {
    let kind = match kind_of_status(status) {
        ErrorKind::Unauthenticated | ErrorKind::PermissionDenied | ErrorKind::InvalidInput => ErrorKind::Unexpected,
        kind => kind,
    };
    Error::new(kind, "something other than Microsoft Entra ID answered")
        .with_advice("check the cloud's login address, and whether a proxy or a firewall answers in its place")
}

/// The numbers after each `AADSTS` of a text.
fn numbers_in(text: &str) -> Vec<u32> {
    let digits = |rest: &str| rest.bytes().take_while(u8::is_ascii_digit).count();
    text.split("AADSTS")
        .skip(1)
        .filter_map(|rest| rest.get(..digits(rest))?.parse().ok())
        .filter(|number| *number > 0)
        .take(8)
        .collect()
}

#[cfg(test)]
mod tests {
    use azconnect_core::Retry;
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::{Reading, reading};

    fn refused(status: u16, body: &str) -> Error {
        let answer = http::Response::builder().status(status).body(body.to_owned().into()).unwrap();
        EntraDialect.judge(&answer).unwrap_err()
    }

    fn documented(word: &str, number: u32) -> String {
        serde_json::json!({
            "error": word,
            "error_description": format!("AADSTS{number}: quoted text.\r\nTrace ID: 255d1aef-8c98-452f-ac51-23d051240864"),
            "error_codes": [number],
            "timestamp": "2026-11-21 02:02:12Z",
            "trace_id": "255d1aef-8c98-452f-ac51-23d051240864",
            "correlation_id": "fb3d2015-bc17-4bb9-bb85-30c5cf1aaaa7",
            "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
        })
        .to_string()
    }

    #[test]
    fn every_number_of_the_catalogue_has_its_kind_and_advice() {
        use ErrorKind::{InvalidInput, NotFound, PermissionDenied, Throttled, Unauthenticated, Unavailable};
        let expected = [
            ("invalid_client", 7_000_215, Unauthenticated, "Secret ID"),
            ("invalid_client", 7_000_222, Unauthenticated, "new secret"),
            ("unauthorized_client", 700_016, Unauthenticated, "client id"),
            ("unauthorized_client", 700_011, Unauthenticated, "client id"),
            ("unauthorized_client", 7_000_112, PermissionDenied, "delete nothing"),
            ("unauthorized_client", 70_001, PermissionDenied, "delete nothing"),
            ("invalid_request", 90_002, InvalidInput, "cloud"),
            ("invalid_client", 700_027, Unauthenticated, "certificate"),
            ("invalid_client", 700_024, Unauthenticated, "clock"),
            ("invalid_client", 70_021, Unauthenticated, "subject"),
            ("invalid_client", 700_213, Unauthenticated, "subject"),
            ("invalid_grant", 53_003, PermissionDenied, "delete nothing"),
            ("access_denied", 530_032, PermissionDenied, "delete nothing"),
            ("invalid_grant", 65_001, PermissionDenied, "consent"),
            ("invalid_resource", 500_011, NotFound, "scope"),
            ("invalid_grant", 50_034, Unauthenticated, "flow"),
            ("invalid_grant", 50_196, Throttled, "less often"),
            ("invalid_grant", 54_005, Unauthenticated, "link"),
            ("invalid_grant", 70_008, Unauthenticated, "link"),
            ("invalid_grant", 700_082, Unauthenticated, "link"),
            ("invalid_grant", 50_173, Unauthenticated, "link"),
            ("temporarily_unavailable", 90_006, Unavailable, "later"),
            ("temporarily_unavailable", 90_024, Unavailable, "later"),
            ("invalid_request", 90_033, Unavailable, "later"),
            ("invalid_request", 90_055, Throttled, "later"),
        ];
        for (word, number, kind, advice) in expected {
            let error = refused(400, &documented(word, number));
            assert_eq!(error.kind(), kind, "{number}");
            assert!(error.advice().contains(advice), "{number}: {}", error.advice());
            assert_eq!(error.service_code(), Some(format!("AADSTS{number}").as_str()));
            assert_eq!(error.request_id(), Some("255d1aef-8c98-452f-ac51-23d051240864"));
            assert_eq!(error.effect(), Effect::None);
            assert!(!error.to_string().contains("quoted text"));
        }
    }

    #[test]
    fn only_what_may_pass_is_retried() {
        for number in [90_006, 90_024, 90_033, 90_055, 70_021, 700_213, 700_024] {
            assert_eq!(refused(400, &documented("invalid_request", number)).retry(), Retry::Backoff, "{number}");
        }
        for number in [7_000_215, 7_000_222, 700_016, 90_002, 53_003, 54_005] {
            assert_eq!(refused(400, &documented("invalid_client", number)).retry(), Retry::No, "{number}");
        }
        assert!(matches!(refused(400, &documented("invalid_grant", 50_196)).retry(), Retry::After(_)));
    }

    #[test]
    fn the_number_is_found_in_an_escaped_description_when_it_is_not_listed() {
        let error = refused(
            401,
            r#"{"error":"invalid_client","error_description":"\u0041ADSTS7000215: \"Invalid\" client secret \/ provided\r\n"}"#,
        );
        assert_eq!(error.service_code(), Some("AADSTS7000215"));
        assert_eq!(reading(&error), Reading::NoMatch);
    }

    #[test]
    fn a_known_number_goes_before_an_unknown_one() {
        let body = r#"{"error":"invalid_client","error_codes":[1,7000222]}"#;
        assert_eq!(refused(401, body).service_code(), Some("AADSTS7000222"));
    }

    #[test]
    fn the_word_decides_before_the_number() {
        let error = refused(400, &documented("temporarily_unavailable", 7_000_215));
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(reading(&error), Reading::Silent);
        let error = refused(503, &documented("invalid_client", 7_000_215));
        assert_eq!((error.kind(), reading(&error)), (ErrorKind::Unavailable, Reading::Silent));
    }

    #[test]
    fn an_unknown_number_has_the_default_of_its_word_and_says_nothing_of_the_secret() {
        let error = refused(401, &documented("invalid_client", 123_456));
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert_eq!(error.service_code(), Some("AADSTS123456"));
        assert_eq!(reading(&error), Reading::Silent);
    }

    #[test]
    fn the_word_alone_says_that_the_client_is_not_authenticated() {
        let error = refused(401, "\u{feff}{\"error\":\"invalid_client\"}");
        assert_eq!(error.service_code(), Some("invalid_client"));
        assert_eq!(reading(&error), Reading::NoMatch);
    }

    #[test]
    fn a_web_page_an_empty_body_and_other_json_say_nothing_of_the_secret() {
        for body in
            ["", "<html>Sign in to the proxy</html>", "{\"message\":\"no\"}", "[]", "{\"error\":17}", "\u{feff}"]
        {
            for status in [302, 400, 401, 403, 407, 429, 500, 502] {
                let error = refused(status, body);
                assert_eq!(reading(&error), Reading::Silent, "{status} {body}");
                assert_eq!(error.service_code(), None);
                let may_pass = status == 429 || status >= 500;
                assert_eq!(error.retry() == Retry::Backoff, may_pass, "{status} {body}");
            }
        }
        assert!(refused(403, "<html>").advice().contains("proxy"));
    }

    #[test]
    fn the_number_of_a_web_page_is_read() {
        let error = refused(400, "<html><p>AADSTS90002: Tenant 's3cr3t' not found.</p></html>");
        assert_eq!(error.service_code(), Some("AADSTS90002"));
        assert!(!error.to_string().contains("s3cr3t"));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic_or_is_shown(status in 300_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let answer = http::Response::builder().status(status).body(body.into()).unwrap();
            prop_assert!(EntraDialect.judge(&answer).is_err());
        }

        #[test]
        fn nothing_of_a_documented_body_but_its_numbers_is_shown(
            status in 300_u16..600,
            word in "[G-Z]{12}",
            description in "[G-Z]{12}( AADSTS[0-9]{1,12})?",
            number in any::<u64>(),
            trace in "[G-Z]{12}",
        ) {
            let body = serde_json::json!({
                "error": word, "error_description": description, "error_codes": [number, "x", null],
                "trace_id": trace, "correlation_id": [], "suberror": word,
            });
            let shown = format!("{0} {0:?}", refused(status, &body.to_string()));
            for text in [&word, &description[..12], &trace] {
                prop_assert!(!shown.contains(text));
            }
        }
    }
}
