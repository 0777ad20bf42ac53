//! Row by row: which status, name and shape of a failure mean what, written down a second time and apart from the catalogue.

use azconnect_core::{Effect, ErrorKind, Retry};
use azconnect_http::{Dialect, Response};
use http::StatusCode;

use super::DevOpsDialect;
use super::catalogue::CODES;

const NONE: Effect = Effect::None;
const UNKNOWN: Effect = Effect::Unknown;

/// One name: its kind, whether it is retried, its effect with a status of 400 and of 500, words of the message and of the
/// advice.
type Named = (&'static str, ErrorKind, Retry, [Effect; 2], &'static str, &'static str);

/// What only a refusal proves, and an error inside the service does not.
const REFUSED: [Effect; 2] = [NONE, UNKNOWN];
const ALWAYS: [Effect; 2] = [NONE, NONE];
const NEVER: [Effect; 2] = [UNKNOWN, UNKNOWN];

#[rustfmt::skip]
const NAMED: &[Named] = &[
    // Recorded: a name that is taken is answered with 500, and nothing is created.
    ("DuplicateServiceConnectionException", ErrorKind::Conflict, Retry::No, ALWAYS, "of this name exists", "another name"),
    ("DuplicateServiceEndpointException", ErrorKind::Conflict, Retry::No, REFUSED, "of this name exists", "another name"),
    ("UnauthorizedRequestException", ErrorKind::Unauthenticated, Retry::No, REFUSED, "not authorized here", "member of this organization"),
    ("VssUnauthorizedException", ErrorKind::Unauthenticated, Retry::No, REFUSED, "not authorized here", "member of this organization"),
    ("TF400813", ErrorKind::Unauthenticated, Retry::No, REFUSED, "not authorized here", "member of this organization"),
    ("AccessDeniedException", ErrorKind::PermissionDenied, Retry::No, REFUSED, "may not do this", "role Administrator"),
    ("AccessCheckException", ErrorKind::PermissionDenied, Retry::No, REFUSED, "may not do this", "role Administrator"),
    ("UnauthorizedAccessException", ErrorKind::PermissionDenied, Retry::No, REFUSED, "may not do this", "role Administrator"),
    ("InvalidAccessException", ErrorKind::PermissionDenied, Retry::No, REFUSED, "may not do this", "role Administrator"),
    ("EndpointAccessDeniedException", ErrorKind::PermissionDenied, Retry::No, REFUSED, "may not do this", "role Administrator"),
    ("ServiceEndpointAccessDeniedException", ErrorKind::PermissionDenied, Retry::No, REFUSED, "may not do this", "role Administrator"),
    ("ProjectDoesNotExistException", ErrorKind::NotFound, Retry::No, REFUSED, "the project does not exist", "project's name or id"),
    ("ProjectDoesNotExistWithNameException", ErrorKind::NotFound, Retry::No, REFUSED, "the project does not exist", "project's name or id"),
    ("TeamProjectNotFoundException", ErrorKind::NotFound, Retry::No, REFUSED, "the project does not exist", "project's name or id"),
    ("ProjectNotFoundException", ErrorKind::NotFound, Retry::No, REFUSED, "the project does not exist", "project's name or id"),
    ("VS800075", ErrorKind::NotFound, Retry::No, REFUSED, "the project does not exist", "project's name or id"),
    ("TF200016", ErrorKind::NotFound, Retry::No, REFUSED, "the project does not exist", "project's name or id"),
    ("ServiceEndpointNotFoundException", ErrorKind::NotFound, Retry::No, REFUSED, "the service connection does not exist", "connection's id"),
    ("EndpointNotFoundException", ErrorKind::NotFound, Retry::No, REFUSED, "the service connection does not exist", "connection's id"),
    ("ServiceConnectionNotFoundException", ErrorKind::NotFound, Retry::No, REFUSED, "the service connection does not exist", "connection's id"),
    ("HostDoesNotExistException", ErrorKind::NotFound, Retry::No, REFUSED, "the organization does not exist", "organization's name"),
    ("CollectionDoesNotExistException", ErrorKind::NotFound, Retry::No, REFUSED, "the organization does not exist", "organization's name"),
    ("ServiceHostDoesNotExistException", ErrorKind::NotFound, Retry::No, REFUSED, "the organization does not exist", "organization's name"),
    // The audit log is written at the end.
    ("AuditLogEntryContainsDuplicateDataKeyException", ErrorKind::InvalidInput, Retry::No, NEVER, "such as url", "remove `url`"),
    ("AadAccessSilentException", ErrorKind::Unsupported, Retry::No, REFUSED, "different tenants", "by hand"),
    ("ServiceEndpointException", ErrorKind::Unsupported, Retry::No, REFUSED, "cannot do this", "AADSTS"),
    ("ServiceEndpointQueryFailedException", ErrorKind::Unsupported, Retry::No, REFUSED, "cannot do this", "AADSTS"),
    ("ArgumentException", ErrorKind::InvalidInput, Retry::No, REFUSED, "does not take a value", "the portal sends"),
    ("ArgumentNullException", ErrorKind::InvalidInput, Retry::No, REFUSED, "does not take a value", "the portal sends"),
    ("ArgumentOutOfRangeException", ErrorKind::InvalidInput, Retry::No, REFUSED, "does not take a value", "the portal sends"),
    ("VssPropertyValidationException", ErrorKind::InvalidInput, Retry::No, REFUSED, "does not take a value", "the portal sends"),
    ("RequestBlockedException", ErrorKind::Throttled, Retry::Backoff, REFUSED, "exceeds its limit", "fewer requests"),
    ("ServiceOverloadException", ErrorKind::Throttled, Retry::Backoff, REFUSED, "exceeds its limit", "fewer requests"),
    ("RequestDelayedException", ErrorKind::Throttled, Retry::Backoff, REFUSED, "exceeds its limit", "fewer requests"),
    ("TF400733", ErrorKind::Throttled, Retry::Backoff, REFUSED, "exceeds its limit", "fewer requests"),
    ("VssServiceResponseException", ErrorKind::Unavailable, Retry::Backoff, NEVER, "overloaded", "status.dev.azure.com"),
    ("CircuitBreakerExceededConcurrencyException", ErrorKind::Unavailable, Retry::Backoff, NEVER, "overloaded", "status.dev.azure.com"),
    ("DatabaseConnectionException", ErrorKind::Unavailable, Retry::Backoff, NEVER, "overloaded", "status.dev.azure.com"),
    ("TF400898", ErrorKind::Unexpected, Retry::No, NEVER, "failed inside", "shared connection's name"),
    ("VS403403", ErrorKind::PermissionDenied, Retry::No, REFUSED, "may not do this", "administrator of the project"),
    ("TF50309", ErrorKind::PermissionDenied, Retry::No, REFUSED, "may not do this", "administrator of the project"),
    ("TF400409", ErrorKind::PermissionDenied, Retry::No, REFUSED, "may not do this", "administrator of the project"),
    ("VS403526", ErrorKind::PermissionDenied, Retry::No, REFUSED, "may not do this", "administrator of the project"),
    ("VS403463", ErrorKind::PermissionDenied, Retry::No, REFUSED, "access policy", "conditional access"),
];

/// A failure without a name that is known: its status, the shape of its body, what it means.
type Bare = (u16, Shape, ErrorKind, Retry, Effect, Option<&'static str>, &'static str);

/// How a failure is written.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Without a body.
    Empty,
    /// A page for people.
    Page,
    /// A page for people, with the header in which the service repeats its failures.
    PageOfTheService,
    /// JSON of somebody else.
    Foreign,
    /// The service's JSON, with a name that is new.
    New,
    /// The service's words as plain text, with a code that is new.
    Text,
    /// A redirect to the sign-in page.
    SignIn,
    /// A redirect to somewhere else.
    Elsewhere,
}

#[rustfmt::skip]
const BARE: &[Bare] = &[
    // The four shapes of bad authentication; the fourth is TF400813 above.
    (203, Shape::Page, ErrorKind::Unauthenticated, Retry::No, NONE, Some("SignInPage"), "has not expired"),
    (302, Shape::SignIn, ErrorKind::Unauthenticated, Retry::No, NONE, Some("SignInRedirect"), "authorization header"),
    (401, Shape::Empty, ErrorKind::Unauthenticated, Retry::No, NONE, Some("EmptyUnauthorized"), "organization's tenant"),
    // Without its page it is a proxy's word for an answer that it has changed.
    (203, Shape::Empty, ErrorKind::Unauthenticated, Retry::No, UNKNOWN, Some("SignInPage"), "has not expired"),
    (200, Shape::Page, ErrorKind::Unexpected, Retry::No, UNKNOWN, Some("HtmlAnswer"), "a proxy"),
    (204, Shape::Page, ErrorKind::Unexpected, Retry::No, UNKNOWN, Some("HtmlAnswer"), "a proxy"),
    (299, Shape::Page, ErrorKind::Unexpected, Retry::No, UNKNOWN, Some("HtmlAnswer"), "a proxy"),
    // Only the two newer redirects say that the request is still to be carried out.
    (300, Shape::Elsewhere, ErrorKind::Unexpected, Retry::No, UNKNOWN, None, "renamed organization"),
    (301, Shape::Elsewhere, ErrorKind::Unexpected, Retry::No, UNKNOWN, None, "renamed organization"),
    (302, Shape::Elsewhere, ErrorKind::Unexpected, Retry::No, UNKNOWN, None, "renamed organization"),
    (303, Shape::Elsewhere, ErrorKind::Unexpected, Retry::No, UNKNOWN, None, "renamed organization"),
    (307, Shape::Elsewhere, ErrorKind::Unexpected, Retry::No, NONE, None, "renamed organization"),
    (308, Shape::Elsewhere, ErrorKind::Unexpected, Retry::No, NONE, None, "renamed organization"),
    (399, Shape::Elsewhere, ErrorKind::Unexpected, Retry::No, UNKNOWN, None, "renamed organization"),
    // The service's own refusals, by a name that is new: the status says enough.
    (400, Shape::New, ErrorKind::InvalidInput, Retry::No, NONE, Some("SomethingNewException"), "what the portal sends"),
    (401, Shape::New, ErrorKind::Unauthenticated, Retry::No, NONE, Some("SomethingNewException"), "credential"),
    (403, Shape::New, ErrorKind::PermissionDenied, Retry::No, NONE, Some("SomethingNewException"), "administrator"),
    (404, Shape::New, ErrorKind::NotFound, Retry::No, NONE, Some("SomethingNewException"), "organization's name"),
    (404, Shape::Text, ErrorKind::NotFound, Retry::No, NONE, Some("TF999999"), "organization's name"),
    (404, Shape::PageOfTheService, ErrorKind::NotFound, Retry::No, NONE, None, "organization's name"),
    (499, Shape::New, ErrorKind::Unexpected, Retry::No, NONE, Some("SomethingNewException"), "request id"),
    // A proxy's: nothing is known of what the service did before.
    (400, Shape::Foreign, ErrorKind::InvalidInput, Retry::No, UNKNOWN, None, "what the portal sends"),
    (401, Shape::Page, ErrorKind::Unauthenticated, Retry::No, UNKNOWN, None, "credential"),
    (403, Shape::Page, ErrorKind::PermissionDenied, Retry::No, UNKNOWN, None, "administrator"),
    (403, Shape::Empty, ErrorKind::PermissionDenied, Retry::No, UNKNOWN, None, "administrator"),
    (404, Shape::Page, ErrorKind::NotFound, Retry::No, UNKNOWN, None, "organization's name"),
    (404, Shape::Empty, ErrorKind::NotFound, Retry::No, UNKNOWN, None, "organization's name"),
    // Too slow, and twice: by themselves they tell of a request that may have been carried out.
    (408, Shape::New, ErrorKind::Timeout, Retry::Backoff, UNKNOWN, Some("SomethingNewException"), "current state"),
    (409, Shape::New, ErrorKind::Conflict, Retry::No, UNKNOWN, Some("SomethingNewException"), "current state"),
    // The limit is looked at before the request is, by whoever keeps it.
    (429, Shape::Empty, ErrorKind::Throttled, Retry::Backoff, NONE, None, "per user"),
    (429, Shape::Page, ErrorKind::Throttled, Retry::Backoff, NONE, None, "per user"),
    (500, Shape::New, ErrorKind::Unavailable, Retry::Backoff, UNKNOWN, Some("SomethingNewException"), "try again"),
    (500, Shape::Empty, ErrorKind::Unavailable, Retry::Backoff, UNKNOWN, None, "try again"),
    (501, Shape::Empty, ErrorKind::Unsupported, Retry::No, UNKNOWN, None, "another kind"),
    (502, Shape::Page, ErrorKind::Unavailable, Retry::Backoff, UNKNOWN, None, "try again"),
    (503, Shape::Page, ErrorKind::Unavailable, Retry::Backoff, UNKNOWN, None, "try again"),
    (599, Shape::Text, ErrorKind::Unavailable, Retry::Backoff, UNKNOWN, Some("TF999999"), "try again"),
];

fn answer(status: u16, headers: &[(&'static str, &str)], body: String) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        answer.headers_mut().insert(*name, value.parse().unwrap());
    }
    answer
}

impl Shape {
    fn answer(self, status: u16) -> Response {
        let page = "\u{feff} <!DOCTYPE html><title>x</title>".to_owned();
        match self {
            Self::Empty => answer(status, &[], String::new()),
            Self::Page => answer(status, &[], page),
            Self::PageOfTheService => answer(status, &[("x-tfs-serviceerror", "Not%20there")], page),
            Self::Foreign => answer(status, &[], r#"{"error":"blocked","message":"no"}"#.to_owned()),
            Self::New => {
                answer(status, &[], r#"{"message":"canary-words","typeKey":"SomethingNewException"}"#.to_owned())
            }
            Self::Text => answer(status, &[], "TF999999: canary-words".to_owned()),
            Self::SignIn => {
                answer(status, &[("location", "https://spsprodeus1.vssps.visualstudio.com/_SignIn?a")], String::new())
            }
            Self::Elsewhere => answer(status, &[("location", "https://dev.azure.com/new-name/_apis")], String::new()),
        }
    }
}

/// A named failure, as the type key of its JSON or as the code at the beginning of its text.
fn named(name: &str, status: u16) -> Response {
    let is_code = name.starts_with("TF") || name.starts_with("VS4") || name.starts_with("VS8");
    let body = if is_code {
        format!(r#"{{"$id":"1","message":"{name}: canary-words","typeKey":null}}"#)
    } else {
        format!(r#"{{"$id":"1","message":"canary-words","typeName":"Microsoft.X","typeKey":"{name}"}}"#)
    };
    answer(status, &[], body)
}

#[test]
fn every_name_means_what_is_written_here() {
    for (name, kind, retry, effects, message, advice) in NAMED {
        for (status, effect) in [(400, effects[0]), (404, effects[0]), (409, effects[0]), (499, effects[0])]
            .into_iter()
            .chain([(500, effects[1]), (503, effects[1]), (599, effects[1])])
        {
            let error = DevOpsDialect.judge(&named(name, status)).unwrap_err();
            let found = (error.kind(), error.retry(), error.effect(), error.service_code(), error.http_status());
            assert_eq!(found, (*kind, *retry, effect, Some(*name), Some(status)), "{name} with {status}");
            assert!(error.message().contains(message), "{name}: {}", error.message());
            assert!(error.advice().contains(advice), "{name}: {}", error.advice());
            assert!(!format!("{error:?}").contains("canary"), "no word of the service is repeated: {error:?}");
        }
    }
}

#[test]
fn the_table_and_the_catalogue_hold_the_same_names() {
    let mut table: Vec<&str> = NAMED.iter().map(|row| row.0).collect();
    let mut catalogue: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
    table.sort_unstable();
    catalogue.sort_unstable();
    assert_eq!(table, catalogue);
}

#[test]
fn every_bare_failure_means_what_is_written_here() {
    for (status, shape, kind, retry, effect, code, advice) in BARE {
        let error = DevOpsDialect.judge(&shape.answer(*status)).unwrap_err();
        let found = (error.kind(), error.retry(), error.effect(), error.service_code(), error.http_status());
        assert_eq!(found, (*kind, *retry, *effect, *code, Some(*status)), "{status} {shape:?}");
        assert!(error.advice().contains(advice), "{status} {shape:?}: {}", error.advice());
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn a_429_is_looked_at_before_the_request_and_a_code_that_failed_later_is_stronger() {
    let cases = [("TF400733", NONE), ("AccessDeniedException", NONE), ("VssServiceResponseException", UNKNOWN)];
    for (name, effect) in cases {
        assert_eq!(DevOpsDialect.judge(&named(name, 429)).unwrap_err().effect(), effect, "{name}");
    }
    let late = DevOpsDialect.judge(&named("VssServiceResponseException", 408)).unwrap_err();
    assert_eq!((late.kind(), late.effect()), (ErrorKind::Unavailable, UNKNOWN));
}

/// `ArgumentException` and its kin say only that a value is wrong; the code in the text says which.
#[test]
fn of_a_type_key_and_a_code_the_more_telling_one_decides() {
    let both = |key: &str, code: &str| {
        let body = format!(r#"{{"message":"{code}: x","typeKey":"{key}"}}"#);
        let error = DevOpsDialect.judge(&answer(400, &[], body)).unwrap_err();
        (error.kind(), error.service_code().unwrap_or_default().to_owned())
    };
    assert_eq!(both("ArgumentException", "VS800075"), (ErrorKind::NotFound, "VS800075".to_owned()));
    assert_eq!(both("AccessDeniedException", "VS800075"), (ErrorKind::PermissionDenied, "VS800075".to_owned()));
    assert_eq!(both("SomethingNewException", "VS800075"), (ErrorKind::NotFound, "VS800075".to_owned()));
    assert_eq!(both("ArgumentException", "TF999999"), (ErrorKind::InvalidInput, "TF999999".to_owned()));
}

#[test]
fn what_entra_id_said_gives_its_code_and_where_it_is_known_the_advice() {
    let told = |text: &str| {
        let body = format!(r#"{{"message":"Failed. {text}","typeKey":"ServiceEndpointException"}}"#);
        DevOpsDialect.judge(&answer(400, &[], body)).unwrap_err()
    };
    let known = told("AADSTS700016: Application with identifier 'x' was not found.");
    assert_eq!((known.kind(), known.service_code()), (ErrorKind::Unsupported, Some("AADSTS700016")));
    assert!(known.advice().contains("client id and the tenant id"), "{}", known.advice());
    let new = told("AADSTS999999: new");
    assert_eq!(new.service_code(), Some("AADSTS999999"));
    assert!(new.advice().contains("AADSTS code"), "{}", new.advice());
    let coded = told("TF999999: AADSTS700016");
    assert_eq!(coded.service_code(), Some("TF999999"), "its own code comes first");
}

#[test]
fn a_success_is_one_whatever_headers_it_carries() {
    for status in [200, 201, 202, 204, 207, 299] {
        let headers = [("www-authenticate", "Bearer"), ("x-tfs-serviceerror", "TF400813")];
        assert!(DevOpsDialect.judge(&answer(status, &headers, "{}".to_owned())).is_ok(), "{status}");
        assert!(DevOpsDialect.judge(&answer(status, &[], String::new())).is_ok(), "{status}");
    }
    assert!(DevOpsDialect.judge(&answer(203, &[], "{}".to_owned())).is_ok(), "203 with JSON is an answer");
}
