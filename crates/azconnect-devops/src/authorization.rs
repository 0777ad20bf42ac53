//! Signing with a personal access token.

use async_trait::async_trait;
use azconnect_core::{Error, Secret};
use azconnect_http::{Authorization, Authorizer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Signs with a personal access token, as HTTP Basic with an empty user name.
///
/// Microsoft's *Use personal access tokens* gives the form `base64(":" + token)`.
pub struct PersonalAccessToken(Secret);

impl PersonalAccessToken {
    /// Checks a token and keeps it for signing.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if it is empty or holds blanks or control characters;
    /// the token is not shown.
    pub fn new(token: Secret) -> Result<Self, Error> {
        let text = token.expose();
        if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Error::invalid("personal_access_token", "is empty or holds a space or line break")
                .with_advice("paste the token alone; Azure DevOps shows it once, when it is created"));
        }
        Ok(Self(token))
    }
}

#[async_trait]
impl Authorizer for PersonalAccessToken {
    async fn authorize(&self) -> Result<Authorization, Error> {
        Authorization::new(&basic("", &self.0))
    }

    async fn refused(&self, _: &Authorization, _: &Error) -> bool {
        // Nothing can fetch another token, and the same one would be refused again.
        false
    }
}

impl std::fmt::Debug for PersonalAccessToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonalAccessToken(***)")
    }
}

/// The value of an `authorization: Basic` header.
pub(crate) fn basic(user: &str, password: &Secret) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
    let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    Zeroizing::new(format!("Basic {}", *encoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_an_empty_user() {
        assert_eq!(*basic("", &Secret::new("pat")), "Basic OnBhdA==");
    }

    #[test]
    fn a_pasted_line_break_is_refused_unseen() {
        let error = PersonalAccessToken::new(Secret::new("abcdefgh\n")).unwrap_err();
        assert!(!format!("{error:?}").contains("abcdefgh"));
        assert_eq!(error.field(), Some("personal_access_token"));
    }
}
