//! The keys by which a client proves who it is without a secret: its own certificates, and the issuers it trusts.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::der;

/// A certificate of an application. The private key is its owner's alone.
pub(crate) struct Certificate {
    pub(crate) key_id: Uuid,
    pub(crate) display_name: Option<String>,
    pub(crate) starts: OffsetDateTime,
    pub(crate) ends: OffsetDateTime,
    /// The certificate in DER, which has a public key in it.
    der: Vec<u8>,
}

impl Certificate {
    /// Bytes as a certificate; nothing if they are none.
    pub(crate) fn new(key_id: Uuid, der: Vec<u8>, starts: OffsetDateTime, ends: OffsetDateTime) -> Option<Self> {
        der::public_key(&der)?;
        Some(Self { key_id, display_name: None, starts, ends, der })
    }

    pub(crate) fn with_display_name(mut self, name: Option<String>) -> Self {
        self.display_name = name;
        self
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    pub(crate) fn public_key(&self) -> &[u8] {
        der::public_key(&self.der).unwrap_or_default()
    }

    /// The hash that certificates are told apart by, with SHA-1.
    pub(crate) fn thumbprint(&self) -> Vec<u8> {
        self.hash(&SHA1_FOR_LEGACY_USE_ONLY)
    }

    /// The same with SHA-256.
    pub(crate) fn thumbprint_sha256(&self) -> Vec<u8> {
        self.hash(&SHA256)
    }

    fn hash(&self, algorithm: &'static Algorithm) -> Vec<u8> {
        digest(algorithm, &self.der).as_ref().to_vec()
    }
}

/// The bytes of the first certificate in a PEM text.
pub(crate) fn certificate_in(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let der = STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()?;
    der::public_key(&der).is_some().then_some(der)
}

/// Who issues tokens outside of Microsoft Entra ID, with the keys it publishes.
pub(crate) struct Issuer {
    pub(crate) address: String,
    pub(crate) keys: Vec<IssuerKey>,
}

/// An RSA key of an issuer.
pub(crate) struct IssuerKey {
    pub(crate) id: Option<String>,
    pub(crate) modulus: Vec<u8>,
    pub(crate) exponent: Vec<u8>,
}
