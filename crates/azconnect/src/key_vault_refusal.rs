//! How Azure Key Vault says no. The message of an error is always our own.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_http::{Dialect, Response, kind_of_status, service_text};
use serde_json::Value;
use url::Url;

/// The dialect of operations on keys. None of them changes anything.
pub(crate) struct VaultDialect<'a> {
    /// Whether a blob is unwrapped, which may be the wrong one.
    pub(crate) unwraps: bool,
    /// Where tokens come from.
    pub(crate) login: &'a Url,
}

impl Dialect for VaultDialect<'_> {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let document: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        // Both spellings are seen.
        let inner = [text("/error/innererror/code"), text("/error/innerError/code")].concat();
        let is_vault_s = !text("/error/code").is_empty();
        let (kind, message, advice) = self.explain(answer, status.as_u16(), &inner, is_vault_s);
        let mut error = Error::new(kind, message)
            .with_effect(Effect::None)
            .with_field("wrapping_key")
            .with_http_status(status.as_u16())
            .with_advice(advice);
        let code = if inner.is_empty() { text("/error/code") } else { &inner };
        if !code.is_empty() && code.len() <= 80 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            error = error.with_service_code(code);
        }
        Err(match service_text(answer, text("/error/message")) {
            Some(words) => error.with_service_text(words),
            None => error,
        })
    }
}

impl VaultDialect<'_> {
    fn explain(&self, answer: &Response, status: u16, inner: &str, is_vault_s: bool) -> (ErrorKind, &str, String) {
        use ErrorKind::{Corrupt, NotFound, PermissionDenied, Unauthenticated};
        match (status, inner) {
            (400, _) if self.unwraps && is_vault_s => (
                Corrupt,
                "the wrapped key was changed, or another key has wrapped it",
                "restore the wrapped key from a backup; nothing was changed".into(),
            ),
            (401, _) => (Unauthenticated, "the vault does not accept the identity's token", self.sign_in(answer)),
            (403, "KeyDisabled") => (
                PermissionDenied,
                "the vault's key is disabled, not yet valid, or has expired",
                "enable it, or make a new version of it; what an expired one wrapped is unwrapped all the same".into(),
            ),
            (403, "ForbiddenByFirewall" | "ForbiddenByConnection") => (
                PermissionDenied,
                "the vault's network rules refuse this process",
                "allow this process's address in the vault's firewall, or connect through its private link".into(),
            ),
            (403, _) => (
                PermissionDenied,
                "the identity may not use the vault's key",
                "grant it `Key Vault Crypto Service Encryption User` on the key, or get, wrapKey and unwrapKey in the access \
                 policy; after a grant, try again for some minutes"
                    .into(),
            ),
            (404, _) if is_vault_s => (
                NotFound,
                "the vault's key, or this version of it, is gone",
                "recover the deleted key, or check its name; without it nothing that it wrapped can be opened".into(),
            ),
            (404, _) => (
                ErrorKind::Unavailable,
                "something other than the vault answered",
                "check the vault's name, and what stands between it and this process".into(),
            ),
            _ => {
                let kind = kind_of_status(answer.status());
                (kind, "the vault refused the request", kind.advice().into())
            }
        }
    }

    /// Where the vault would have us sign in, which is never done: it is compared with where tokens come from.
    fn sign_in(&self, answer: &Response) -> String {
        let challenge =
            answer.headers().get("www-authenticate").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let wanted =
            challenge.split("authorization=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let tenant = wanted.strip_prefix(self.login.as_str()).filter(|tenant| {
            (1..=36).contains(&tenant.len()) && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
        match tenant {
            Some(tenant) => format!("use an identity of the vault's own tenant, which is {tenant}"),
            None => "check that the address is the vault's: it would have this process sign in elsewhere".into(),
        }
    }
}
