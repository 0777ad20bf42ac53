//! A signed token (RFC 7515, RFC 7519), read and verified by a public key.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The longest token that is read.
const LONGEST: usize = 64 * 1024;

/// A token of three parts whose signature nobody has looked at yet.
pub(super) struct Unverified<'a> {
    /// Which key signed it, as it says itself.
    pub(super) key: String,
    /// What is signed: the first two parts as they came.
    signed: &'a str,
    claims: &'a str,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    /// What a reader must understand. There is nothing that we do.
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

/// An RSA key as two numbers, big end first.
pub(super) struct PublicKey {
    pub(super) modulus: Vec<u8>,
    pub(super) exponent: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Reads a token that says it is signed by RS256; `None` for any other, such as one that says it needs no signature.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.').filter(|_| text.len() <= LONGEST)?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = part(header)?;
        let is_understood = header.alg == "RS256" && header.crit.is_none();
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        is_understood.then_some(Self { key: header.kid, signed, claims, signature })
    }

    /// The claims, if the holder of the private key signed them.
    pub(super) fn verified<T: DeserializeOwned>(&self, key: &PublicKey) -> Option<T> {
        let key = RsaPublicKeyComponents { n: &key.modulus, e: &key.exponent };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, self.signed.as_bytes(), &self.signature).ok()?;
        part(self.claims)
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn encoded(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn signed(pair: &KeyPair, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", encoded(header), encoded(claims));
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn public(pair: &KeyPair) -> PublicKey {
        // The DER of a key of 2048 bits (RFC 8017, appendix A.1.1) has its two numbers in these places.
        let key = pair.public_key().as_ref();
        PublicKey { modulus: key[9..265].to_vec(), exponent: key[267..270].to_vec() }
    }

    #[test]
    fn only_what_the_key_signed_is_verified() {
        let [own, other] = [(); 2].map(|()| KeyPair::generate(KeySize::Rsa2048).unwrap());
        let header = json!({"alg": "RS256", "kid": "k"});
        let text = signed(&own, &header, &json!({"sub": "ada"}));
        let token = Unverified::read(&text).unwrap();
        assert_eq!(token.key, "k");
        assert_eq!(token.verified::<Value>(&public(&own)).unwrap()["sub"], "ada");
        assert!(token.verified::<Value>(&public(&other)).is_none());
        let mut parts: Vec<_> = text.split('.').map(str::to_owned).collect();
        parts[1] = encoded(&json!({"sub": "eve"}));
        assert!(Unverified::read(&parts.join(".")).unwrap().verified::<Value>(&public(&own)).is_none());
    }

    #[test]
    fn a_token_that_names_another_way_of_signing_is_not_read() {
        let claims = encoded(&json!({}));
        for header in [
            json!({"alg": "none", "kid": "k"}),
            json!({"alg": "HS256", "kid": "k"}),
            json!({"alg": "rs256", "kid": "k"}),
            json!({"alg": "RS256"}),
            json!({"kid": "k"}),
            json!({"alg": "RS256", "kid": "k", "crit": ["exp"]}),
        ] {
            assert!(Unverified::read(&format!("{}.{claims}.AAAA", encoded(&header))).is_none(), "{header}");
        }
        let good = encoded(&json!({"alg": "RS256", "kid": "k"}));
        assert!(Unverified::read(&format!("{good}.{claims}.AAAA")).is_some());
        for text in ["", ".", "..", "a.b.c", &format!("{good}.{claims}"), &format!("{good}.{claims}.AAAA=")] {
            assert!(Unverified::read(text).is_none(), "{text}");
        }
        assert!(Unverified::read(&format!("{good}.{}.AAAA", "A".repeat(LONGEST))).is_none());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_passes(text in ".{0,200}", number in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(token) = Unverified::read(&text) {
                let key = PublicKey { modulus: number.clone(), exponent: number };
                prop_assert!(token.verified::<Value>(&key).is_none());
            }
        }

        #[test]
        fn no_key_makes_it_panic_or_passes(
            modulus in proptest::collection::vec(any::<u8>(), 0..600),
            exponent in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let good = format!("{}.{}.AAAA", encoded(&json!({"alg": "RS256", "kid": "k"})), encoded(&json!({})));
            prop_assert!(Unverified::read(&good).unwrap().verified::<Value>(&PublicKey { modulus, exponent }).is_none());
        }
    }
}
