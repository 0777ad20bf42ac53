//! What the words of the OAuth standards mean at the token endpoint, where no number says more.
//!
//! Documents: RFC 6749, RFC 8628, *OpenID Connect Core*, and Microsoft's *OAuth 2.0 authorization code flow*. The numbers
//! are in [`azconnect_credential::entra`].

use azconnect_core::ErrorKind;
use azconnect_core::catalogue::{Catalogue, Row};

/// The failure of Entra ID itself: an OAuth word, or a status from 500 to 599.
pub(crate) const UNAVAILABLE: Row<&'static str> = Row::new(
    &["temporarily_unavailable", "server_error"],
    ErrorKind::Unavailable,
    "Microsoft Entra ID is not working for a moment",
    "try again later",
);

/// The throttle of Entra ID: an OAuth word, or status 429.
pub(crate) const SLOW_DOWN: Row<&'static str> = Row::new(
    &["slow_down"],
    ErrorKind::Throttled,
    "Microsoft Entra ID asks to slow down",
    "ask less often, and keep tokens until they end",
);

pub(crate) static WORDS: Catalogue<&str> = Catalogue::new(&[
    Row::new(
        &["invalid_client", "unauthorized_client"],
        ErrorKind::Unauthenticated,
        "the application's credential is not accepted",
        "check the client id, the tenant id and the credential, and that it has not expired",
    ),
    Row::new(
        &["invalid_grant"],
        ErrorKind::Unauthenticated,
        "what was offered for a token is not accepted",
        "sign in again; if it goes on, look at the tenant's sign-in log",
    ),
    Row::new(
        &["invalid_request"],
        ErrorKind::InvalidInput,
        "the sign-in request is not valid",
        "check the tenant id and the client id",
    ),
    Row::new(
        &["invalid_resource", "invalid_target", "invalid_scope"],
        ErrorKind::InvalidInput,
        "the resource or scope is not valid in this tenant",
        "give a resource of this cloud followed by /.default",
    ),
    Row::new(
        &["unsupported_grant_type", "unsupported_response_type"],
        ErrorKind::Unsupported,
        "the service does not offer this kind of sign-in",
        "check the cloud's address, or use another kind of credential",
    ),
    Row::new(
        &["interaction_required", "login_required", "consent_required", "access_denied"],
        ErrorKind::PermissionDenied,
        "the tenant wants a person to act before it gives a token",
        "look at the tenant's sign-in log: consent or an access policy is in the way",
    ),
    Row::new(
        &["authorization_declined"],
        ErrorKind::PermissionDenied,
        "the person declined the sign-in of the device",
        "start again, and ask the person to continue",
    ),
    Row::new(
        &["expired_token", "bad_verification_code"],
        ErrorKind::Unauthenticated,
        "the device's code has ended, or is none",
        "start again with a new code",
    ),
    UNAVAILABLE,
    SLOW_DOWN,
]);

/// The letters before the number of every code of AD FS.
const AD_FS_PREFIX: &str = "MSIS";

/// The codes of AD FS, which writes them into its descriptions.
pub(crate) static AD_FS: Catalogue<&str> = Catalogue::new(&[Row::new(
    &["MSIS9605"],
    ErrorKind::PermissionDenied,
    "the application is not granted the resource at AD FS",
    "have an administrator of AD FS grant it, with Grant-AdfsApplicationPermission",
)]);

/// The first code of AD FS in a description that is known.
pub(crate) fn of_ad_fs(description: &str) -> Option<(&'static str, &'static Row<&'static str>)> {
    description.match_indices(AD_FS_PREFIX).find_map(|(at, _)| {
        let rest = description.get(at..)?;
        let end = rest.bytes().skip(AD_FS_PREFIX.len()).take_while(u8::is_ascii_digit).count() + AD_FS_PREFIX.len();
        let code = rest.get(..end)?;
        AD_FS.iter().find(|(known, _)| **known == code).map(|(known, row)| (*known, row))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_once() {
        assert!(WORDS.repeated().is_empty(), "{:?}", WORDS.repeated());
        assert!(AD_FS.repeated().is_empty(), "{:?}", AD_FS.repeated());
    }

    #[test]
    fn a_code_of_ad_fs_is_cut_out_exactly() {
        let code = |text| of_ad_fs(text).map(|(code, _)| code);
        assert_eq!(code("MSIS9605: The client is not allowed"), Some("MSIS9605"));
        assert_eq!(code("MSIS1, MSIS and MSIS9605"), Some("MSIS9605"));
        for text in ["", "MSIS", "MSIS960", "MSIS96051", "msis9605"] {
            assert_eq!(code(text), None, "{text}");
        }
    }
}
