//! Graph's errors.

use serde_json::{Value, json};
use time::macros::format_description;

use crate::base::answer::{Answer, json_answer};
use crate::base::call::Call;

/// Why there is no ordinary answer.
pub(super) enum GraphError {
    /// Nobody emulates this.
    Gap,
    /// Graph refuses.
    Refusal(Refusal),
}

/// An error of Graph.
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    details: Option<Value>,
}

impl GraphError {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self::Refusal(Refusal { status, code, message: message.into(), details: None })
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    pub(super) fn not_found(key: &str) -> Self {
        Self::new(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{key}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    pub(super) fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    /// What the *Application management policies* reference shows for a secret that lives too long.
    pub(super) fn lifetime(policy: &str) -> Self {
        let details = json!([{
            "code": "InvalidKeyEndDate",
            "message": "The end date of the credential exceeds the longest lifetime that the policy allows.",
            "target": "EndDate",
        }]);
        Self::Refusal(Refusal {
            status: 400,
            code: "CredentialInvalidLifetimeAsPerAppPolicy",
            message: format!("Credential lifetime exceeds the max value allowed as per assigned policy '{policy}'."),
            details: Some(details),
        })
    }
}

impl Refusal {
    pub(super) fn answer(self, call: &Call, id: &str) -> Answer {
        let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
        let mut error = json!({
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": call.now.wall.format(format).unwrap_or_default(),
                "request-id": id,
                "client-request-id": call.header("client-request-id").unwrap_or(id),
            },
        });
        if let (Some(details), Some(map)) = (self.details, error.as_object_mut()) {
            map.insert("details".to_owned(), details);
        }
        json_answer(self.status, &json!({"error": error}))
    }
}
