//! The totals of a journal as their columns.

use azconnect_core::Error;

use super::moment::from_column;
use super::tampered;
use crate::seal::SealingKeys;
use crate::seal::journal::{JournalId, Totals};
use crate::seal::mac::Mac;

/// The row of a journal as it lies there.
pub(crate) struct TotalsRow {
    pub(crate) id: Vec<u8>,
    pub(crate) changes: i64,
    pub(crate) trace: Vec<u8>,
    pub(crate) streams: i64,
    pub(crate) entries: i64,
    /// The mark of the secrets, where they are counted.
    pub(crate) secrets: Option<Vec<u8>>,
    pub(crate) mac: Vec<u8>,
}

impl TotalsRow {
    /// The totals and their mark, if a holder of the key wrote them.
    pub(crate) fn verified(self, keys: &SealingKeys) -> Result<(Totals, Mac), Error> {
        let changed = || tampered::totals("has totals that this program did not write");
        let totals = Totals {
            id: JournalId::from_bytes(&self.id).ok_or_else(changed)?,
            changes: from_column(self.changes)?,
            trace: Mac::from_bytes(&self.trace).ok_or_else(changed)?,
            streams: from_column(self.streams)?,
            entries: from_column(self.entries)?,
            secrets: match self.secrets.unwrap_or_default() {
                none if none.is_empty() => None,
                mark => Some(Mac::from_bytes(&mark).ok_or_else(changed)?),
            },
        };
        let mac = Mac::from_bytes(&self.mac).ok_or_else(changed)?;
        if let Some(id) = mac.key_id().filter(|id| keys.key(*id).is_none()) {
            return Err(tampered::totals(&format!("was written with another key ({id})"))
                .with_advice("give the key it was written with, as the current key or as a previous one"));
        }
        if keys.is_marked(&totals.message(), &mac) { Ok((totals, mac)) } else { Err(changed()) }
    }
}
