//! A certificate with its private key.

use std::fmt;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use azconnect_core::{Error, Secret};
use serde::Serialize;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::assertion::{self, AssertionForm};
use super::fault;
use super::key::PrivateKey;
use super::pair::{self, Pair};
use super::{pem, pfx, self_signed};

/// A certificate with its private key, and the chain above it where that was given.
///
/// The key is RSA of 2048 to 8192 bits, or elliptic on P-256 or P-384, which other issuers accept and Entra ID does not
/// ([`require_rsa`](Self::require_rsa)). Nothing is said about who issued it: Entra ID takes a self-signed one as well.
///
/// ```
/// use azconnect_core::Secret;
/// use azconnect_identity::ClientCertificate;
///
/// let refused = ClientCertificate::from_pem(&Secret::new("-----BEGIN ENCRYPTED PRIVATE KEY-----")).unwrap_err();
/// assert_eq!(refused.field(), Some("certificate"));
/// ```
pub struct ClientCertificate {
    pair: Pair,
}

impl ClientCertificate {
    /// Reads a certificate and its private key from one text in PEM, in any order, with the chain or without. The key may be
    /// in PKCS#8, PKCS#1 or SEC 1; of several certificates the one that has the key's own public key is meant.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `certificate`: no certificate, no key, an
    /// encrypted key, a key of another certificate, of another kind or too small. Nothing of the text is shown.
    pub fn from_pem(pem: &Secret) -> Result<Self, Error> {
        let mut keys = Vec::new();
        let mut certificates = Vec::new();
        for block in pem::blocks(pem.expose())? {
            match block.label {
                pem::CERTIFICATE if !block.has_headers => certificates.push(block.der.to_vec()),
                pem::ENCRYPTED => return Err(fault::encrypted_key()),
                pem::PKCS8 | pem::PKCS1 | pem::SEC1 if block.has_headers => return Err(fault::encrypted_key()),
                pem::PKCS8 => keys.push(PrivateKey::from_pkcs8(&block.der)?),
                pem::PKCS1 => keys.push(PrivateKey::from_pkcs1(&block.der)?),
                pem::SEC1 => keys.push(PrivateKey::from_sec1(&block.der)?),
                // Parameters, requests and public keys lie beside a key in many files.
                _ => {}
            }
        }
        Ok(Self { pair: pair::find(keys, &certificates)? })
    }

    /// Reads a certificate and its private key from the bytes of a PFX file (PKCS#12, `.pfx` or `.p12`).
    ///
    /// The bytes are the caller's to keep or to overwrite; the library that opens them leaves a decrypted copy of the key in
    /// memory that is not overwritten. Where that matters, give the key in PEM.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `certificate_password` if the password is
    /// wrong, else with the field `certificate`, as [`from_pem`](Self::from_pem). Legacy encryption (RC2, Triple DES) has a
    /// message of its own: it is not opened, and looks like a wrong password elsewhere.
    pub fn from_pfx(bytes: &[u8], password: &Secret) -> Result<Self, Error> {
        let (keys, certificates) = pfx::open(bytes, password)?;
        Ok(Self { pair: pair::find(keys, &certificates)? })
    }

    /// Makes an RSA key of 2048 bits, and a certificate of a name that the key signs itself, valid from five minutes ago until a
    /// moment. The key exists here only: whoever registers the certificate somewhere seals the key first or loses it.
    ///
    /// It takes the processor for a tenth of a second or more, and nothing is waited for.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `ends_at` unless that is after now;
    /// [`Unexpected`](azconnect_core::ErrorKind::Unexpected) if the machine gives no random numbers.
    pub fn self_signed(name: &str, now: OffsetDateTime, ends_at: OffsetDateTime) -> Result<Self, Error> {
        if ends_at <= now {
            return Err(Error::invalid("ends_at", "is not in the future").with_advice("choose an end after now"));
        }
        let (key, der) = self_signed::make(name, now, ends_at)?;
        Ok(Self { pair: pair::find(vec![key], &[der])? })
    }

    /// The certificate, its key in PKCS#8, and the chain, in one text in PEM: what [`from_pem`](Self::from_pem) reads, a
    /// service connection takes, and a store seals.
    ///
    /// # Errors
    /// If the key cannot be written, which no key that was read should cause.
    pub fn to_pem(&self) -> Result<Secret, Error> {
        let key = self.pair.key.to_pkcs8()?;
        let blocks = [(pem::CERTIFICATE, self.pair.leaf.der.as_slice()), (pem::PKCS8, key.as_slice())];
        let above = self.pair.above.iter().map(|der| (pem::CERTIFICATE, der.as_slice()));
        let blocks: Vec<_> = blocks.into_iter().chain(above).collect();
        let mut text = Zeroizing::new(String::with_capacity(blocks.iter().map(|(_, der)| pem::room(der)).sum()));
        for (label, der) in blocks {
            pem::write(label, der, &mut text);
        }
        Ok(Secret::new(std::mem::take(&mut *text)))
    }

    /// When it begins to be valid.
    pub fn starts(&self) -> OffsetDateTime {
        self.pair.leaf.starts
    }

    /// When it ends.
    pub fn ends(&self) -> OffsetDateTime {
        self.pair.leaf.ends
    }

    /// The certificate in DER, without its key.
    pub fn der(&self) -> &[u8] {
        &self.pair.leaf.der
    }

    /// The SHA-1 of the certificate in capital hexadecimal digits: the thumbprint that portals show.
    pub fn thumbprint(&self) -> String {
        hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, self.der()).as_ref())
    }

    /// The SHA-256 of the certificate in capital hexadecimal digits.
    pub fn thumbprint_sha256(&self) -> String {
        hex(digest(&SHA256, self.der()).as_ref())
    }

    /// Refuses an elliptic key, of which Entra ID accepts no assertion.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `certificate`.
    pub fn require_rsa(&self) -> Result<(), Error> {
        if self.pair.key.is_rsa() { Ok(()) } else { Err(fault::needs_rsa()) }
    }

    /// Signs claims with the private key, as a token in the compact form, whose header names the certificate. An elliptic key
    /// signs `ES256` or `ES384`, whatever the form says. Whoever has the token is taken for the application while it lives.
    ///
    /// # Errors
    /// If the claims cannot be written as JSON, or the key cannot sign.
    pub fn sign(&self, form: AssertionForm, claims: &impl Serialize) -> Result<Secret, Error> {
        assertion::sign(&self.pair, (form, false), claims)
    }

    /// The same, with the whole chain in the header.
    pub(super) fn sign_with_chain(&self, form: AssertionForm, claims: &impl Serialize) -> Result<Secret, Error> {
        assertion::sign(&self.pair, (form, true), claims)
    }
}

/// A constant: neither the key nor whose it is.
impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate(***)")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
