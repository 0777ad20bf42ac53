//! Random values of a sign-in.

use aws_lc_rs::rand;
use azconnect_core::{Effect, Error, ErrorKind, Secret};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// 256 random bits as text, in letters that stand in an address unencoded. It is long enough for a PKCE verifier too (RFC 7636,
/// section 4.1).
pub(super) fn token() -> Result<Secret, Error> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    rand::fill(bytes.as_mut()).map_err(|_| {
        Error::new(ErrorKind::Unavailable, "the machine gives no random numbers")
            .with_effect(Effect::None)
            .with_advice("try again later; if it goes on, look at the machine")
    })?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tokens_are_the_same() {
        let (one, other) = (token().unwrap(), token().unwrap());
        assert_eq!(one.expose().len(), 43);
        assert!(!one.same_as(&other));
    }
}
