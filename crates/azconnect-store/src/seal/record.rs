//! A secret that is sealed with a data key of its own.

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use aws_lc_rs::rand;
use azconnect_core::{Error, Secret};
use zeroize::Zeroizing;

use super::{SealingKeyError, SealingKeys, associated, damaged, lock, unlock};

/// The format of what is sealed with a data key.
const VERSION: u8 = 2;

/// The purpose under which data keys are sealed.
const DATA_KEY: &str = "data key";

const KEY_LENGTH: usize = 32;

/// A sealed secret and its data key, which is sealed as well. Without a data key it was sealed by an earlier version, with a
/// sealing key itself.
pub(crate) struct SealedRecord {
    pub(crate) sealed: Vec<u8>,
    pub(crate) wrapped: Vec<u8>,
}

impl SealingKeys {
    /// Seals a secret with a data key of its own.
    pub(crate) fn seal_record(&self, purpose: &str, name: &str, secret: &Secret) -> Result<SealedRecord, Error> {
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        rand::fill(key.as_mut_slice()).map_err(|_| SealingKeyError::Cryptography)?;
        let body = lock(&cipher(&*key)?, associated(&[VERSION], purpose, name), secret.expose().as_bytes())?;
        let wrapped = self.seal_bytes(DATA_KEY, name, key.as_slice())?;
        Ok(SealedRecord { sealed: [&[VERSION], body.as_slice()].concat(), wrapped })
    }

    /// Opens a secret with its data key.
    pub(crate) fn open_record(&self, purpose: &str, name: &str, record: &SealedRecord) -> Result<Secret, Error> {
        if record.wrapped.is_empty() {
            return self.open(purpose, name, &record.sealed);
        }
        let key = self.open_bytes(DATA_KEY, name, &record.wrapped)?;
        let body = record.sealed.strip_prefix(&[VERSION]).ok_or_else(|| damaged(name))?;
        let text = unlock(&cipher(&key)?, associated(&[VERSION], purpose, name), body).ok_or_else(|| damaged(name))?;
        std::str::from_utf8(&text).map(Secret::new).map_err(|_| damaged(name))
    }

    /// Seals a data key anew, with the current key. The secret stays as it is, and is not opened.
    pub(crate) fn rewrap(&self, name: &str, wrapped: &[u8]) -> Result<Vec<u8>, Error> {
        self.seal_bytes(DATA_KEY, name, &self.open_bytes(DATA_KEY, name, wrapped)?)
    }
}

fn cipher(key: &[u8]) -> Result<RandomizedNonceKey, SealingKeyError> {
    RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| SealingKeyError::Cryptography)
}

#[cfg(test)]
mod tests {
    use super::super::SealingKey;
    use super::*;

    fn keys() -> SealingKeys {
        SealingKeys::new(SealingKey::generate().unwrap())
    }

    #[test]
    fn a_record_opens_in_its_own_place_with_its_own_data_key_only() {
        let keys = keys();
        let [one, two] = [1, 2].map(|_| keys.seal_record("secret", "name", &Secret::new("text")).unwrap());
        assert_eq!(keys.open_record("secret", "name", &one).unwrap().expose(), "text");
        for (purpose, name) in [("secret", "nam"), ("secre", "tname"), ("proof", "name")] {
            assert!(keys.open_record(purpose, name, &one).is_err(), "{purpose} {name}");
        }
        let exchanged = SealedRecord { sealed: one.sealed.clone(), wrapped: two.wrapped };
        assert!(keys.open_record("secret", "name", &exchanged).is_err(), "another data key opens it");
        let without = SealedRecord { sealed: one.sealed, wrapped: Vec::new() };
        assert!(keys.open_record("secret", "name", &without).is_err(), "no data key is needed");
        assert!(self::keys().open_record("secret", "name", &without).is_err());
    }

    #[test]
    fn a_data_key_that_was_sealed_anew_opens_the_same_secret() {
        let old = || SealingKey::from_bytes(&(0..32).collect::<Vec<u8>>()).unwrap();
        let record = SealingKeys::new(old()).seal_record("secret", "name", &Secret::new("text")).unwrap();
        let new = SealingKey::from_bytes(&(1..33).collect::<Vec<u8>>()).unwrap();
        let both = SealingKeys::new(new).with_previous(old());
        let wrapped = both.rewrap("name", &record.wrapped).unwrap();
        assert!(both.rewrap("other", &record.wrapped).is_err(), "a data key has a name");
        let new = SealingKeys::new(SealingKey::from_bytes(&(1..33).collect::<Vec<u8>>()).unwrap());
        assert!(new.open_record("secret", "name", &record).is_err());
        let record = SealedRecord { wrapped, ..record };
        assert_eq!(new.open_record("secret", "name", &record).unwrap().expose(), "text");
    }

    #[test]
    fn any_flipped_bit_and_any_truncation_of_either_part_is_refused() {
        let keys = keys();
        let record = keys.seal_record("secret", "name", &Secret::new("text")).unwrap();
        for part in [false, true] {
            let of = |bytes: Vec<u8>| match part {
                false => SealedRecord { sealed: bytes, wrapped: record.wrapped.clone() },
                true => SealedRecord { sealed: record.sealed.clone(), wrapped: bytes },
            };
            let whole = if part { &record.wrapped } else { &record.sealed };
            for bit in 0..whole.len() * 8 {
                let mut flipped = whole.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(keys.open_record("secret", "name", &of(flipped)).is_err(), "{part} bit {bit}");
            }
            for length in 0..whole.len() {
                assert!(keys.open_record("secret", "name", &of(whole[..length].to_vec())).is_err(), "{part} {length}");
            }
        }
    }
}
