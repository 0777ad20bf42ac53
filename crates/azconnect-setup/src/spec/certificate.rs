//! The public part of a certificate.

use azconnect_core::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, de};

/// The most bytes that a certificate is taken with. One of RSA 4096 has fewer than 3,000.
const MOST_BYTES: usize = 16 * 1024;

/// The first byte of every DER certificate: a sequence.
const SEQUENCE: u8 = 0x30;

/// The public part of a certificate, as base64 of its DER form. It is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct PublicCertificate(Box<str>);

impl PublicCertificate {
    /// Takes a certificate in DER form.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `certificate`.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        if der.first() != Some(&SEQUENCE) || der.len() > MOST_BYTES {
            return Err(wrong("is not a certificate in DER form"));
        }
        Ok(Self(STANDARD.encode(der).into()))
    }

    /// Takes a text that holds one certificate in PEM form, and no private key.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `certificate`, and none of the text.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        if text.contains("PRIVATE KEY-----") {
            return Err(wrong("holds a private key").with_advice(
                "give the certificate alone; the private key stays with whoever signs in, and belongs in no setup",
            ));
        }
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        let Some((_, rest)) = text.split_once(begin) else { return Err(wrong("is not in PEM form")) };
        let Some((inside, after)) = rest.split_once(end) else { return Err(wrong("is not whole")) };
        if after.contains(begin) {
            return Err(wrong("is a chain of several").with_advice("give the one that signs in, without its chain"));
        }
        let inside: String = inside.split_whitespace().collect();
        Self::from_der(&STANDARD.decode(inside).map_err(|_| wrong("is not base64"))?)
    }

    /// The base64 of its DER form, as a directory takes it.
    pub fn as_base64(&self) -> &str {
        &self.0
    }
}

fn wrong(message: &str) -> Error {
    Error::invalid("certificate", message).with_advice("give the public part of one X.509 certificate, as PEM or DER")
}

impl<'de> Deserialize<'de> for PublicCertificate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let der = STANDARD.decode(&text).map_err(de::Error::custom)?;
        Self::from_der(&der).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_refused_and_not_repeated() {
        let pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        assert_eq!(PublicCertificate::from_pem(pem).unwrap().as_base64(), "MAA=");
        for key in ["PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
            let text = format!("{pem}-----BEGIN {key}-----\nc2VjcmV0\n-----END {key}-----\n");
            let error = PublicCertificate::from_pem(&text).unwrap_err();
            assert_eq!(error.field(), Some("certificate"));
            assert!(!format!("{error:?}{}", error.advice()).contains("c2VjcmV0"));
        }
        for bad in ["", "MAA=", "-----BEGIN CERTIFICATE-----\nMAA=", &format!("{pem}{pem}")] {
            assert!(PublicCertificate::from_pem(bad).is_err(), "{bad:?}");
        }
    }
}
