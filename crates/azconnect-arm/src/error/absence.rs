//! What the service says of a resource that is not there.

use azconnect_core::{Error, ErrorKind};

/// Codes of things that are not found and that the resource lies in: of the resource they prove nothing.
const OF_SOMETHING_ELSE: [&str; 2] = ["SubscriptionNotFound", "TenantNotFound"];

/// Whether an error proves that the resource itself is not there. Other answers have the status 404 as well: that of an
/// unknown type, of a subscription at another cloud, and that of a proxy.
pub(crate) fn is_absent(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound
        && error.service_code().is_none_or(|code| code.ends_with("NotFound") && !OF_SOMETHING_ELSE.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_the_resource_itself_proves_its_absence() {
        let error = |code: &str| Error::new(ErrorKind::NotFound, "not there").with_service_code(code);
        for code in ["ResourceNotFound", "NotFound", "ParentResourceNotFound", "ResourceGroupNotFound", "DiskNotFound"]
        {
            assert!(is_absent(&error(code)), "{code}");
        }
        for code in ["SubscriptionNotFound", "InvalidResourceType", "InvalidResourceNamespace", "InvalidSubscriptionId"]
        {
            assert!(!is_absent(&error(code)), "{code}");
        }
        assert!(is_absent(&Error::new(ErrorKind::NotFound, "an answer without a body")));
        assert!(!is_absent(&Error::new(ErrorKind::Unavailable, "a web page").with_service_code("NotFound")));
    }
}
