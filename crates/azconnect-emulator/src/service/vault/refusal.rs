//! The refusals of Azure Key Vault.

use serde_json::json;

use crate::base::answer::{Answer, WithHeader, json_answer};
use crate::base::refusal::Refusal;

pub(super) fn unauthorized(message: &str) -> Box<Refusal> {
    Refusal::new(401, "Unauthorized", message)
}

pub(super) fn bad(message: impl Into<String>) -> Box<Refusal> {
    Refusal::new(400, "BadParameter", message)
}

pub(super) fn throttled() -> Box<Refusal> {
    let text =
        "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached";
    Refusal::new(429, "Throttled", text)
}

pub(super) fn forbidden(caller: &str) -> Box<Refusal> {
    let text = format!(
        "Caller is not authorized to perform action on resource. If role assignments, deny assignments or role \
         definitions were changed recently, please observe propagation time. Caller: oid={caller}"
    );
    Refusal::new(403, "Forbidden", text).detail(Refusal::new(403, "ForbiddenByRbac", ""))
}

pub(super) fn disabled(what: &str) -> Box<Refusal> {
    let text = format!("Operation get is not allowed on a disabled {what}.");
    let inner = if what == "key" { "KeyDisabled" } else { "SecretDisabled" };
    Refusal::new(403, "Forbidden", text).detail(Refusal::new(403, inner, ""))
}

pub(super) fn not_found(what: &str, name: &str) -> Box<Refusal> {
    let code = if what == "Key" { "KeyNotFound" } else { "SecretNotFound" };
    let text = format!(
        "A {} with (name/id) {name} was not found in this key vault. If you recently deleted this {} you may be able \
         to recover it using the correct recovery command.",
        what.to_lowercase(),
        what.to_lowercase()
    );
    Refusal::new(404, code, text)
}

/// A name that something deleted still has.
pub(super) fn taken(name: &str) -> Box<Refusal> {
    let text = format!(
        "Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, \
         the secret can only be recovered or purged."
    );
    Refusal::new(409, "Conflict", text).detail(Refusal::new(409, "ObjectIsDeletedButRecoverable", ""))
}

/// The answer that carries a refusal.
pub(super) fn answer(refusal: &Refusal) -> Answer {
    let mut error = json!({"code": refusal.code, "message": refusal.message});
    if let (Some(inner), Some(map)) = (refusal.details.first(), error.as_object_mut()) {
        map.insert("innererror".to_owned(), json!({"code": inner.code}));
    }
    let answer = json_answer(refusal.status, &json!({"error": error}));
    refusal.headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value))
}
