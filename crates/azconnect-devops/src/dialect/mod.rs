//! How Azure DevOps says that something went wrong.

mod catalogue;
mod envelope;
#[cfg(test)]
mod table;

use azconnect_core::catalogue::Row;
use azconnect_core::{Effect, Error, ErrorKind, Retry};
use azconnect_http::{Dialect, Response, kind_of_status, service_text};
use http::StatusCode;
use http::header::LOCATION;

use self::catalogue::{CODES, NO_CONNECTION, Proof};
use self::envelope::Envelope;

/// The dialect of Azure DevOps: what the body calls the failure decides before the status does.
///
/// - Bad authentication comes in four shapes, each with a service code of its own: a web page with status 203
///   (`SignInPage`), a redirect to the sign-in page (`SignInRedirect`), 401 without a body (`EmptyUnauthorized`), and 401
///   with JSON (`TF400813`).
/// - A duplicate name comes as status 500 with `typeKey` `DuplicateServiceConnectionException`: it is a conflict, and
///   not retried.
/// - A failure proves that nothing was applied only where the service itself refused: with a status from 400 to 499 and in
///   its own words, or by a name that is documented to come before any effect. An error inside the service may come after it
///   has stored what it was sent, and a proxy's answer says nothing of the service.
/// - A body may begin with a byte order mark or be plain text; the header `x-tfs-serviceerror` stands in for it.
///
/// No text of an answer reaches a message; the service's words are an error's `service_text`, and codes such as `TF400813`, `VS800075` or `AADSTS7000215` are read out of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DevOpsDialect;

impl Dialect for DevOpsDialect {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        let status = answer.status();
        match status.as_u16() {
            203 if looks_like_html(answer.body()) => Err(sign_in_page()),
            // Without its page it may as well be a proxy's: 203 is the status of an answer that was changed on the way.
            203 if answer.body().is_empty() => Err(sign_in_page().with_effect(Effect::Unknown)),
            200..=299 if looks_like_html(answer.body()) => Err(web_page()),
            200..=299 => Ok(()),
            300..=399 => Err(redirect(answer)),
            401 if answer.body().is_empty() && !answer.headers().contains_key("x-tfs-serviceerror") => {
                Err(empty_unauthorized())
            }
            _ => Err(failure(answer)),
        }
        .map_err(|error| error.with_http_status(status.as_u16()))
    }
}

/// One of the bare shapes in which the service turns away whom it does not know, which it does before it reads a request.
fn unauthenticated(message: &str, code: &str, advice: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, message)
        .with_service_code(code)
        .with_advice(advice)
        .with_effect(Effect::None)
}

fn sign_in_page() -> Error {
    unauthenticated(
        "Azure DevOps answered with its sign-in page: the token was not accepted",
        "SignInPage",
        "check that the personal access token is complete and has not expired, or that the Entra token is for scope \
         499b84ac-1321-427f-aa17-267ca6975798/.default",
    )
}

fn redirect(answer: &Response) -> Error {
    let target = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if target.to_ascii_lowercase().contains("_signin") {
        return unauthenticated(
            "Azure DevOps redirected to its sign-in page: no valid token arrived",
            "SignInRedirect",
            "check the token, and that no proxy removes the authorization header",
        );
    }
    // These two ask for the same request at another address, so this one was not carried out. The older ones may also answer a
    // request that was.
    let effect = if matches!(answer.status().as_u16(), 307 | 308) { Effect::None } else { Effect::Unknown };
    Error::new(ErrorKind::Unexpected, "Azure DevOps redirected elsewhere; a token does not follow a redirect")
        .with_effect(effect)
        .with_advice("check the organization's name: a renamed organization redirects to its new one")
}

fn empty_unauthorized() -> Error {
    unauthenticated(
        "Azure DevOps refused the token without saying why",
        "EmptyUnauthorized",
        "check that the token is of the organization's tenant, and that its policies allow this kind of token \
         (personal access tokens and third-party access can be switched off)",
    )
}

fn web_page() -> Error {
    Error::new(ErrorKind::Unexpected, "a web page was answered instead of JSON")
        .with_service_code("HtmlAnswer")
        .with_advice("check the address, and whether a proxy or a sign-in page stands in between")
}

/// The error of an answer that is a failure and not one of the bare shapes.
fn failure(answer: &Response) -> Error {
    let status = answer.status();
    let envelope = Envelope::of(answer);
    let (type_key, code) = (envelope.type_key.as_deref(), envelope.code());
    let find = |name: Option<&str>| name.and_then(|name| CODES.find(name));
    let known = match (find(type_key), find(code)) {
        // ArgumentException and its kin say only that a value is wrong; the code says which.
        (Some(key), Some(code)) if key.kind() == ErrorKind::InvalidInput => Some(code),
        (Some(key), _) => Some(key),
        (None, code) => code,
    };
    let error = known.map_or_else(|| unknown_failure(status), Row::explain);
    let error = error.with_effect(effect(status, known.map(Row::datum), envelope.is_the_service_s()));
    let text = service_text(answer, &envelope.message).filter(|_| envelope.is_the_service_s());
    let error = text.into_iter().fold(error, Error::with_service_text);
    match (code, envelope.entra_code(), type_key) {
        // The failure is Azure DevOps's and the cause is at Entra ID, where the remedy is as well.
        (None, Some(cause), _) if cause.is_known() => {
            error.with_service_code(cause.to_string()).with_advice(cause.explain().advice())
        }
        (None, Some(cause), _) => error.with_service_code(cause.to_string()),
        (Some(name), ..) | (None, None, Some(name)) => error.with_service_code(name),
        (None, None, None) => error,
    }
}

/// What a failure proves about the effect of its request.
fn effect(status: StatusCode, name: Option<&Proof>, is_the_service_s: bool) -> Effect {
    match (status.as_u16(), name) {
        (_, Some(Proof::Always)) => Effect::None,
        (_, Some(Proof::Never)) => Effect::Unknown,
        // The limit is looked at before the request is.
        (429, _) => Effect::None,
        (400..=499, Some(Proof::Refused)) => Effect::None,
        // By their status alone these may also tell of a request that was carried out: late, or twice.
        (408 | 409, None) => Effect::Unknown,
        (400..=499, None) if is_the_service_s => Effect::None,
        _ => Effect::Unknown,
    }
}

fn unknown_failure(status: StatusCode) -> Error {
    let kind = kind_of_status(status);
    let error = Error::new(kind, "Azure DevOps refused the request");
    match kind {
        ErrorKind::InvalidInput => error
            .with_advice("compare the request with what the portal sends for the same change; the code names the rule"),
        ErrorKind::Throttled => {
            error.with_advice("wait as long as the service asks; the limit is per user and pipeline")
        }
        // Azure DevOps names what it misses inside an organization; an organization it does not know, it does not name.
        ErrorKind::NotFound => error
            .with_message("Azure DevOps knows nothing at this address: the organization may not exist")
            .with_advice("check the organization's name, the first part of its address after dev.azure.com/, then project and id"),
        _ => error,
    }
}

/// Whether a body is a web page: its first character that is not white space is `<`.
pub(crate) fn looks_like_html(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(body);
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// The code of the error for a connection in whose place the service answered `null`.
const NULL_CONNECTION: &str = "NullConnection";

/// Whether the service itself said that a connection is not there: by the name that it has for that, or with `null` where
/// the connection would stand. A missing organization or project, and a proxy's 404, say nothing of the connection.
pub(crate) fn says_no_such_connection(error: &Error) -> bool {
    let code = error.service_code().unwrap_or_default();
    let names = NO_CONNECTION.iter().chain([&NULL_CONNECTION]);
    error.kind() == ErrorKind::NotFound && names.into_iter().any(|name| name.eq_ignore_ascii_case(code))
}

/// Whether the service itself said that something is missing, by a name that is not one of an organization, a project or a
/// service connection.
pub(crate) fn says_something_else_is_missing(error: &Error) -> bool {
    let is_new = |code: &str| CODES.find(code).is_none();
    error.kind() == ErrorKind::NotFound && error.effect() == Effect::None && error.service_code().is_some_and(is_new)
}

/// The error for a connection in whose place the service answered 200 with `null`.
pub(crate) fn null_connection() -> Error {
    let advice = "check the connection's id and its project, and that the identity may see it";
    not_found("the service connection", advice).with_service_code(NULL_CONNECTION)
}

/// The error for a success that holds nothing.
pub(crate) fn not_found(what: &str, advice: &str) -> Error {
    // Effect none: only readings are answered so.
    Error::new(ErrorKind::NotFound, format!("{what} does not exist, or may not be seen"))
        .with_effect(Effect::None)
        .with_retry(Retry::No)
        .with_advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Response {
        let mut answer = Response::new(body.to_owned().into());
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            answer.headers_mut().insert(*name, value.parse().unwrap());
        }
        answer
    }

    fn judge(status: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
        DevOpsDialect.judge(&answer(status, headers, body)).unwrap_err()
    }

    #[test]
    fn the_four_shapes_of_bad_authentication_are_told_apart() {
        let unauthorized = r#"{"$id":"1","message":"TF400813: The user 'x' is not authorized.","typeKey":"UnauthorizedRequestException"}"#;
        let shapes = [
            judge(203, &[], "<!DOCTYPE html><html><title>Sign In</title></html>"),
            judge(302, &[("location", "https://spsprodeus1.vssps.visualstudio.com/_signin?realm=dev.azure.com")], ""),
            judge(401, &[], ""),
            judge(401, &[("content-type", "application/json")], unauthorized),
        ];
        let codes: Vec<_> = shapes.iter().map(|error| error.service_code().unwrap().to_owned()).collect();
        assert_eq!(codes, ["SignInPage", "SignInRedirect", "EmptyUnauthorized", "TF400813"]);
        let mut advice: Vec<_> = shapes.iter().map(Error::advice).collect();
        advice.dedup();
        assert_eq!(advice.len(), 4);
        for error in &shapes {
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Unauthenticated, Effect::None));
        }
    }

    #[test]
    fn a_success_with_www_authenticate_is_a_success() {
        assert!(DevOpsDialect.judge(&answer(200, &[("www-authenticate", "Bearer")], "{}")).is_ok());
        assert!(DevOpsDialect.judge(&answer(204, &[], "")).is_ok());
    }

    #[test]
    fn the_type_key_decides_before_the_status() {
        let error = judge(
            500,
            &[],
            r#"{"message":"Service connection with name x already exists.","typeName":"Microsoft.X","typeKey":"DuplicateServiceConnectionException"}"#,
        );
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(error.retry(), Retry::No);
        assert_eq!(error.effect(), Effect::None);
        assert_eq!(error.service_code(), Some("DuplicateServiceConnectionException"));
        assert!(!format!("{error:?} {error}").contains("with name x"));
    }

    #[test]
    fn codes_are_found_behind_a_byte_order_mark_in_plain_text_and_in_the_header() {
        let bom = judge(400, &[], "\u{feff}{\"message\":\"VS800075: The project with id 'x' does not exist\"}");
        assert_eq!((bom.kind(), bom.service_code()), (ErrorKind::NotFound, Some("VS800075")));
        let plain = judge(404, &[("content-type", "text/plain")], "TF200016: The following project does not exist: x.");
        assert_eq!(plain.service_code(), Some("TF200016"));
        let header = judge(401, &[("x-tfs-serviceerror", "TF400813%3A+The+user+is+not+authorized")], "");
        assert_eq!((header.kind(), header.service_code()), (ErrorKind::Unauthenticated, Some("TF400813")));
    }

    #[test]
    fn what_entra_said_gives_the_advice() {
        let text =
            "Failed to obtain the JSON Web Token (JWT). AADSTS700016: Application with identifier 'x' was not found.";
        let body = format!(r#"{{"message":"{text}","typeKey":"ServiceEndpointException"}}"#);
        let error = judge(500, &[], &body);
        assert_eq!((error.kind(), error.service_code()), (ErrorKind::Unsupported, Some("AADSTS700016")));
        assert!(error.advice().contains("client id and the tenant id"), "{}", error.advice());
    }

    #[test]
    fn throttling_and_web_pages_are_named() {
        let slow = judge(
            429,
            &[],
            r#"{"message":"TF400733: The request has been canceled","typeKey":"RequestBlockedException"}"#,
        );
        assert_eq!((slow.kind(), slow.effect()), (ErrorKind::Throttled, Effect::None));
        assert_eq!(judge(200, &[], " <html>").service_code(), Some("HtmlAnswer"));
        assert_eq!(judge(503, &[], "<html>").kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn an_unknown_failure_of_the_server_may_have_been_applied() {
        let error = judge(500, &[], r#"{"message":"?","typeKey":"SomethingNewException"}"#);
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown));
        assert_eq!(error.service_code(), Some("SomethingNewException"));
    }
}
