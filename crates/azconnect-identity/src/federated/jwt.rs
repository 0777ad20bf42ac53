//! The shape of a signed token. What it says is for whoever it is shown to.

use azconnect_core::{Effect, Error, ErrorKind, Secret};

/// How many bytes a token of another issuer takes at most. Those of Kubernetes, GitHub and Azure Pipelines take one to three
/// kilobytes.
pub(super) const LONGEST: usize = 16 * 1024;

/// The token without white space around it, if it has the shape of a signed one (RFC 7515, section 3.1).
pub(super) fn signed_token(text: &Secret) -> Option<Secret> {
    let token = text.expose().trim();
    (token.len() <= LONGEST && is_signed_token(token)).then(|| Secret::new(token))
}

/// The error for a token that cannot be one. It shows nothing of it.
pub(super) fn no_token(whose: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{whose} is no signed token (JWT)")).with_effect(Effect::None)
}

fn is_signed_token(token: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let mut parts = token.split('.');
    parts.by_ref().take(3).filter(|part| is_part(part)).count() == 3 && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_parts_make_a_token() {
        for good in ["a.b.c", "eyJ0.eyJh_-.c2ln\n", "  a.b.c "] {
            assert_eq!(signed_token(&Secret::new(good)).unwrap().expose(), good.trim());
        }
        for bad in ["", "a", "a.b", "a.b.", ".b.c", "a..c", "a.b.c.d", "a.b.c=", "a.b\n.c", "a b.c.d", "a.b.c\0"] {
            assert!(signed_token(&Secret::new(bad)).is_none(), "{bad:?}");
        }
        assert!(signed_token(&Secret::new(format!("a.b.{}", "c".repeat(LONGEST)))).is_none());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_accepted_can_be_a_header(text in ".{0,60}|[a-zA-Z0-9_.=\\- \n-]{0,40}") {
            if let Some(token) = signed_token(&Secret::new(text)) {
                prop_assert!(http::HeaderValue::from_str(token.expose()).is_ok());
                prop_assert_eq!(token.expose().split('.').count(), 3);
            }
        }
    }
}
