//! A stream that is read by its marks from SQLite.

use azconnect_core::{Entry, Error, Sequence, StreamId};
use rusqlite::Connection;

use super::rows::{EntryRow, HeadRow};
use super::tampered;
use crate::rules::known::Known;
use crate::seal::SealingKeys;
use crate::seal::journal::{Chain, Head};
use crate::stored::chain;

/// What a reader of the journal needs beside its connection.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) connection: &'a Connection,
    pub(super) keys: &'a SealingKeys,
    /// What the journal is now.
    pub(super) known: &'a Known,
}

impl Reader<'_> {
    /// The head of a stream, which is as it is known to be, or none for a stream that does not exist.
    pub(super) fn head(&self, stream: &StreamId) -> Result<Option<Head>, Error> {
        let row = HeadRow::find(self.connection, stream)?;
        let found = chain::head(self.keys, self.known, stream, row.as_ref())?;
        // Entries without a head are somebody else's.
        if found.is_none() && !EntryRow::from(self.connection, stream, 0)?.is_empty() {
            return Err(tampered::head(stream));
        }
        Ok(found)
    }

    /// The entries of a stream after a position, each of which is as it was written, up to the stream's end.
    pub(super) fn entries(&self, stream: &StreamId, head: &Head, after: Sequence) -> Result<Vec<Entry>, Error> {
        let rows = EntryRow::from(self.connection, stream, chain::first_row(head, after))?;
        let marks = Chain { totals: self.known.totals(), stream, number: head.number };
        chain::entries(self.keys, marks, head, after, rows)
    }
}
