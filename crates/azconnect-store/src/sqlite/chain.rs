//! A stream that is read by its marks: nothing is returned that somebody without the key could have written.

use azconnect_core::{Entry, Error, Sequence, StreamId};
use rusqlite::Connection;

use super::rows::{EntryRow, HeadRow};
use super::tampered;
use crate::rules::known::{Known, Standing};
use crate::seal::SealingKeys;
use crate::seal::journal::{Chain, Head};

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
        let found = row.as_ref().and_then(|row| row.verified(self.keys, self.known.totals()));
        match (self.known.standing(stream), row, found) {
            (Some(Standing::Whole(known)), _, Some(found)) if *known == found => Ok(Some(found)),
            // Entries without a head are somebody else's.
            (None, None, _) if EntryRow::from(self.connection, stream, 0)?.is_empty() => Ok(None),
            _ => Err(tampered::head(stream)),
        }
    }

    /// The entries of a stream after a position, each of which is as it was written, up to the stream's end.
    pub(super) fn entries(&self, stream: &StreamId, head: &Head, after: Sequence) -> Result<Vec<Entry>, Error> {
        let chain = Chain { totals: self.known.totals(), stream, number: head.number };
        // From the entry before them on, whose mark theirs cover.
        let first = after.0.min(head.last.0).max(1);
        let (mut entries, mut before) = (Vec::new(), None);
        let mut wanted = first;
        for row in EntryRow::from(self.connection, stream, first)? {
            let changed = || tampered::entry(stream, Sequence(wanted));
            if row.sequence() != Some(wanted) || wanted > head.last.0 {
                return Err(changed());
            }
            let mac = row.mac().ok_or_else(changed)?;
            if wanted > after.0 {
                let entry = row.entry().map_err(|error| changed().with_source(error))?;
                if !chain.holds(self.keys, &entry, before.as_ref(), &mac) {
                    return Err(changed());
                }
                entries.push(entry);
            }
            before = Some(mac);
            wanted += 1;
        }
        // The head bears the mark of the last one: all are there, and none is another's.
        if wanted != head.last.0 + 1 || before != Some(head.entry) {
            return Err(tampered::entry(stream, Sequence(wanted.min(head.last.0))));
        }
        Ok(entries)
    }
}
