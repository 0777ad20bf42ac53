//! Signed tokens (RFC 7515 and 7519) that a caller shows: read, and verified with a public key.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// A token, read and not yet verified.
pub(crate) struct Jwt {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    /// What is signed: the first two parts as they came.
    signed: String,
    signature: Vec<u8>,
}

/// How a token says it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Ps256,
}

impl Jwt {
    /// Reads a token of three parts; nothing if it is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self {
            header: object(header)?,
            claims: object(claims)?,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// A text of the header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.header.get(name)?.as_str()
    }

    /// The algorithm, if it is one of those that the emulator knows.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        match self.header("alg")? {
            "RS256" => Some(Algorithm::Rs256),
            "PS256" => Some(Algorithm::Ps256),
            _ => None,
        }
    }

    /// A claim that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// A claim that is a moment, in seconds. Clients write fractions too (RFC 7519, section 2, `NumericDate`).
    pub(crate) fn seconds(&self, name: &str) -> Option<f64> {
        self.claims.get(name)?.as_f64()
    }

    /// Whether the audience is, or has among several, one that is accepted.
    pub(crate) fn is_for(&self, accepted: impl Fn(&str) -> bool) -> bool {
        match self.claims.get("aud") {
            Some(Value::String(audience)) => accepted(audience),
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).any(accepted),
            _ => false,
        }
    }

    /// Whether the holder of the private key signed it. `key` is a `SubjectPublicKeyInfo`.
    pub(crate) fn is_signed_by(&self, key: &[u8]) -> bool {
        let Some(parameters) = self.algorithm().map(parameters) else { return false };
        UnparsedPublicKey::new(parameters, key).verify(self.signed.as_bytes(), &self.signature).is_ok()
    }

    /// Whether the holder of the private key signed it. The public key is two numbers, big end first.
    pub(crate) fn is_signed_by_numbers(&self, modulus: &[u8], exponent: &[u8]) -> bool {
        let Some(parameters) = self.algorithm().map(parameters) else { return false };
        let key = RsaPublicKeyComponents { n: modulus, e: exponent };
        key.verify(parameters, self.signed.as_bytes(), &self.signature).is_ok()
    }
}

fn parameters(algorithm: Algorithm) -> &'static RsaParameters {
    match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_token_is_not_read() {
        for text in ["", "a", "a.b", "a.b.c", "e30.e30.=", "e30.W10.AA", "e30.e30.e30.AA"] {
            assert!(Jwt::read(text).is_none(), "{text}");
        }
        let unsigned = Jwt::read("eyJhbGciOiJub25lIn0.e30.").unwrap();
        assert_eq!(unsigned.algorithm(), None);
        assert!(!unsigned.is_signed_by(&[]));
    }
}
