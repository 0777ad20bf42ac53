//! How the token endpoints of platforms say no.
//!
//! Document: Microsoft's *How to use managed identities for Azure resources on an Azure VM to acquire an access token*, sections
//! *Error handling* and *Retry guidance*.

use azconnect_core::{Effect, Error, ErrorKind, Retry};
use azconnect_credential::entra::{EntraCode, TokenRefusal};
use azconnect_http::{Dialect, Response, kind_of_status, service_text};

use crate::refusal::EntraDialect;

/// What Docker Desktop answers in the place of an address that nothing can be reached at.
const UNREACHABLE: &str = "unreachable";

/// How a platform says that no such identity is assigned.
const NOT_FOUND: &str = "identity not found";

/// How the token endpoints of platforms say no. What Entra ID said to the platform is told as Entra ID's.
pub(super) struct PlatformDialect {
    /// The platform, as a person knows it.
    pub(super) place: &'static str,
}

impl Dialect for PlatformDialect {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        if answer.status().is_success() {
            return Ok(());
        }
        let refusal = TokenRefusal::read(answer.body());
        let quoted = EntraCode::most_telling(&refusal.codes).is_some_and(EntraCode::is_known);
        let is_passing = matches!(answer.status().as_u16(), 404 | 408 | 410 | 429 | 500..);
        if quoted && !is_passing {
            return EntraDialect.judge(answer);
        }
        let mut error = self.explain(answer, &refusal).with_effect(Effect::None);
        if let Some(text) = service_text(answer, &refusal.description) {
            error = error.with_service_text(text);
        }
        Err(error)
    }
}

impl PlatformDialect {
    fn explain(&self, answer: &Response, refusal: &TokenRefusal) -> Error {
        let Self { place } = self;
        let status = answer.status();
        let says = |words: &str| refusal.description.to_ascii_lowercase().contains(words);
        match status.as_u16() {
            400 if says(NOT_FOUND) => {
                Error::new(ErrorKind::Unauthenticated, format!("no such managed identity is assigned here ({place})"))
                    .with_service_code("identity_not_found")
                    .with_advice(
                        "assign the identity to this machine or service, or correct its id; one that was assigned moments \
                         ago may need some minutes",
                    )
            }
            400 => Error::new(ErrorKind::InvalidInput, format!("{place} does not accept the request for a token")).with_advice(
                "check that a managed identity is assigned here, its id, and that the scope's resource exists in this cloud",
            ),
            401 | 403 if contains(answer, UNREACHABLE) => {
                Error::new(ErrorKind::Unavailable, format!("something answers that there is no way to {place}"))
                    .with_retry(Retry::No)
                    .with_advice("run this in Azure, or use another kind of credential")
            }
            401 | 403 => Error::new(kind_of_status(status), format!("{place} refuses to give this process a token"))
                .with_advice("check that nothing stands between this process and the platform, and that it may ask there"),
            // Being renewed: documented as passing.
            404 | 410 => Error::new(ErrorKind::Unavailable, format!("{place} is not ready to give tokens"))
                .with_advice("try again in some minutes; if it goes on, check that this is a machine of Azure"),
            429 => Error::new(ErrorKind::Throttled, format!("{place} asks for fewer requests"))
                .with_advice("share one token cache and one platform object in this process, and ask less often"),
            500.. => Error::new(ErrorKind::Unavailable, format!("{place} is not working for a moment"))
                .with_advice("try again later"),
            _ => Error::new(kind_of_status(status), format!("something other than {place} answered"))
                .with_advice("check that this process runs where it was thought to run"),
        }
    }
}

/// Whether the body of an answer holds a word, whatever its form.
pub(super) fn contains(answer: &Response, word: &str) -> bool {
    let body = answer.body();
    let start = body.get(..4096).unwrap_or(body);
    String::from_utf8_lossy(start).to_ascii_lowercase().contains(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(status: u16, body: &str) -> Error {
        let answer = http::Response::builder().status(status).body(body.to_owned().into()).unwrap();
        PlatformDialect { place: "the metadata service" }.judge(&answer).unwrap_err()
    }

    fn documented(word: &str, description: &str) -> String {
        serde_json::json!({"error": word, "error_description": description}).to_string()
    }

    #[test]
    fn each_refusal_has_its_kind_and_its_advice() {
        use ErrorKind::{
            InvalidInput, NotFound, PermissionDenied, Throttled, Unauthenticated, Unavailable, Unexpected,
        };
        for (status, word, description, kind, advice, passes) in [
            (400, "invalid_request", "Identity not found", Unauthenticated, "assign the identity", false),
            (400, "invalid_request", "Required audience parameter not specified", InvalidInput, "resource", false),
            (400, "invalid_resource", "AADSTS500011: The resource principal …", NotFound, "scope", false),
            (400, "unauthorized_client", "AADSTS700016: Application …", Unauthenticated, "client id", false),
            (401, "unknown_source", "Unknown Source …", Unauthenticated, "between", false),
            (403, "forbidden", "no", PermissionDenied, "may ask", false),
            (404, "", "", Unavailable, "some minutes", true),
            (410, "", "", Unavailable, "some minutes", true),
            (429, "too_many_requests", "Temporarily throttled", Throttled, "share one", true),
            (500, "unknown", "Failed to retrieve token", Unavailable, "later", true),
            (503, "x", "AADSTS700016: Application …", Unavailable, "later", true),
            (302, "", "", Unexpected, "thought to run", false),
        ] {
            let error = refused(status, &documented(word, description));
            assert_eq!((error.kind(), error.effect()), (kind, Effect::None), "{status} {description}: {error}");
            assert!(error.advice().contains(advice), "{status} {description}: {}", error.advice());
            assert_eq!(error.retry() != Retry::No, passes, "{status} {description}");
        }
    }

    #[test]
    fn a_desktop_that_knows_no_way_there_is_no_platform() {
        let body = "A socket operation was attempted to an unreachable network";
        assert_eq!((refused(403, body).kind(), refused(403, body).retry()), (ErrorKind::Unavailable, Retry::No));
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic_or_is_shown(status in 300_u16..600, word in "[G-Z]{12}", description in "[G-Z]{12}") {
            let shown = format!("{0} {0:?}", refused(status, &documented(&word, &description)));
            prop_assert!(!shown.contains(&word) && !shown.contains(&description));
        }

        #[test]
        fn whatever_is_answered_is_judged(status in 300_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let answer = http::Response::builder().status(status).body(body.into()).unwrap();
            let judged = PlatformDialect { place: "it" }.judge(&answer);
            prop_assert!(judged.is_err());
        }
    }
}
