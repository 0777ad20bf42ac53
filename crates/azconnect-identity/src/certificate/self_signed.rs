//! Making a key, and a certificate that it signs itself.

use std::time::Duration;

use aws_lc_rs::rsa::{self, KeySize};
use azconnect_core::{Effect, Error, ErrorKind};
use rcgen::{CertificateParams, DistinguishedName, DnType, PKCS_RSA_SHA256, PublicKeyData, SerialNumber, SigningKey};
use time::OffsetDateTime;

use super::assertion::AssertionForm;
use super::key::PrivateKey;

/// How far a service's clock may be behind ours without refusing a certificate as one of the future.
const SKEW: Duration = Duration::from_secs(300);

/// A key as rcgen asks for it, so that no copy of it is made.
struct Signer<'a>(&'a PrivateKey);

impl PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_bits()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(AssertionForm::Rs256, message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// A new RSA key of 2048 bits, and its certificate in DER under a common name from now until a moment.
pub(super) fn make(name: &str, now: OffsetDateTime, ends_at: OffsetDateTime) -> Result<(PrivateKey, Vec<u8>), Error> {
    let key = PrivateKey::Rsa(rsa::KeyPair::generate(KeySize::Rsa2048).map_err(|_| unmade())?);
    let mut serial = [0; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| unmade())?;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.not_before = now.checked_sub(SKEW.try_into().unwrap_or_default()).unwrap_or(now);
    parameters.not_after = ends_at;
    let certificate = parameters.self_signed(&Signer(&key)).map_err(|_| unmade())?;
    Ok((key, certificate.der().to_vec()))
}

fn unmade() -> Error {
    Error::new(ErrorKind::Unexpected, "a key with its certificate could not be made")
        .with_effect(Effect::None)
        .with_advice("try again; if it goes on, this machine's source of random numbers is not working")
}
