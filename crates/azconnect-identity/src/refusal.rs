//! How Microsoft Entra ID says no.
//!
//! The message of an error is always our own: a description may quote what was sent. Without that, it is the error's
//! `service_text`.

use azconnect_core::catalogue::Row;
use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::entra::{EntraCode, TokenRefusal};
use azconnect_http::{Dialect, Response, kind_of_status, service_text};
use http::StatusCode;
use serde_json::{Map, Value};

use crate::catalogue::{SLOW_DOWN, UNAVAILABLE, WORDS, of_ad_fs};
use crate::refusal_detail::RefusalDetail;
use crate::skew;

/// The longest claims that are handed on.
const LONGEST_CLAIMS: usize = 8 * 1024;

/// The code for a client in a loop: a throttle that Entra ID writes as a refusal. The table gives its pause.
const LOOP: EntraCode = EntraCode::new(50_196);

/// How Entra ID says no: its numbers and words with their advice, as errors. For a source of one's own that asks a token
/// endpoint through a [`Pipeline`](azconnect_http::Pipeline), and wants the same errors.
#[derive(Clone, Copy, Debug, Default)]
pub struct EntraDialect;

impl Dialect for EntraDialect {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        if answer.status().is_success() {
            return Ok(());
        }
        let refusal = TokenRefusal::read(answer.body());
        let mut error = refused(&refusal, answer.status());
        // The ids of the request and its time follow the sentence.
        let sentence = refusal.description.lines().next().and_then(|line| line.split(" Trace ID:").next());
        if let Some(text) = sentence.and_then(|sentence| service_text(answer, sentence)) {
            error = error.with_service_text(text);
        }
        Err(error)
    }
}

/// A refusal as an error, wherever it came: in the answer of an endpoint, or in the address to which a person was sent back.
pub(crate) fn refused(refusal: &TokenRefusal, status: StatusCode) -> Error {
    // AD FS writes its codes into the description, and says more by them than by the word.
    let own = of_ad_fs(&refusal.description).filter(|_| refusal.codes.is_empty());
    let word = own.or_else(|| refusal.error.as_deref().and_then(|word| Some((word, WORDS.find(word)?))));
    let code = EntraCode::most_telling(&refusal.codes);
    // To ask for a token changes nothing, so no refusal leaves a doubt.
    let mut error = explain(refusal, code, word.map(|(_, row)| row), status).with_effect(Effect::None);
    if let Some(code) = code.map(|code| code.to_string()).or(word.map(|(word, _)| word.to_owned())) {
        error = error.with_service_code(code);
    }
    if code.is_some_and(|code| code.number() == skew::OUT_OF_TIME) {
        error = skew::tell(error, &refusal.description);
    }
    if let Some(trace) = refusal.trace_id {
        error = error.with_request_id(trace.to_string());
    }
    // What the next request must ask for. Anything but an object is nothing that could be sent.
    let is_object =
        |text: &&str| text.len() <= LONGEST_CLAIMS && serde_json::from_str::<Map<String, Value>>(text).is_ok();
    if let Some(claims) = refusal.claims.as_deref().filter(is_object) {
        error = error.with_claims(claims);
    }
    match RefusalDetail::read(refusal) {
        Some(detail) => error.with_source(detail),
        None => error,
    }
}

fn explain(
    refusal: &TokenRefusal,
    code: Option<EntraCode>,
    word: Option<&'static Row<&'static str>>,
    status: StatusCode,
) -> Error {
    // What is not working now proves nothing about who asked, whatever number comes with it.
    if let Some(passing) = passing(refusal, word, status) {
        return passing;
    }
    match (code, word) {
        (Some(code), _) if code.is_known() => code.explain(),
        (_, Some(word)) => word.explain(),
        _ if refusal.foreign => foreign(status),
        _ => Error::new(kind_of_status(status), "the service refused the sign-in without a reason"),
    }
}

fn passing(refusal: &TokenRefusal, word: Option<&'static Row<&'static str>>, status: StatusCode) -> Option<Error> {
    if refusal.codes.contains(&LOOP) {
        return None;
    }
    match (word.map(Row::kind), status.as_u16()) {
        (Some(ErrorKind::Throttled), _) | (_, 429) => Some(SLOW_DOWN.explain()),
        (_, 500..=599) if refusal.foreign => Some(foreign(status)),
        (Some(ErrorKind::Unavailable), _) | (_, 500..=599) => Some(UNAVAILABLE.explain()),
        _ => None,
    }
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

#[cfg(test)]
mod tests {
    use azconnect_core::Retry;
    use azconnect_credential::entra::Meaning;
    use proptest::prelude::*;

    use super::*;

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
            ("invalid_request", 900_432, InvalidInput, "cloud"),
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
        assert_eq!(Meaning::of(&error), Meaning::NoMatch);
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
        assert_eq!(Meaning::of(&error), Meaning::Silent);
        let error = refused(503, &documented("invalid_client", 7_000_215));
        assert_eq!((error.kind(), Meaning::of(&error)), (ErrorKind::Unavailable, Meaning::Silent));
    }

    /// Entra ID writes this throttle as a refusal, and a front end may give it the status of one.
    #[test]
    fn a_client_in_a_loop_is_told_its_pause_under_any_status() {
        for status in [400, 429, 503] {
            let error = refused(status, &documented("invalid_grant", 50_196));
            assert!(matches!(error.retry(), Retry::After(_)), "{status}: {error:?}");
            assert_eq!((error.kind(), error.service_code()), (ErrorKind::Throttled, Some("AADSTS50196")), "{status}");
        }
    }

    #[test]
    fn a_failure_that_is_not_entra_s_own_is_not_taken_for_one() {
        for (status, body) in [(502, "<html>Bad gateway</html>"), (504, "upstream timed out")] {
            let error = refused(status, body);
            assert!(error.message().contains("something other than Microsoft Entra ID"), "{status}: {error}");
            assert!(error.advice().contains("proxy"), "{status}: {}", error.advice());
        }
        let own = refused(503, r#"{"error":"temporarily_unavailable"}"#);
        assert!(!own.message().contains("something other"), "{own}");
    }

    #[test]
    fn an_unknown_number_has_the_default_of_its_word_and_says_nothing_of_the_secret() {
        let error = refused(401, &documented("invalid_client", 123_456));
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert_eq!(error.service_code(), Some("AADSTS123456"));
        assert_eq!(Meaning::of(&error), Meaning::Silent);
    }

    #[test]
    fn the_word_alone_says_that_the_client_is_not_authenticated() {
        let error = refused(401, "\u{feff}{\"error\":\"invalid_client\"}");
        assert_eq!(error.service_code(), Some("invalid_client"));
        assert_eq!(Meaning::of(&error), Meaning::NoMatch);
    }

    #[test]
    fn a_web_page_an_empty_body_and_other_json_say_nothing_of_the_secret() {
        for body in
            ["", "<html>Sign in to the proxy</html>", "{\"message\":\"no\"}", "[]", "{\"error\":17}", "\u{feff}"]
        {
            for status in [302, 400, 401, 403, 407, 429, 500, 502] {
                let error = refused(status, body);
                assert_eq!(Meaning::of(&error), Meaning::Silent, "{status} {body}");
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
