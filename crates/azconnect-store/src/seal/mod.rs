//! Sealing: how a secret lies on a disk.
//!
//! AES-256-GCM with a fresh random nonce for every record. What is bound to the ciphertext as associated data: the
//! format, the key's id, the purpose and the record's own name. So a record opens only under its key and in its place;
//! one that was copied to another name does not open.
//!
//! A sealed record is `version (1) ‖ key id (8) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. Random nonces are safe for 2³²
//! records under one key (NIST SP 800-38D, section 8.3); rotate the key before that.
//!
//! The stores in SQLite and PostgreSQL seal each secret with a random data key of its own, and seals that key in the way above. Such a secret
//! is `version (2) ‖ nonce (12) ‖ ciphertext ‖ tag (16)`. So a change of the key seals data keys anew and opens no secret, and
//! whoever removes a secret removes the key to it.
//!
//! ```
//! use azconnect_core::Secret;
//! use azconnect_store::seal::{SealingKey, SealingKeys};
//!
//! let keys = SealingKeys::new(SealingKey::generate()?);
//! let sealed = keys.seal("secret", "connection/contoso/1", &Secret::new("s3cr3t"))?;
//! assert_eq!(keys.open("secret", "connection/contoso/1", &sealed)?.expose(), "s3cr3t");
//! assert!(keys.open("secret", "connection/contoso/2", &sealed).is_err(), "it opens in its own place only");
//! # Ok::<(), azconnect_core::Error>(())
//! ```

mod env;
mod fault;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod journal;
mod key;
mod key_file;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod mac;
mod owner;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod presence;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod record;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod store_key;
mod wrap;

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use azconnect_core::{Effect, Error, ErrorKind, Secret, SecretId};
use zeroize::Zeroizing;

pub use fault::SealingKeyError;
pub use key::{SealingKey, SealingKeyId};
pub use owner::owner_digest;

/// The format of what is sealed with a sealing key itself.
const VERSION: u8 = 1;
const TAG_LEN: usize = 16;

/// The key that seals, and earlier keys that still open.
///
/// To change the key: give the new one as current and the old one as previous, reseal, then drop the old one.
#[derive(Debug)]
pub struct SealingKeys {
    current: SealingKey,
    previous: Vec<SealingKey>,
}

impl SealingKeys {
    /// One key, which seals and opens everything.
    pub fn new(current: SealingKey) -> Self {
        Self { current, previous: Vec::new() }
    }

    /// Adds a key that opens what was sealed with it, and seals nothing.
    #[must_use]
    pub fn with_previous(mut self, key: SealingKey) -> Self {
        self.previous.push(key);
        self
    }

    /// The key that seals from now on.
    pub fn current(&self) -> &SealingKey {
        &self.current
    }

    /// Seals a secret for a purpose under a name.
    ///
    /// # Errors
    /// [`Unexpected`](ErrorKind::Unexpected) if the random generator or the cipher fails.
    pub fn seal(&self, purpose: &str, name: &str, secret: &Secret) -> Result<Vec<u8>, Error> {
        seal_with(&self.current, purpose, name, secret)
    }

    /// Seals bytes that are no text, such as a key.
    pub(crate) fn seal_bytes(&self, purpose: &str, name: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let mut header = vec![VERSION];
        header.extend_from_slice(self.current.id().as_bytes());
        let bound = associated(&header, purpose, name);
        let sealed = lock(&self.current.cipher()?, bound, bytes)?;
        Ok([header, sealed].concat())
    }

    /// Opens what was sealed for this purpose under this name.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if it was sealed with a key that is not among these, was changed, or belongs to
    /// another purpose or name.
    pub fn open(&self, purpose: &str, name: &str, sealed: &[u8]) -> Result<Secret, Error> {
        let text = self.open_bytes(purpose, name, sealed)?;
        std::str::from_utf8(&text).map(Secret::new).map_err(|_| damaged(name))
    }

    /// Opens what [`SealingKeys::seal_bytes`] has sealed for this purpose under this name.
    pub(crate) fn open_bytes(&self, purpose: &str, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let id = sealed_with(sealed).ok_or_else(|| damaged(name))?;
        let key = self.key(id).ok_or_else(|| {
            corrupt(format!("{name}: sealed with another key ({id})"))
                .with_advice("give the key that sealed it, as the current key or as a previous one")
        })?;
        let (header, rest) = sealed.split_at_checked(1 + SealingKeyId::LENGTH).ok_or_else(|| damaged(name))?;
        unlock(&key.cipher()?, associated(header, purpose, name), rest).ok_or_else(|| damaged(name))
    }

    /// The keys that open, and seal nothing.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn previous(&self) -> impl Iterator<Item = &SealingKey> {
        self.previous.iter()
    }

    /// The key that has an id, current or previous.
    pub(crate) fn key(&self, id: SealingKeyId) -> Option<&SealingKey> {
        std::iter::once(&self.current).chain(&self.previous).find(|key| key.id() == id)
    }
}

impl From<SealingKey> for SealingKeys {
    fn from(key: SealingKey) -> Self {
        Self::new(key)
    }
}

/// Seals with one key.
pub(crate) fn seal_with(key: &SealingKey, purpose: &str, name: &str, secret: &Secret) -> Result<Vec<u8>, Error> {
    let mut header = vec![VERSION];
    header.extend_from_slice(key.id().as_bytes());
    let bound = associated(&header, purpose, name);
    Ok([header, lock(&key.cipher()?, bound, secret.expose().as_bytes())?].concat())
}

/// Encrypts with a fresh nonce, which comes first.
fn lock(cipher: &RandomizedNonceKey, bound: Vec<u8>, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    // With room for the tag, so that the clear text is never left behind in a buffer that was outgrown.
    let mut body = Zeroizing::new(Vec::with_capacity(bytes.len() + TAG_LEN));
    body.extend_from_slice(bytes);
    let nonce = cipher.seal_in_place_append_tag(Aad::from(bound), &mut *body);
    let nonce = nonce.map_err(|_| Error::new(ErrorKind::Unexpected, "sealing failed"))?;
    Ok([nonce.as_ref(), body.as_slice()].concat())
}

/// Decrypts what begins with its nonce, if it is whole and all that was bound is the same.
fn unlock(cipher: &RandomizedNonceKey, bound: Vec<u8>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut body = Zeroizing::new(body.to_vec());
    let length = cipher.open_in_place(nonce, Aad::from(bound), &mut body).ok()?.len();
    body.truncate(length);
    Some(body)
}

/// The id of the key that sealed a record, if it has this module's format.
pub fn sealed_with(sealed: &[u8]) -> Option<SealingKeyId> {
    let (version, rest) = sealed.split_first()?;
    let (id, _) = rest.split_first_chunk()?;
    (*version == VERSION).then_some(SealingKeyId(*id))
}

/// What is bound to a record besides its text. The length makes the parts unmistakable.
fn associated(header: &[u8], purpose: &str, name: &str) -> Vec<u8> {
    let length = (purpose.len() as u64).to_be_bytes();
    [b"azconnect sealed record\0".as_slice(), header, &length, purpose.as_bytes(), name.as_bytes()].concat()
}

fn damaged(name: &str) -> Error {
    corrupt(format!("{name}: the sealed record was changed, or moved from another name"))
}

fn corrupt(message: String) -> Error {
    // Opening is a read.
    Error::new(ErrorKind::Corrupt, message).with_effect(Effect::None)
}

/// The refusal to put a second secret under a name.
pub(crate) fn holds_another(id: &SecretId) -> Error {
    Error::new(ErrorKind::Conflict, format!("{id}: the name holds another secret"))
        .with_effect(Effect::None)
        .with_advice("seal the new value under a new name")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(byte: u8) -> SealingKeys {
        let bytes: Vec<u8> = (0..32).map(|place| place ^ byte).collect();
        SealingKeys::new(SealingKey::from_bytes(&bytes).unwrap())
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        let secret = Secret::new("s");
        let (one, two) = (keys(1).seal("p", "n", &secret).unwrap(), keys(1).seal("p", "n", &secret).unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 1 + 8 + 12 + 1 + 16);
    }

    #[test]
    fn a_record_opens_in_its_own_place_only() {
        let sealed = keys(1).seal("secret", "name", &Secret::new("text")).unwrap();
        let places = [("secret", "nam"), ("secre", "tname"), ("secretn", "ame"), ("", "secretname"), ("proof", "name")];
        for (purpose, name) in places {
            assert_eq!(keys(1).open(purpose, name, &sealed).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }

    #[test]
    fn another_key_is_named_as_the_cause() {
        let sealed = keys(1).seal("p", "n", &Secret::new("text")).unwrap();
        let error = keys(2).open("p", "n", &sealed).unwrap_err();
        assert!(error.to_string().contains("another key"), "{error}");
        let both = keys(2).with_previous(keys(1).current);
        assert_eq!(both.open("p", "n", &sealed).unwrap().expose(), "text");
    }

    #[test]
    fn every_truncation_is_refused() {
        let sealed = keys(1).seal("p", "n", &Secret::new("text")).unwrap();
        for length in 0..sealed.len() {
            assert_eq!(keys(1).open("p", "n", &sealed[..length]).unwrap_err().kind(), ErrorKind::Corrupt, "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_refused(text in "\\PC{0,40}", place in any::<prop::sample::Index>(), bit in 0..8) {
            let mut sealed = keys(1).seal("p", "n", &Secret::new(text)).unwrap();
            let place = place.index(sealed.len());
            sealed[place] ^= 1_u8 << bit;
            prop_assert_eq!(keys(1).open("p", "n", &sealed).unwrap_err().kind(), ErrorKind::Corrupt);
        }

        #[test]
        fn any_text_survives(text in "\\PC{0,200}", name in "[a-z/]{1,20}") {
            let secret = Secret::new(text);
            let sealed = keys(1).seal("p", &name, &secret).unwrap();
            prop_assert!(keys(1).open("p", &name, &sealed).unwrap().same_as(&secret));
        }

        #[test]
        fn opening_noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(keys(1).open("p", "n", &noise).is_err());
        }
    }
}
