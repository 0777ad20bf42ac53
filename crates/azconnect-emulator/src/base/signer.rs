//! The key that signs access tokens. It is made once in a process, when it is first needed, and never leaves it.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
#[cfg(feature = "cli")]
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::der::rsa_numbers;

/// A key pair, with the name under which its public half is published.
pub(crate) struct Signer {
    pair: KeyPair,
    pub(crate) id: String,
}

/// One for all emulators of a process: to make one takes as long as hundreds of tokens.
static SIGNER: OnceLock<Option<Signer>> = OnceLock::new();

impl Signer {
    /// The signer of this process; nothing if the machine has no random numbers.
    pub(crate) fn of_process() -> Option<&'static Self> {
        SIGNER.get_or_init(Self::new).as_ref()
    }

    /// Makes a key pair of an earlier process the signer of this one, which must not have signed anything yet.
    #[cfg(feature = "cli")]
    pub(crate) fn restore(pkcs8: &[u8]) -> bool {
        SIGNER.set(KeyPair::from_pkcs8(pkcs8).ok().map(Self::of)).is_ok()
    }

    /// The key pair, for a later process.
    #[cfg(feature = "cli")]
    pub(crate) fn pkcs8(&self) -> Option<Vec<u8>> {
        AsDer::<Pkcs8V1Der<'_>>::as_der(&self.pair).ok().map(|der| der.as_ref().to_vec())
    }

    fn new() -> Option<Self> {
        KeyPair::generate(KeySize::Rsa2048).ok().map(Self::of)
    }

    fn of(pair: KeyPair) -> Self {
        let id = URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, pair.public_key().as_ref()));
        Self { pair, id }
    }

    /// The signature of a text by RS256, in base64url.
    pub(crate) fn sign(&self, text: &str) -> Option<String> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).ok()?;
        Some(URL_SAFE_NO_PAD.encode(signature))
    }

    /// The public half, as a JSON Web Key (RFC 7517).
    pub(crate) fn published(&self) -> Option<Value> {
        let (modulus, exponent) = rsa_numbers(self.pair.public_key().as_ref())?;
        Some(json!({
            "kty": "RSA",
            "use": "sig",
            "kid": self.id,
            "x5t": self.id,
            "n": URL_SAFE_NO_PAD.encode(modulus),
            "e": URL_SAFE_NO_PAD.encode(exponent),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::jwt::Jwt;

    #[test]
    fn what_is_signed_is_verified_by_the_published_key() {
        let signer = Signer::of_process().unwrap();
        let text = format!("{}.e30", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#));
        let token = Jwt::read(&format!("{text}.{}", signer.sign(&text).unwrap())).unwrap();
        let key = signer.published().unwrap();
        let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
        assert!(token.is_signed_by_numbers(&number("n"), &number("e")));
        assert!(!token.is_signed_by_numbers(&number("n"), &[3]));
    }
}
