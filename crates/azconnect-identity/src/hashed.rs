//! Hashes as text, in letters that stand in an address and in a name.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// How many bytes of a hash are enough for a name.
const NAME: usize = 16;

/// The SHA-256 of a text in base64url: a PKCE challenge (RFC 7636, section 4.2), and a name for a secret.
pub(crate) fn hashed(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

/// 128 bits of the SHA-256 of several texts, each with its length, for a name that says nothing of them.
pub(crate) fn hashed_name(texts: &[&str]) -> String {
    let mut all = Zeroizing::new(Vec::with_capacity(texts.iter().map(|text| text.len() + size_of::<u64>()).sum()));
    for text in texts {
        all.extend_from_slice(&(text.len() as u64).to_be_bytes());
        all.extend_from_slice(text.as_bytes());
    }
    let whole = digest(&SHA256, &all);
    URL_SAFE_NO_PAD.encode(whole.as_ref().get(..NAME).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard_s_example() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(hashed(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_name_depends_on_where_a_text_ends_and_stays_what_it_was() {
        assert_ne!(hashed_name(&["a", "bc"]), hashed_name(&["ab", "c"]));
        assert_eq!(hashed_name(&["contoso/portal"]).len(), 22);
        // Tokens were kept under such names by earlier versions.
        assert_eq!(hashed_name(&["contoso/portal"]), "wA7xXj_o9N8r8qyr4kr39g");
    }
}
