//! The end of a stream as its columns, and that of one that was set aside.

use azconnect_core::{Epoch, Sequence, StreamId};

use crate::seal::SealingKeys;
use crate::seal::journal::{Aside, Head, Totals};
use crate::seal::mac::Mac;

/// A stream's head as it lies there.
pub(crate) struct HeadRow {
    pub(crate) stream: StreamId,
    pub(crate) number: i64,
    pub(crate) last: i64,
    pub(crate) epoch: i64,
    pub(crate) at_rest: i64,
    pub(crate) change: i64,
    pub(crate) entry: Vec<u8>,
    pub(crate) mac: Vec<u8>,
}

impl HeadRow {
    /// What the columns say, true or not.
    pub(crate) fn claimed(&self) -> Option<Head> {
        let count = |column: i64| u64::try_from(column).ok();
        Some(Head {
            number: count(self.number)?,
            last: Sequence(count(self.last)?),
            epoch: Epoch(count(self.epoch)?),
            at_rest: self.at_rest != 0,
            change: count(self.change)?,
            entry: Mac::from_bytes(&self.entry)?,
        })
    }

    /// The head, if a holder of the key wrote it into this journal.
    pub(crate) fn verified(&self, keys: &SealingKeys, totals: &Totals) -> Option<Head> {
        let (head, mac) = (self.claimed()?, Mac::from_bytes(&self.mac)?);
        keys.is_marked(&totals.head_message(&self.stream, &head), &mac).then_some(head)
    }

    /// Where a stream without marks ends.
    #[cfg(feature = "sqlite")]
    pub(crate) fn unmarked(&self) -> Result<(Epoch, bool), azconnect_core::Error> {
        Ok((Epoch(super::moment::from_column(self.epoch)?), self.at_rest != 0))
    }
}

/// What was set aside, as it lies there.
pub(crate) struct AsideRow {
    pub(crate) stream: String,
    pub(crate) number: i64,
    pub(crate) last: i64,
    pub(crate) change: i64,
    pub(crate) mac: Vec<u8>,
}

impl AsideRow {
    /// What was set aside, if a holder of the key did it in this journal.
    pub(crate) fn verified(self, keys: &SealingKeys, totals: &Totals) -> Option<(StreamId, Aside)> {
        let (stream, mac) = (StreamId::new(self.stream).ok()?, Mac::from_bytes(&self.mac)?);
        let count = |column: i64| u64::try_from(column).ok();
        let aside =
            Aside { number: count(self.number)?, last: Sequence(count(self.last)?), change: count(self.change)? };
        keys.is_marked(&totals.aside_message(&stream, &aside), &mac).then_some((stream, aside))
    }
}
