//! Refusals in the shapes that Microsoft documents, one for each status and service.

use azconnect::http::Response;
use serde_json::{Value, json};

use super::call::Call;

/// The refusal of a service with a status.
pub(super) fn refusal(call: Call, status: u16) -> Response {
    let body = match call {
        Call::SignIn => entra(status),
        Call::Look | Call::Test | Call::Write => devops(status),
        _ => graph(status),
    };
    answer(status, &body)
}

/// A request to come back later.
pub(super) fn throttled(seconds: u64) -> Response {
    let body = json!({"error": {"code": "TooManyRequests", "message": "Too many requests."}});
    let mut answer = answer(429, &body);
    answer.headers_mut().insert("retry-after", seconds.to_string().parse().unwrap());
    answer
}

fn answer(status: u16, body: &Value) -> Response {
    let answer = http::Response::builder().status(status).header("content-type", "application/json; charset=utf-8");
    answer.body(body.to_string().into()).unwrap()
}

fn graph(status: u16) -> Value {
    let (code, message) = match status {
        401 => ("InvalidAuthenticationToken", "Access token has expired or is not yet valid."),
        403 => ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
        404 => (
            "Request_ResourceNotFound",
            "Resource 'x' does not exist or one of its queried reference-property objects are not present.",
        ),
        409 => ("Directory_ConcurrencyViolation", "There are too many concurrent requests being made to the tenant."),
        503 => ("ServiceUnavailable", "The service is temporarily unavailable."),
        _ => ("InternalServerError", "An internal server error has occurred."),
    };
    json!({"error": {"code": code, "message": message, "innerError": {"date": "2026-01-01T00:00:00", "request-id": "0"}}})
}

fn entra(status: u16) -> Value {
    // Nothing that speaks of the secret: a refusal of a good secret would be a lie that no service tells.
    let (error, code) = match status {
        400..=499 => ("temporarily_unavailable", 90_033),
        _ => ("server_error", 90_006),
    };
    json!({"error": error, "error_description": format!("AADSTS{code}: A transient error has occurred."), "error_codes": [code]})
}

fn devops(status: u16) -> Value {
    let (key, message) = match status {
        401 => ("UnauthorizedRequestException", "TF400813: The user is not authorized to access this resource."),
        403 => ("AccessDeniedException", "TF400813: Access denied, needs Administer permissions."),
        404 => ("ProjectDoesNotExistException", "TF200016: The following project does not exist."),
        409 => ("ConcurrencyException", "TF400271: The resource has been changed by somebody else."),
        503 => ("VssServiceResponseException", "The service is unavailable."),
        _ => ("Exception", "TF400898: An Internal Error Occurred."),
    };
    json!({"$id": "1", "innerException": null, "message": message, "typeName": key, "typeKey": key, "errorCode": 0, "eventId": 3000})
}
