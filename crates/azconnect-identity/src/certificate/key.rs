//! The private key of a certificate, held by aws-lc.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256,
};
use azconnect_core::Error;
use zeroize::Zeroizing;

use super::assertion::AssertionForm;
use super::fault;

/// A private key that can sign assertions. Its numbers lie in aws-lc's memory, which is overwritten when it is freed.
pub(super) enum PrivateKey {
    Rsa(rsa::KeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
}

impl PrivateKey {
    /// A key in PKCS#8 (RFC 5958).
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        let p256 = |der| EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Self::P256);
        let p384 = |der| EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der).map(Self::P384);
        let rsa = rsa::KeyPair::from_pkcs8(der).map(Self::Rsa);
        let key = rsa.or_else(|_| p256(der)).or_else(|_| p384(der)).map_err(|_| fault::unknown_key())?;
        key.fitting()
    }

    /// An RSA key in PKCS#1 (RFC 8017, appendix A.1.2).
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, Error> {
        let key = rsa::KeyPair::from_der(der).map_err(|_| fault::unknown_key())?;
        Self::Rsa(key).fitting()
    }

    /// An elliptic key in SEC 1 (RFC 5915).
    pub(super) fn from_sec1(der: &[u8]) -> Result<Self, Error> {
        let p256 = |der| EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Self::P256);
        let p384 = |der| EcdsaKeyPair::from_private_key_der(&ECDSA_P384_SHA384_FIXED_SIGNING, der).map(Self::P384);
        p256(der).or_else(|_| p384(der)).map_err(|_| fault::unknown_key())
    }

    /// Smaller keys are no longer safe, and larger ones are refused by the library in some forms and taken in others.
    fn fitting(self) -> Result<Self, Error> {
        match &self {
            Self::Rsa(key) if !(256..=1024).contains(&key.public_modulus_len()) => Err(fault::unknown_key()),
            _ => Ok(self),
        }
    }

    /// The public key, as the bits of a certificate's `subjectPublicKey`.
    pub(super) fn public_bits(&self) -> &[u8] {
        match self {
            Self::Rsa(key) => key.public_key().as_ref(),
            Self::P256(key) | Self::P384(key) => key.public_key().as_ref(),
        }
    }

    pub(super) fn is_rsa(&self) -> bool {
        matches!(self, Self::Rsa(_))
    }

    /// The name of the algorithm in the header of a token (RFC 7518, section 3.1). An elliptic key has one only.
    pub(super) fn algorithm(&self, form: AssertionForm) -> &'static str {
        match (self, form) {
            (Self::Rsa(_), AssertionForm::Ps256) => "PS256",
            (Self::Rsa(_), AssertionForm::Rs256) => "RS256",
            (Self::P256(_), _) => "ES256",
            (Self::P384(_), _) => "ES384",
        }
    }

    /// The signature of a message, as tokens carry it.
    pub(super) fn sign(&self, form: AssertionForm, message: &[u8]) -> Result<Vec<u8>, Error> {
        let random = SystemRandom::new();
        let signed = match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let done = match form {
                    AssertionForm::Ps256 => key.sign(&RSA_PSS_SHA256, &random, message, &mut signature),
                    AssertionForm::Rs256 => key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature),
                };
                done.map(|()| signature)
            }
            Self::P256(key) | Self::P384(key) => {
                key.sign(&random, message).map(|signature| signature.as_ref().to_vec())
            }
        };
        signed.map_err(|_| fault::unsigned())
    }

    /// The key in PKCS#8.
    pub(super) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let der = match self {
            Self::Rsa(key) => AsDer::<Pkcs8V1Der<'_>>::as_der(key).map(|der| Zeroizing::new(der.as_ref().to_vec())),
            Self::P256(key) | Self::P384(key) => key.to_pkcs8v1().map(|der| Zeroizing::new(der.as_ref().to_vec())),
        };
        der.map_err(|_| fault::unsigned())
    }
}
