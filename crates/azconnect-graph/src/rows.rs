//! The catalogue once more, as an accountant would: what each code means under each status.

use azconnect_core::ErrorKind as K;
use azconnect_core::{Effect, Error, Retry};
use azconnect_http::Dialect;
use serde_json::json;

use crate::dialect::{AbsenceDialect, GraphDialect, PresenceDialect, RemovalDialect};

/// Code, kind, retry, the effect of a conflict under it, and how the advice begins. Microsoft's *Microsoft Graph error responses
/// and resource types* and *Application management policies* name them.
const ROWS: &[(&str, K, Retry, Effect, &str)] = &[
    (
        "Authorization_RequestDenied",
        K::PermissionDenied,
        Retry::No,
        Effect::Unknown,
        "grant Application.ReadWrite.OwnedBy with admin consent and m",
    ),
    (
        "Request_ResourceNotFound",
        K::NotFound,
        Retry::No,
        Effect::Unknown,
        "check the id: the object id and the client id of an applicat",
    ),
    (
        "Directory_ObjectNotFound",
        K::NotFound,
        Retry::No,
        Effect::Unknown,
        "check the id, and that the token is for the right tenant",
    ),
    (
        "CredentialInvalidLifetimeAsPerAppPolicy",
        K::InvalidInput,
        Retry::No,
        Effect::Unknown,
        "choose an earlier end, or ask an administrator for an except",
    ),
    (
        "CredentialTypeNotAllowedAsPerAppPolicy",
        K::PermissionDenied,
        Retry::No,
        Effect::Unknown,
        "use a certificate or a federated credential, or ask an admin",
    ),
    (
        "InvalidAuthenticationToken",
        K::Unauthenticated,
        Retry::No,
        Effect::Unknown,
        "check the token's audience and tenant, and this machine's cl",
    ),
    (
        "Authentication_ExpiredToken",
        K::Unauthenticated,
        Retry::No,
        Effect::Unknown,
        "check the token's audience and tenant, and this machine's cl",
    ),
    (
        "Authentication_MissingOrMalformed",
        K::Unauthenticated,
        Retry::No,
        Effect::Unknown,
        "check the token's audience and tenant, and this machine's cl",
    ),
    (
        "Authorization_IdentityNotFound",
        K::Unauthenticated,
        Retry::Backoff,
        Effect::Unknown,
        "check that its service principal exists; one made moments ag",
    ),
    (
        "Directory_QuotaExceeded",
        K::Conflict,
        Retry::No,
        Effect::None,
        "remove objects that are no longer used, or ask an administra",
    ),
    (
        "Request_MultipleObjectsWithSameKeyValue",
        K::Conflict,
        Retry::No,
        Effect::None,
        "choose another name, or use the object that exists",
    ),
    (
        "InvalidFederatedIdentityCredentialValue",
        K::InvalidInput,
        Retry::No,
        Effect::Unknown,
        "check issuer, subject and audience: each has to equal the to",
    ),
    ("Error_MsaAppDoesNotExist", K::Conflict, Retry::Backoff, Effect::None, "try again in some seconds"),
    (
        "Request_UnsupportedQuery",
        K::Unsupported,
        Retry::No,
        Effect::Unknown,
        "use a simpler filter, or an advanced query",
    ),
    ("Directory_ExpiredPageToken", K::Conflict, Retry::No, Effect::Unknown, "list again from the beginning"),
    (
        "Request_BadRequest",
        K::InvalidInput,
        Retry::No,
        Effect::Unknown,
        "check the values given; report this with the request id if t",
    ),
];

/// Texts that mean more than the code they come under, which stands for many things.
const TEXTS: &[(&str, &str, K, Retry, Effect, &str)] = &[
    (
        "Request_BadRequest",
        "Not allowed to add 3 passwords. You can only add a maximum of 2 passwords.",
        K::Conflict,
        Retry::No,
        Effect::None,
        "remove a password",
    ),
    (
        "InvalidFederatedIdentityCredentialValue",
        "The combination of issuer and subject must be unique for the application.",
        K::Conflict,
        Retry::No,
        Effect::None,
        "use the federated credential that exists",
    ),
    (
        "Request_BadRequest",
        "The maximum number of federated identity credentials (20) for this application has been reached.",
        K::Conflict,
        Retry::No,
        Effect::None,
        "delete one that nothing uses",
    ),
    (
        "Request_BadRequest",
        "The appId 'x' of the service principal does not reference a valid application object.",
        K::NotFound,
        Retry::No,
        Effect::Unknown,
        "check the client id, and that the application is for accounts",
    ),
];

fn judge(dialect: &dyn Dialect, status: u16, code: &str, message: &str) -> Result<(), Error> {
    let body = json!({"error": {"code": code, "message": message}}).to_string();
    dialect.judge(&http::Response::builder().status(status).body(body.into()).unwrap())
}

fn refused(status: u16, code: &str, message: &str) -> Error {
    judge(&GraphDialect, status, code, message).unwrap_err()
}

#[test]
fn every_code_means_the_same_under_every_refusal_but_for_its_effect() {
    let plain = ROWS.iter().map(|(code, kind, retry, conflict, advice)| (code, &"m", kind, retry, conflict, advice));
    let texts =
        TEXTS.iter().map(|(code, text, kind, retry, conflict, advice)| (code, text, kind, retry, conflict, advice));
    for (code, message, kind, retry, conflict, advice) in plain.chain(texts) {
        for (status, effect) in [(400, Effect::None), (403, Effect::None), (404, Effect::None), (409, *conflict)] {
            let error = refused(status, code, message);
            assert_eq!((error.kind(), error.retry()), (*kind, *retry), "{status} {code} {message}");
            assert_eq!(error.effect(), effect, "{status} {code} {message}");
            assert!(error.advice().starts_with(advice), "{status} {code}: {}", error.advice());
            assert_eq!((error.service_code(), error.http_status()), (Some(*code), Some(status)));
        }
        for (status, kind, effect) in [
            (408, *kind, Effect::Unknown),
            (499, *kind, Effect::Unknown),
            (302, *kind, Effect::Unknown),
            (429, K::Throttled, Effect::None),
            (500, K::Unavailable, Effect::Unknown),
            (503, K::Unavailable, Effect::Unknown),
        ] {
            let error = refused(status, code, message);
            assert_eq!((error.kind(), error.effect()), (kind, effect), "{status} {code} {message}");
        }
    }
}

/// "Please wait briefly and retry": it arrives as 409 under its code, as 503, and as 400; a removal may answer 500.
#[test]
fn a_busy_directory_is_known_by_code_or_text_and_proves_nothing_with_500() {
    let words = "Error due to concurrent requests being made to the tenant.";
    for (code, message) in [("Directory_ConcurrencyViolation", "m"), ("Request_BadRequest", words), ("", words)] {
        for (status, effect) in [
            (400, Effect::None),
            (409, Effect::None),
            (503, Effect::None),
            (500, Effect::Unknown),
            (502, Effect::Unknown),
            (504, Effect::Unknown),
            (408, Effect::Unknown),
        ] {
            let error = refused(status, code, message);
            assert_eq!(
                (error.kind(), error.retry(), error.effect()),
                (K::Conflict, Retry::Backoff, effect),
                "{status}"
            );
            assert!(error.advice().starts_with("try again in some seconds"));
        }
    }
}

/// Where a service's *no* is what was wished for.
#[test]
fn a_success_of_its_own_kind_takes_its_status_and_its_words_together() {
    let key = "No password credential found with keyId 'x'.";
    let owner = "One or more added object references already exist for the following modified properties: 'owners'.";
    let role = "Permission being assigned already exists on the object.";
    let removal = RemovalDialect("f0b0b335-1d71-4883-8f98-567911bfdca6".parse().unwrap());
    let dialects: [&dyn Dialect; 3] = [&removal, &AbsenceDialect, &PresenceDialect];
    for (status, code, message, takes) in [
        (400, "Request_BadRequest", key, Some(0)),
        (404, "Request_BadRequest", key, None),
        (404, "Request_ResourceNotFound", "m", Some(1)),
        (404, "Directory_ObjectNotFound", "m", Some(1)),
        (404, "", "m", None),
        (404, "Request_UnsupportedQuery", "m", None),
        (400, "Request_ResourceNotFound", "m", None),
        (400, "Request_BadRequest", owner, Some(2)),
        (400, "Request_BadRequest", role, Some(2)),
        (409, "Request_BadRequest", owner, None),
        (500, "Request_BadRequest", role, None),
        (400, "Request_BadRequest", "m", None),
    ] {
        for (place, dialect) in dialects.iter().enumerate() {
            let outcome = judge(*dialect, status, code, message);
            assert_eq!(outcome.is_ok(), takes == Some(place), "{status} {code} {message} {place}");
        }
        assert!(judge(&GraphDialect, status, code, message).is_err());
    }
}
