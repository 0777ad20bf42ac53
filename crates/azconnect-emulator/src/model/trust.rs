//! The keys by which a client proves who it is without a secret: its own certificates, and the issuers it trusts.

use std::time::Duration;

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine;
use base64::alphabet::{STANDARD as STANDARD_LETTERS, URL_SAFE};
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use time::OffsetDateTime;
use uuid::Uuid;

use super::history::Mortal;
use super::replica::Replica;
use crate::base::der;
use crate::base::jwt::Jwt;
use crate::base::moment::Moment;

/// A certificate of an application or a service principal. The private key is its owner's alone. It is kept after its
/// removal for the replicas that have not heard of it.
pub(crate) struct Certificate {
    pub(crate) key_id: Uuid,
    pub(crate) display_name: Option<String>,
    pub(crate) starts: OffsetDateTime,
    pub(crate) ends: OffsetDateTime,
    pub(crate) added: Option<Duration>,
    pub(crate) removed: Option<Duration>,
    /// The certificate in DER, which has a public key in it.
    der: Vec<u8>,
}

impl Certificate {
    /// Bytes as a certificate; nothing if they are none.
    pub(crate) fn new(key_id: Uuid, der: Vec<u8>, starts: OffsetDateTime, ends: OffsetDateTime) -> Option<Self> {
        der::public_key(&der)?;
        Some(Self { key_id, display_name: None, starts, ends, added: None, removed: None, der })
    }

    pub(crate) fn with_display_name(mut self, name: Option<String>) -> Self {
        self.display_name = name;
        self
    }

    pub(crate) fn with_birth(mut self, now: Moment) -> Self {
        self.added = Some(now.elapsed);
        self
    }

    /// Whether it has not been removed, whatever replicas believe.
    pub(crate) fn is_live(&self) -> bool {
        self.removed.is_none()
    }

    /// Whether a replica believes it to exist.
    pub(crate) fn is_known_to(&self, replica: &Replica<'_>) -> bool {
        let added = self.added.is_none_or(|added| replica.has_seen_addition(self.key_id, added));
        added && !self.removed.is_some_and(|removed| replica.has_seen_removal(self.key_id, removed))
    }

    /// Whether one replica of the token endpoint lets somebody sign in with it now.
    pub(crate) fn is_accepted_by(&self, replica: &Replica<'_>, wall: OffsetDateTime) -> bool {
        self.is_known_to(replica) && self.is_in_time(wall)
    }

    pub(crate) fn is_in_time(&self, wall: OffsetDateTime) -> bool {
        self.starts <= wall && wall < self.ends
    }

    /// Whether the header of a token names it by its hash; nothing if it names none. Clients write the hash with and
    /// without padding, in both alphabets.
    pub(crate) fn is_named_by(&self, token: &Jwt) -> Option<bool> {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let is = |text: &str, hash: &[u8]| {
            let alphabets = [URL_SAFE, STANDARD_LETTERS].into_iter();
            let decoded = |letters| GeneralPurpose::new(&letters, config).decode(text).ok();
            alphabets.filter_map(decoded).next().is_some_and(|named| named == hash)
        };
        match (token.header("x5t#S256"), token.header("x5t")) {
            (Some(text), _) => Some(is(text, &self.thumbprint_sha256())),
            (None, Some(text)) => Some(is(text, &self.thumbprint())),
            (None, None) => None,
        }
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

impl Mortal for Certificate {
    fn removed_at(&self) -> Option<Duration> {
        self.removed
    }
}

/// The bytes of the first certificate in a PEM text.
pub(crate) fn certificate_in(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let der = STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()?;
    der::public_key(&der).is_some().then_some(der)
}

/// Whether the first private key in a PEM text, in PKCS#8, is that of a certificate.
pub(crate) fn holds_key_of(pem: &str, certificate: &[u8]) -> bool {
    let key = || {
        let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
        let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
        let key = STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()?;
        let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(&key).ok()?;
        let own = der::rsa_numbers(aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref())?;
        Some(der::public_numbers(der::public_key(certificate)?)? == own)
    };
    key().unwrap_or_default()
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
