//! What the codes of Azure DevOps mean, and what to do about each.
//!
//! Its failures carry a `typeKey`, the name of an exception, and often a code such as `TF400813` in their text; both stand
//! here. The codes of Entra ID that it passes on are in [`azconnect_credential::entra`].

use azconnect_core::catalogue::{Catalogue, Row};
use azconnect_core::{Effect, ErrorKind};

/// A refusal: whatever status it comes with, the request was not carried out.
const fn refused(
    codes: &'static [&'static str],
    kind: ErrorKind,
    message: &'static str,
    advice: &'static str,
) -> Row<&'static str> {
    Row::new(codes, kind, message, advice).with_effect(Effect::None)
}

pub(super) static CODES: Catalogue<&str> = Catalogue::new(&[
    refused(
        &["DuplicateServiceConnectionException", "DuplicateServiceEndpointException"],
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
        &["ServiceEndpointNotFoundException", "EndpointNotFoundException", "ServiceConnectionNotFoundException"],
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
    refused(
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
    Row::new(
        &["VssServiceResponseException", "CircuitBreakerExceededConcurrencyException", "DatabaseConnectionException"],
        ErrorKind::Unavailable,
        "Azure DevOps is overloaded or being maintained",
        "try again later; https://status.dev.azure.com shows its state",
    ),
    Row::new(
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
