//! Whether a refusal says that the caller lacks a right.

use azconnect_core::{Error, ErrorKind};

/// Whether an error says that the caller lacks a right, and not that something else refuses: a policy, a firewall, a proxy, or the
/// sign-in.
pub fn is_about_rights(error: &Error) -> bool {
    let code = error.service_code().unwrap_or_default();
    error.kind() == ErrorKind::PermissionDenied
        && (code.starts_with("Authorization") || code.starts_with("LinkedAuthorization"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_something_else_is_none_of_a_right() {
        let denied = |code: &str| Error::new(ErrorKind::PermissionDenied, "no").with_service_code(code);
        for (code, expected) in [
            ("AuthorizationFailed", true),
            ("AuthorizationPermissionMismatch", true),
            ("LinkedAuthorizationFailed", true),
            ("RequestDisallowedByPolicy", false),
            ("AADSTS7000112", false),
            ("AADSTS53003", false),
            ("AADSTS65001", false),
        ] {
            assert_eq!(is_about_rights(&denied(code)), expected, "{code}");
        }
        assert!(!is_about_rights(&Error::new(ErrorKind::PermissionDenied, "a page")));
        assert!(!is_about_rights(&denied("AuthorizationFailed").with_kind(ErrorKind::Unavailable)));
    }
}
