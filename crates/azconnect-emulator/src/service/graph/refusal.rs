//! The refusals of Graph.

use serde_json::json;
use time::macros::format_description;

use crate::base::answer::{Answer, json_answer};
use crate::base::call::Call;
use crate::base::refusal::Refusal;

pub(super) fn bad_request(message: impl Into<String>) -> Box<Refusal> {
    Refusal::new(400, "Request_BadRequest", message)
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

/// The answer that carries a refusal.
pub(super) fn answer(refusal: &Refusal, call: &Call, id: &str) -> Answer {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let mut error = json!({
        "code": refusal.code,
        "message": refusal.message,
        "innerError": {
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
    json_answer(refusal.status, &json!({"error": error}))
}
