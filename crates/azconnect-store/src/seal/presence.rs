//! Which secrets there are, as one mark, so that one that was put back, or is gone, shows.
//!
//! Each secret counts with a number that takes the key to compute, from its name and the change of the journal that wrote it.
//! The mark covers their sum. Neither a number nor the sum is ever stored: who knew enough of them could find other secrets
//! with the same sum.

use std::collections::BTreeMap;
use std::ops::Bound;

use azconnect_core::{Error, SecretId};

use super::journal::JournalId;
use super::mac::{Mac, Message};
use super::record::SealedRecord;
use super::{SealingKeyError, SealingKeyId, SealingKeys};

/// The names of the secrets that there are, each with the change that wrote it, and their sum under one key.
#[derive(Debug)]
pub(crate) struct Presence {
    journal: JournalId,
    key: SealingKeyId,
    sum: [u8; Mac::TAG_LENGTH],
    changes: BTreeMap<SecretId, u64>,
}

impl Presence {
    /// No secret yet, of a journal, summed up under the key of an id.
    pub(crate) fn none(journal: JournalId, key: SealingKeyId) -> Self {
        Self { journal, key, sum: [0; Mac::TAG_LENGTH], changes: BTreeMap::new() }
    }

    /// The key under which they are summed up.
    pub(crate) fn key(&self) -> SealingKeyId {
        self.key
    }

    /// The change that wrote the secret of a name, if there is one.
    pub(crate) fn change(&self, id: &SecretId) -> Option<u64> {
        self.changes.get(id).copied()
    }

    /// The names from one on, in order; all of them from none.
    pub(crate) fn names(&self, from: Bound<&SecretId>) -> impl Iterator<Item = &SecretId> {
        self.changes.range::<SecretId, _>((from, Bound::Unbounded)).map(|(id, _)| id)
    }

    /// The same secrets, summed up under the key of another id.
    pub(crate) fn under(&self, keys: &SealingKeys, key: SealingKeyId) -> Result<Self, Error> {
        let mut other = Self::none(self.journal, key);
        for (id, change) in &self.changes {
            other.insert(keys, id.clone(), *change)?;
        }
        Ok(other)
    }

    /// Counts a secret in, in the place of the one that had its name.
    pub(crate) fn insert(&mut self, keys: &SealingKeys, id: SecretId, change: u64) -> Result<(), Error> {
        self.remove(keys, &id)?;
        self.add(keys, &id, change)?;
        self.changes.insert(id, change);
        Ok(())
    }

    /// Counts a secret out, and says whether there was one.
    pub(crate) fn remove(&mut self, keys: &SealingKeys, id: &SecretId) -> Result<bool, Error> {
        let Some(change) = self.changes.remove(id) else { return Ok(false) };
        self.add(keys, id, change)?;
        Ok(true)
    }

    /// Adds a number to the sum, or takes it away: both are the same.
    fn add(&mut self, keys: &SealingKeys, id: &SecretId, change: u64) -> Result<(), Error> {
        let message = Message::new("azconnect secret number 1")
            .bytes(self.journal.as_bytes())
            .bytes(id.as_str().as_bytes())
            .number(change);
        let number = keys.digest(self.key, &message).ok_or(SealingKeyError::Cryptography)?;
        self.sum.iter_mut().zip(number).for_each(|(sum, byte)| *sum ^= byte);
        Ok(())
    }

    /// Marks them with the current key, which must be the one they are summed up under.
    pub(crate) fn mark(&self, keys: &SealingKeys) -> Result<Mac, Error> {
        keys.mark(&self.message())
    }

    /// Whether a mark is of these secrets, no more and no fewer.
    pub(crate) fn is_marked(&self, keys: &SealingKeys, mac: &Mac) -> bool {
        mac.key_id() == Some(self.key) && keys.is_marked(&self.message(), mac)
    }

    fn message(&self) -> Message {
        Message::new("azconnect secrets 1")
            .bytes(self.journal.as_bytes())
            .number(self.changes.len() as u64)
            .bytes(&self.sum)
    }
}

/// What the mark of one record covers: its name, when it was written, and all that is sealed.
pub(crate) fn record_message(journal: &JournalId, id: &SecretId, change: u64, record: &SealedRecord) -> Message {
    Message::new("azconnect secret record 1")
        .bytes(journal.as_bytes())
        .bytes(id.as_str().as_bytes())
        .number(change)
        .bytes(&record.sealed)
        .bytes(&record.wrapped)
}

#[cfg(test)]
mod tests {
    use super::super::SealingKey;
    use super::*;

    fn id(name: &str) -> SecretId {
        name.parse().unwrap()
    }

    fn of(keys: &SealingKeys, journal: JournalId, secrets: &[(&str, u64)]) -> Presence {
        let mut presence = Presence::none(journal, keys.current().id());
        for (name, change) in secrets {
            presence.insert(keys, id(name), *change).unwrap();
        }
        presence
    }

    #[test]
    fn a_mark_is_of_exactly_these_secrets_in_any_order() {
        let keys = SealingKeys::new(SealingKey::generate().unwrap());
        let journal = JournalId::random().unwrap();
        let mac = of(&keys, journal, &[("a", 1), ("b", 2)]).mark(&keys).unwrap();
        let mut later = of(&keys, journal, &[("c", 9), ("b", 7), ("b", 2), ("a", 1)]);
        assert!(!later.is_marked(&keys, &mac));
        assert!(later.remove(&keys, &id("c")).unwrap() && !later.remove(&keys, &id("c")).unwrap());
        assert!(later.is_marked(&keys, &mac));
        let others: [&[(&str, u64)]; 7] = [
            &[],
            &[("a", 1)],
            &[("a", 1), ("b", 3)],
            &[("a", 2), ("b", 1)],
            &[("a", 1), ("B", 2)],
            &[("a", 1), ("b", 2), ("c", 3)],
            &[("b", 1), ("a", 2)],
        ];
        for other in others {
            assert!(!of(&keys, journal, other).is_marked(&keys, &mac), "{other:?}");
        }
        let elsewhere = JournalId::random().unwrap();
        assert!(!of(&keys, elsewhere, &[("a", 1), ("b", 2)]).is_marked(&keys, &mac), "another journal");
    }
}
