//! What the codes of Azure DevOps mean, and what to do about each.
//!
//! Its failures carry a `typeKey`, the name of an exception, and often a code such as `TF400813` in their text; both stand
//! here. The codes of Entra ID that it passes on are in [`azconnect_credential::entra`].

use azconnect_core::ErrorKind;
use azconnect_core::catalogue::{Catalogue, Row};

/// When the name of a failure proves that the request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Whatever the status: what is known of the service says that it looks before it acts.
    Always,
    /// With a status of 400 to 499, by which the service says that it refused. An error of its own inside may come after it
    /// has stored what it was sent.
    Refused,
    /// Never: it tells of a failure on the way, or of one after the work was done.
    Never,
}

/// A refusal: the request was not carried out, if the status is that of a refusal as well.
const fn refused(
    codes: &'static [&'static str],
    kind: ErrorKind,
    message: &'static str,
    advice: &'static str,
) -> Row<&'static str, Proof> {
    Row::new(codes, kind, message, advice).with_datum(Proof::Refused)
}

/// A failure that proves nothing.
const fn open(
    codes: &'static [&'static str],
    kind: ErrorKind,
    message: &'static str,
    advice: &'static str,
) -> Row<&'static str, Proof> {
    Row::new(codes, kind, message, advice).with_datum(Proof::Never)
}

/// The names by which the service says that a service connection is not there.
pub(super) const NO_CONNECTION: &[&str] =
    &["ServiceEndpointNotFoundException", "EndpointNotFoundException", "ServiceConnectionNotFoundException"];

pub(super) static CODES: Catalogue<&str, Proof> = Catalogue::new(&[
    // The service answers a name that is taken with status 500, and looks for it before it stores anything.
    Row::new(
        &["DuplicateServiceConnectionException"],
        ErrorKind::Conflict,
        "a service connection of this name exists already",
        "choose another name, or use the connection that has it",
    )
    .with_datum(Proof::Always),
    refused(
        &["DuplicateServiceEndpointException"],
        ErrorKind::Conflict,
        "a service connection of this name exists already",
        "choose another name, or use the connection that has it",
    ),
    refused(
        &["UnauthorizedRequestException", "VssUnauthorizedException", "TF400813"],
        ErrorKind::Unauthenticated,
        "Azure DevOps knows the token, and its owner is not authorized here",
        "check that the identity is a member of this organization, and that the token is of its tenant",
    ),
    refused(
        &[
            "AccessDeniedException",
            "AccessCheckException",
            "UnauthorizedAccessException",
            "InvalidAccessException",
            "EndpointAccessDeniedException",
            "ServiceEndpointAccessDeniedException",
        ],
        ErrorKind::PermissionDenied,
        "the identity may not do this to the service connection",
        "ask an administrator for the role Administrator on the connection; changing a secret needs it on \
                 collection level too",
    ),
    refused(
        &[
            "ProjectDoesNotExistException",
            "ProjectDoesNotExistWithNameException",
            "TeamProjectNotFoundException",
            "ProjectNotFoundException",
            "VS800075",
            "TF200016",
        ],
        ErrorKind::NotFound,
        "the project does not exist, or may not be seen",
        "check the project's name or id, and that the identity is a member of it",
    ),
    refused(
        NO_CONNECTION,
        ErrorKind::NotFound,
        "the service connection does not exist, or may not be seen",
        "check the connection's id and its project",
    ),
    refused(
        &["HostDoesNotExistException", "CollectionDoesNotExistException", "ServiceHostDoesNotExistException"],
        ErrorKind::NotFound,
        "the organization does not exist",
        "check the organization's name",
    ),
    // The audit log is written at the end, when the change may be stored already.
    open(
        &["AuditLogEntryContainsDuplicateDataKeyException"],
        ErrorKind::InvalidInput,
        "the connection's data repeats a field that stands at its top, such as url",
        "remove `url` from the connection's `data`; it belongs to the top level",
    ),
    refused(
        &["AadAccessSilentException"],
        ErrorKind::Unsupported,
        "the organization and the subscription are in different tenants",
        "create the connection by hand: application and federated credential in the subscription's tenant",
    ),
    refused(
        &["ServiceEndpointException", "ServiceEndpointQueryFailedException"],
        ErrorKind::Unsupported,
        "Azure DevOps cannot do this to the service connection",
        "compare the connection with the portal's; an AADSTS code, where there is one, names the cause at Entra ID",
    ),
    refused(
        &[
            "ArgumentException",
            "ArgumentNullException",
            "ArgumentOutOfRangeException",
            "VssPropertyValidationException",
        ],
        ErrorKind::InvalidInput,
        "Azure DevOps does not take a value of the request",
        "compare the request with what the portal sends for the same change",
    ),
    refused(
        &["RequestBlockedException", "ServiceOverloadException", "RequestDelayedException", "TF400733"],
        ErrorKind::Throttled,
        "the organization's use exceeds its limit",
        "wait as long as the service asks, and send fewer requests to this organization",
    ),
    open(
        &["VssServiceResponseException", "CircuitBreakerExceededConcurrencyException", "DatabaseConnectionException"],
        ErrorKind::Unavailable,
        "Azure DevOps is overloaded or being maintained",
        "try again later; https://status.dev.azure.com shows its state",
    ),
    open(
        &["TF400898"],
        ErrorKind::Unexpected,
        "Azure DevOps failed inside",
        "a shared connection's name cannot be changed through one project; else report it with the request id",
    ),
    refused(
        &["VS403403", "TF50309", "TF400409", "VS403526"],
        ErrorKind::PermissionDenied,
        "the identity may not do this",
        "ask an administrator of the project for the permission, or for the role on the connection",
    ),
    refused(
        &["VS403463"],
        ErrorKind::PermissionDenied,
        "an access policy of the tenant forbids this sign-in to Azure DevOps",
        "ask an administrator of the tenant which conditional access policy applies",
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
