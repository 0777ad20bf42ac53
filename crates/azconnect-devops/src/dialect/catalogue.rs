//! What is known of single failures.

use azconnect_core::ErrorKind;

/// One known failure.
pub(super) struct Entry {
    names: &'static [&'static str],
    pub(super) kind: ErrorKind,
    pub(super) message: &'static str,
    pub(super) advice: &'static str,
}

pub(super) fn by_type_key(type_key: &str) -> Option<&'static Entry> {
    find(TYPE_KEYS, type_key)
}

pub(super) fn by_code(code: &str) -> Option<&'static Entry> {
    find(CODES, code)
}

fn find(table: &'static [Entry], name: &str) -> Option<&'static Entry> {
    table.iter().find(|entry| entry.names.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

/// The first `AADSTS…` code of a text: Azure DevOps passes on what Entra ID said.
pub(crate) fn aadsts_in(text: &str) -> Option<&str> {
    let start = text.find("AADSTS")?;
    let rest = text.get(start..)?;
    let digits = rest.bytes().skip("AADSTS".len()).take_while(u8::is_ascii_digit).count();
    if digits == 0 { None } else { rest.get(.."AADSTS".len() + digits) }
}

static TYPE_KEYS: &[Entry] = &[
    Entry {
        names: &["DuplicateServiceConnectionException", "DuplicateServiceEndpointException"],
        kind: ErrorKind::Conflict,
        message: "a service connection of this name exists already",
        advice: "choose another name, or use the connection that has it",
    },
    Entry {
        names: &["UnauthorizedRequestException", "VssUnauthorizedException"],
        kind: ErrorKind::Unauthenticated,
        message: "Azure DevOps knows the token, and its owner is not authorized here",
        advice: "check that the identity is a member of this organization, and that the token is of its tenant",
    },
    Entry {
        names: &[
            "AccessDeniedException",
            "AccessCheckException",
            "UnauthorizedAccessException",
            "InvalidAccessException",
            "EndpointAccessDeniedException",
            "ServiceEndpointAccessDeniedException",
        ],
        kind: ErrorKind::PermissionDenied,
        message: "the identity may not do this to the service connection",
        advice: "ask an administrator for the role Administrator on the connection; changing a secret needs it on \
                 collection level too",
    },
    Entry {
        names: &[
            "ProjectDoesNotExistException",
            "ProjectDoesNotExistWithNameException",
            "TeamProjectNotFoundException",
            "ProjectNotFoundException",
        ],
        kind: ErrorKind::NotFound,
        message: "the project does not exist, or may not be seen",
        advice: "check the project's name or id, and that the identity is a member of it",
    },
    Entry {
        names: &["ServiceEndpointNotFoundException", "EndpointNotFoundException", "ServiceConnectionNotFoundException"],
        kind: ErrorKind::NotFound,
        message: "the service connection does not exist, or may not be seen",
        advice: "check the connection's id and its project",
    },
    Entry {
        names: &["HostDoesNotExistException", "CollectionDoesNotExistException", "ServiceHostDoesNotExistException"],
        kind: ErrorKind::NotFound,
        message: "the organization does not exist",
        advice: "check the organization's name",
    },
    Entry {
        names: &["AuditLogEntryContainsDuplicateDataKeyException"],
        kind: ErrorKind::InvalidInput,
        message: "the connection's data repeats a field that stands at its top, such as url",
        advice: "remove `url` from the connection's `data`; it belongs to the top level",
    },
    Entry {
        names: &["AadAccessSilentException"],
        kind: ErrorKind::Unsupported,
        message: "the organization and the subscription are in different tenants",
        advice: "create the connection by hand: application and federated credential in the subscription's tenant",
    },
    Entry {
        names: &["ServiceEndpointException", "ServiceEndpointQueryFailedException"],
        kind: ErrorKind::Unsupported,
        message: "Azure DevOps cannot do this to the service connection",
        advice: "compare the connection with the portal's; an AADSTS code, where there is one, names the cause at Entra ID",
    },
    Entry {
        names: &[
            "ArgumentException",
            "ArgumentNullException",
            "ArgumentOutOfRangeException",
            "VssPropertyValidationException",
        ],
        kind: ErrorKind::InvalidInput,
        message: "Azure DevOps does not take a value of the request",
        advice: "compare the request with what the portal sends for the same change",
    },
    Entry {
        names: &["RequestBlockedException", "ServiceOverloadException", "RequestDelayedException"],
        kind: ErrorKind::Throttled,
        message: "the organization's use exceeds its limit",
        advice: "wait as long as the service asks, and send fewer requests to this organization",
    },
    Entry {
        names: &[
            "VssServiceResponseException",
            "CircuitBreakerExceededConcurrencyException",
            "DatabaseConnectionException",
        ],
        kind: ErrorKind::Unavailable,
        message: "Azure DevOps is overloaded or being maintained",
        advice: "try again later; https://status.dev.azure.com shows its state",
    },
];

static CODES: &[Entry] = &[
    Entry {
        names: &["TF400813"],
        kind: ErrorKind::Unauthenticated,
        message: "Azure DevOps knows the token, and its owner is not authorized here",
        advice: "check that the identity is a member of this organization, and that the token is of its tenant",
    },
    Entry {
        names: &["TF400733"],
        kind: ErrorKind::Throttled,
        message: "the organization's use exceeds its limit",
        advice: "wait as long as the service asks, and send fewer requests to this organization",
    },
    Entry {
        names: &["VS800075", "TF200016"],
        kind: ErrorKind::NotFound,
        message: "the project does not exist, or may not be seen",
        advice: "check the project's name or id, and that the identity is a member of it",
    },
    Entry {
        names: &["TF400898"],
        kind: ErrorKind::Unexpected,
        message: "Azure DevOps failed inside",
        advice: "a shared connection's name cannot be changed through one project; else report it with the request id",
    },
    Entry {
        names: &["VS403403", "TF50309", "TF400409", "VS403526"],
        kind: ErrorKind::PermissionDenied,
        message: "the identity may not do this",
        advice: "ask an administrator of the project for the permission, or for the role on the connection",
    },
    Entry {
        names: &["VS403463"],
        kind: ErrorKind::PermissionDenied,
        message: "an access policy of the tenant forbids this sign-in to Azure DevOps",
        advice: "ask an administrator of the tenant which conditional access policy applies",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_entra_is_cut_out_exactly() {
        let text = "Failed to obtain the JWT. AADSTS7000215: Invalid client secret provided.";
        assert_eq!(aadsts_in(text), Some("AADSTS7000215"));
        assert_eq!(aadsts_in("AADSTS: none"), None);
        assert_eq!(aadsts_in("nothing"), None);
    }

    #[test]
    fn no_name_stands_in_two_entries() {
        let mut names: Vec<_> = TYPE_KEYS.iter().chain(CODES).flat_map(|entry| entry.names).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
