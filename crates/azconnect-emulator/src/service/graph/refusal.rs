//! The refusals of Graph.

use serde_json::json;
use time::macros::format_description;

use crate::base::answer::{Answer, WithHeader, json_answer};
use crate::base::call::Call;
use crate::base::refusal::Refusal;
use crate::base::settings::graph::{BusyAnswer, ForbiddenCredential, GraphSettings, YoungObject};

pub(super) fn bad_request(message: impl Into<String>) -> Box<Refusal> {
    Refusal::new(400, "Request_BadRequest", message)
}

pub(super) fn invalid(property: &str, resource: &str) -> Box<Refusal> {
    bad_request(format!("Invalid value specified for property '{property}' of resource '{resource}'."))
}

pub(super) fn not_found(key: &str) -> Box<Refusal> {
    Refusal::new(
        404,
        "Request_ResourceNotFound",
        format!("Resource '{key}' does not exist or one of its queried reference-property objects are not present."),
    )
}

pub(super) fn denied() -> Box<Refusal> {
    Refusal::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

/// What the *Application management policies* reference shows for a secret that lives too long.
pub(super) fn lifetime(policy: &str) -> Box<Refusal> {
    let message = format!("Credential lifetime exceeds the max value allowed as per assigned policy '{policy}'.");
    let detail = "The end date of the credential exceeds the longest lifetime that the policy allows.";
    Refusal::new(400, "CredentialInvalidLifetimeAsPerAppPolicy", message)
        .detail(Refusal::new(400, "InvalidKeyEndDate", detail).at("EndDate"))
}

/// Refuses a kind of credential that the tenant's policy forbids.
pub(super) fn forbidden_credential(settings: &GraphSettings, policy: &str) -> Box<Refusal> {
    let status = match settings.forbidden_credential {
        ForbiddenCredential::BadRequest400 => 400,
        ForbiddenCredential::Denied403 => 403,
    };
    let message = format!("Credential type not allowed as per assigned policy '{policy}'.");
    Refusal::new(status, "CredentialTypeNotAllowedAsPerAppPolicy", message)
}

/// Refuses a change of an object that this replica has not heard of yet.
pub(super) fn young(settings: &GraphSettings, key: &str) -> Box<Refusal> {
    match settings.young_object {
        YoungObject::NotFound404 => not_found(key),
        YoungObject::Denied403 => denied(),
        YoungObject::Incomplete409 => {
            Refusal::new(409, "Error_MsaAppDoesNotExist", "The corresponding MSA application does not exist.")
        }
    }
}

/// Refuses a change since others are under way in the tenant.
pub(super) fn busy(answer: BusyAnswer, removes_password: bool) -> Box<Refusal> {
    let (status, code) = match answer {
        BusyAnswer::Unavailable503 => (503, "Service_ServiceUnavailable"),
        BusyAnswer::BadRequest400 => (400, "Request_BadRequest"),
        BusyAnswer::Error500 if removes_password => (500, "Service_InternalServerError"),
        BusyAnswer::Conflict409 | BusyAnswer::Error500 => (409, "Directory_ConcurrencyViolation"),
    };
    let text = "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.";
    Refusal::new(status, code, text)
}

/// The answer that carries a refusal.
pub(super) fn answer(refusal: &Refusal, call: &Call, settings: &GraphSettings, id: &str) -> Answer {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let inner = if settings.small_inner_error { "innererror" } else { "innerError" };
    let mut error = json!({
        "code": refusal.code,
        "message": refusal.message,
        inner: {
            "date": call.now.wall.format(format).unwrap_or_default(),
            "request-id": id,
            "client-request-id": call.header("client-request-id").unwrap_or(id),
        },
    });
    if let (false, Some(map)) = (refusal.details.is_empty(), error.as_object_mut()) {
        let detail =
            |detail: &Refusal| json!({"code": detail.code, "message": detail.message, "target": detail.target});
        map.insert("details".to_owned(), refusal.details.iter().map(detail).collect());
    }
    let answer = json_answer(refusal.status, &json!({"error": error}));
    refusal.headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value))
}
