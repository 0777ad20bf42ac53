//! The key that seals.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use aws_lc_rs::{hmac, rand};
use azconnect_core::{Error, PlainKey, Secret};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::SealingKeyError;

/// Base64 as people paste it: padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The public name of a key, derived from it. It tells keys apart and reveals nothing of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SealingKeyId(pub(super) [u8; Self::LENGTH]);

impl SealingKeyId {
    pub(super) const LENGTH: usize = 8;

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for SealingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for SealingKeyId {
    type Err = Error;

    /// Reads what [`Display`](fmt::Display) shows: 16 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Error> {
        let is_hex = text.len() == 2 * Self::LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| is_hex);
        let invalid = || Error::invalid("sealing_key_id", "the name of a sealing key must be 16 hexadecimal digits");
        number.map(|number| Self(number.to_be_bytes())).ok_or_else(invalid)
    }
}

impl fmt::Debug for SealingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKeyId({self})")
    }
}

/// 32 random bytes that seal and open. Overwritten in memory when dropped, and never printed.
pub struct SealingKey {
    // Boxed, so that moving the key leaves no copy behind.
    bytes: Box<Zeroizing<[u8; Self::LENGTH]>>,
    id: SealingKeyId,
    /// What marks a journal. Derived, so that one key serves one purpose.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    marks: hmac::Key,
    /// Where it was read, to be named when it is the wrong one.
    origin: Option<String>,
}

impl SealingKey {
    /// The length of a key in bytes.
    pub const LENGTH: usize = 32;

    /// Takes a key of 32 random bytes. The caller overwrites its own copy.
    ///
    /// # Errors
    /// [`WrongLength`](SealingKeyError::WrongLength), or [`NotRandom`](SealingKeyError::NotRandom) if all bytes are the
    /// same.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealingKeyError> {
        let mut own = Box::new(Zeroizing::new([0; Self::LENGTH]));
        if bytes.len() != Self::LENGTH {
            return Err(SealingKeyError::WrongLength);
        }
        own.copy_from_slice(bytes);
        if own.iter().all(|byte| Some(byte) == own.first()) {
            return Err(SealingKeyError::NotRandom);
        }
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &**own), b"azconnect sealing key id");
        let (id, _) = tag.as_ref().split_first_chunk().ok_or(SealingKeyError::Cryptography)?;
        #[cfg(any(feature = "postgres", feature = "sqlite"))]
        let marks = hmac::Key::new(
            hmac::HMAC_SHA256,
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &**own), b"azconnect journal mark key 1").as_ref(),
        );
        Ok(Self {
            bytes: own,
            id: SealingKeyId(*id),
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            marks,
            origin: None,
        })
    }

    /// Reads a key from standard base64, padded or not, such as an environment or a vault may hold. Space around it is
    /// ignored. For the environment there is [`SealingKey::from_env`].
    ///
    /// # Errors
    /// [`NotBase64`](SealingKeyError::NotBase64), or as [`SealingKey::from_bytes`].
    pub fn from_base64(text: &Secret) -> Result<Self, SealingKeyError> {
        let text = text.expose().trim();
        // Longer than any key, so that decoding needs no second buffer.
        let mut bytes = Zeroizing::new([0_u8; 2 * Self::LENGTH]);
        let length = BASE64.decode_slice(text, bytes.as_mut_slice()).map_err(|_| SealingKeyError::NotBase64)?;
        Self::from_bytes(bytes.get(..length).unwrap_or_default())
    }

    /// A new random key.
    ///
    /// # Errors
    /// [`Cryptography`](SealingKeyError::Cryptography) if the system gives no random bytes.
    pub fn generate() -> Result<Self, SealingKeyError> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        rand::fill(bytes.as_mut_slice()).map_err(|_| SealingKeyError::Cryptography)?;
        Self::from_bytes(bytes.as_slice())
    }

    /// The public name of the key.
    pub fn id(&self) -> SealingKeyId {
        self.id
    }

    pub(super) fn with_origin(mut self, origin: String) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Where the key was read, such as `the key file /etc/azconnect/seal.key`.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The key that marks a journal.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn marks(&self) -> &hmac::Key {
        &self.marks
    }

    /// A second owner of the same bytes, to be wrapped by another key.
    ///
    /// # Errors
    /// None in practice: a key has the right length.
    pub fn to_plain(&self) -> Result<PlainKey, Error> {
        PlainKey::from_bytes(self.bytes.as_slice())
    }

    /// The key as base64, for a key file.
    pub(super) fn to_base64(&self) -> Secret {
        Secret::new(BASE64.encode(self.bytes.as_slice()))
    }

    pub(super) fn cipher(&self) -> Result<RandomizedNonceKey, SealingKeyError> {
        RandomizedNonceKey::new(&AES_256_GCM, self.bytes.as_slice()).map_err(|_| SealingKeyError::Cryptography)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_exactly_32_random_bytes() {
        for bytes in [&[][..], &[1; 31], &[0; 32], &[7; 32], &[1; 33]] {
            assert_eq!(Error::from(SealingKey::from_bytes(bytes).unwrap_err()).field(), Some("sealing_key"));
        }
    }

    #[test]
    fn base64_is_read_padded_or_not_and_with_space_around() {
        let key = SealingKey::generate().unwrap();
        let text = key.to_base64();
        for spelling in [text.expose().to_owned(), format!(" {}\n", text.expose()), text.expose().replace('=', "")] {
            assert_eq!(SealingKey::from_base64(&Secret::new(spelling)).unwrap().id(), key.id());
        }
        for bad in ["", "short", &"A".repeat(44), &"AQID".repeat(20), &"AQID".repeat(300), "not base64 at all!"] {
            let error = Error::from(SealingKey::from_base64(&Secret::new(bad)).unwrap_err());
            assert_eq!(error.field(), Some("sealing_key"));
            assert!(bad.is_empty() || !format!("{error:?}").contains(bad));
        }
    }

    #[test]
    fn the_name_of_a_key_is_read_back() {
        let id = SealingKey::generate().unwrap().id();
        assert_eq!(id.to_string().parse::<SealingKeyId>().unwrap(), id);
        for bad in ["", "0123", "+123456789abcdef", "0123456789abcdeg", "0123456789abcdef0"] {
            assert_eq!(bad.parse::<SealingKeyId>().unwrap_err().field(), Some("sealing_key_id"), "{bad}");
        }
    }

    #[test]
    fn neither_debug_nor_the_id_reveals_the_key() {
        let canary = azconnect_testkit::Canary::new();
        let text = canary.secret();
        let key = SealingKey::from_bytes(&text.expose().as_bytes()[..32]).unwrap();
        canary.watch(&Secret::new(&text.expose()[..32]));
        canary.assert_absent("the key's shown forms", format!("{key:?} {:?} {}", key.id(), key.id()).as_bytes());
        assert_eq!(format!("{key:?}"), "SealingKey(***)");
    }
}
