//! An entry of the journal as its columns.

use azconnect_core::{Entry, Epoch, Error, Record, Sequence};

use super::damaged;
use super::moment::{from_column, from_text};
use crate::seal::mac::Mac;

/// An entry as it lies there.
pub(crate) struct EntryRow {
    pub(crate) sequence: i64,
    pub(crate) epoch: i64,
    // Texts as they lie there: one that is no text any more is an entry that was changed, which has a place.
    pub(crate) kind: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) at: Vec<u8>,
    pub(crate) checkpoint: bool,
    pub(crate) mac: Vec<u8>,
}

impl EntryRow {
    pub(crate) fn sequence(&self) -> Option<u64> {
        u64::try_from(self.sequence).ok()
    }

    pub(crate) fn mac(&self) -> Option<Mac> {
        Mac::from_bytes(&self.mac)
    }

    /// What the columns say, true or not.
    pub(crate) fn entry(self) -> Result<Entry, Error> {
        let make = if self.checkpoint { Record::checkpoint } else { Record::new };
        let text = |bytes| String::from_utf8(bytes).map_err(|_| damaged("bytes in the place of a text"));
        let record = make(text(self.kind)?, text(self.payload)?, from_text(&text(self.at)?)?);
        Ok(Entry::new(Sequence(from_column(self.sequence)?), Epoch(from_column(self.epoch)?), record))
    }
}
