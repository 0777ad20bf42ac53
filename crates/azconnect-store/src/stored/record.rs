//! A sealed secret as its columns. Each bears a mark, so that what is opened was written with the key, in this place.

use azconnect_core::{Effect, Error, ErrorKind, SecretId};

use crate::seal::SealingKeys;
use crate::seal::journal::JournalId;
use crate::seal::mac::Mac;
use crate::seal::presence::record_message;
use crate::seal::record::SealedRecord;

/// A sealed secret and its data key as they lie there.
pub(crate) struct RecordRow {
    pub(crate) id: SecretId,
    /// The change of the journal that wrote it.
    pub(crate) change: u64,
    pub(crate) record: SealedRecord,
    pub(crate) mac: Vec<u8>,
}

impl RecordRow {
    /// What is sealed, if a holder of the key wrote it in this place.
    pub(crate) fn verified(self, keys: &SealingKeys, journal: &JournalId) -> Result<SealedRecord, Error> {
        let mac = Mac::from_bytes(&self.mac).ok_or_else(|| changed(&self.id))?;
        if let Some(key) = mac.key_id().filter(|key| keys.key(*key).is_none()) {
            return Err(sealed_elsewhere(&self.id.to_string(), &key.to_string()));
        }
        let message = record_message(journal, &self.id, self.change, &self.record);
        if keys.is_marked(&message, &mac) { Ok(self.record) } else { Err(changed(&self.id)) }
    }

    /// The same, if it counts: it was not removed, and then put back by somebody, or put in the place of a later one.
    pub(crate) fn counted(
        self,
        keys: &SealingKeys,
        journal: &JournalId,
        counted: Option<u64>,
    ) -> Result<SealedRecord, Error> {
        if counted != Some(self.change) {
            return Err(changed(&self.id));
        }
        self.verified(keys, journal)
    }
}

/// Something that bears the mark of a key which this process does not have, as while another one changes the key.
pub(crate) fn sealed_elsewhere(name: &str, key: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{name}: it was sealed or marked with another key ({key})"))
        .with_effect(Effect::None)
        .with_advice(
            "open the store again with that key, as the current key or as a previous one; if there is no such key, restore \
             the database from a backup",
        )
}

/// A secret that is not as it was written.
pub(crate) fn changed(id: &SecretId) -> Error {
    corrupt(format!("{id}: the sealed record was changed, moved from another name, or put back"))
}

/// A secret of which something is gone.
pub(crate) fn lost(id: &SecretId) -> Error {
    corrupt(format!("{id}: the sealed record, or its data key, was removed by somebody without the key"))
}

/// Secrets that are gone, while their data keys are there.
#[cfg(feature = "sqlite")]
pub(crate) fn lost_some(count: usize) -> Error {
    corrupt(format!("the sealed records of {count} data keys were removed by somebody without the key"))
}

fn corrupt(message: String) -> Error {
    Error::new(ErrorKind::Corrupt, message).with_effect(Effect::None).with_advice(
        "find out who can write the database, then restore it from a backup; or remove this secret, and seal a new one \
         under another name",
    )
}
