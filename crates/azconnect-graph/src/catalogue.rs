//! What the codes of Microsoft Graph mean for applications, and what to do about each.
//!
//! Document: Microsoft's *Microsoft Graph error responses and resource types* and *Application management policies*.

use azconnect_core::catalogue::{Catalogue, Row};
use azconnect_core::{Effect, ErrorKind, Retry};

/// The service's refusal while others write to the same tenant: "Please wait briefly and retry."
pub(crate) static CONCURRENCY: Row<&str> = Row::new(
    &["Directory_ConcurrencyViolation"],
    ErrorKind::Conflict,
    "the directory is busy with other changes",
    "try again in some seconds; change one application from one place at a time",
)
.with_retry(Retry::Backoff)
.with_effect(Effect::None);

/// The refusal of a third password, which has no code of its own.
pub(crate) static PASSWORD_LIMIT: Row<&str> = Row::new(
    &["Request_BadRequest"],
    ErrorKind::Conflict,
    "the application holds as many passwords as it may",
    "remove a password that is no longer used; an application that personal accounts may sign in to holds 2 at most",
)
.with_effect(Effect::None);

/// The refusal of a second federated credential for an issuer and a subject, whose code stands for other values too.
pub(crate) static FEDERATED_DUPLICATE: Row<&str> = Row::new(
    &["InvalidFederatedIdentityCredentialValue"],
    ErrorKind::Conflict,
    "the application trusts this issuer and subject already",
    "use the federated credential that exists, or change it",
)
.with_effect(Effect::None);

/// The refusal of the twenty-first federated credential.
pub(crate) static FEDERATED_LIMIT: Row<&str> = Row::new(
    &["Request_BadRequest"],
    ErrorKind::Conflict,
    "the application has as many federated credentials as it may",
    "delete one that nothing uses any longer; an application has 20 at most",
)
.with_effect(Effect::None);

/// The refusal of a service principal for an application that the answering replica does not know.
pub(crate) static APPLICATION_UNKNOWN: Row<&str> = Row::new(
    &["Request_BadRequest"],
    ErrorKind::NotFound,
    "the application is not known here",
    "check the client id, and that the application is for accounts of this tenant; one made moments ago may need some minutes",
);

const SIGN_IN_AGAIN: &str = "check the token's audience and tenant, and this machine's clock";

// A row with effect `None` stands for what was refused before it began, so that even a conflict under its code proves that
// nothing was applied. Without it, a conflict proves nothing.
pub(crate) static CODES: Catalogue<&str> = Catalogue::new(&[
    Row::new(
        &["Authorization_RequestDenied"],
        ErrorKind::PermissionDenied,
        "the caller may not do this",
        "grant Application.ReadWrite.OwnedBy with admin consent and make the caller's service principal an owner of the \
         application, or grant Application.ReadWrite.All; a Privileged Role Administrator can grant either; a grant made \
         moments ago may need some minutes",
    ),
    Row::new(
        &["Request_ResourceNotFound"],
        ErrorKind::NotFound,
        "the object does not exist in this tenant",
        "check the id: the object id and the client id of an application differ; one made moments ago may need some \
         minutes",
    ),
    Row::new(
        &["Directory_ObjectNotFound"],
        ErrorKind::NotFound,
        "the object does not exist in this tenant",
        "check the id, and that the token is for the right tenant",
    ),
    Row::new(
        &["CredentialInvalidLifetimeAsPerAppPolicy"],
        ErrorKind::InvalidInput,
        "the tenant's application management policy allows no secret that lives so long",
        "choose an earlier end, or ask an administrator for an exception in the policy",
    )
    .with_field("ends_at"),
    Row::new(
        &["CredentialTypeNotAllowedAsPerAppPolicy"],
        ErrorKind::PermissionDenied,
        "the tenant's application management policy allows no secret of this kind",
        "use a certificate or a federated credential, or ask an administrator for an exception in the policy",
    ),
    Row::new(
        &["InvalidAuthenticationToken"],
        ErrorKind::Unauthenticated,
        "the access token is not accepted",
        SIGN_IN_AGAIN,
    ),
    Row::new(
        &["Authentication_ExpiredToken"],
        ErrorKind::Unauthenticated,
        "the access token has expired",
        SIGN_IN_AGAIN,
    ),
    Row::new(
        &["Authentication_MissingOrMalformed"],
        ErrorKind::Unauthenticated,
        "the access token is missing or damaged",
        SIGN_IN_AGAIN,
    ),
    Row::new(
        &["Authorization_IdentityNotFound"],
        ErrorKind::Unauthenticated,
        "the calling application is not known in this tenant",
        "check that its service principal exists; one made moments ago may need some minutes",
    )
    .with_retry(Retry::Backoff),
    Row::new(
        &["Directory_QuotaExceeded"],
        ErrorKind::Conflict,
        "the caller or the tenant holds as many objects as it may",
        "remove objects that are no longer used, or ask an administrator to raise the quota",
    )
    .with_effect(Effect::None),
    Row::new(
        &["Request_MultipleObjectsWithSameKeyValue"],
        ErrorKind::Conflict,
        "an object exists already that only one may be",
        "choose another name, or use the object that exists",
    )
    .with_effect(Effect::None),
    Row::new(
        &["InvalidFederatedIdentityCredentialValue"],
        ErrorKind::InvalidInput,
        "the service does not accept a value of the federated credential",
        "check issuer, subject and audience: each has to equal the tokens' claim, without wildcards",
    ),
    Row::new(
        &["Error_MsaAppDoesNotExist"],
        ErrorKind::Conflict,
        "the application is not complete yet",
        "try again in some seconds",
    )
    .with_effect(Effect::None)
    .with_retry(Retry::Backoff),
    Row::new(
        &["Request_UnsupportedQuery"],
        ErrorKind::Unsupported,
        "the service cannot answer this query",
        "use a simpler filter, or an advanced query",
    ),
    Row::new(
        &["Directory_ExpiredPageToken"],
        ErrorKind::Conflict,
        "the link to the next page has expired",
        "list again from the beginning",
    ),
    Row::new(
        &["Request_BadRequest"],
        ErrorKind::InvalidInput,
        "the service does not accept the request",
        "check the values given; report this with the request id if they are right",
    ),
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once() {
        assert!(CODES.repeated().is_empty(), "{:?}", CODES.repeated());
    }
}
