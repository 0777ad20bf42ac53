//! A journal that is read by its marks from PostgreSQL, in a transaction that has locked it.

use std::collections::BTreeMap;

use azconnect_core::{Entry, Sequence, StreamId};

use super::failure::Fault;
use super::rows;
use super::transaction::Transaction;
use crate::rules::known::{Known, Standing};
use crate::seal::SealingKeys;
use crate::seal::journal::{Chain, Head};
use crate::stored::audit::Heads;
use crate::stored::{chain, tampered};

/// What a reader of the journal needs beside its transaction.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) keys: &'a SealingKeys,
    /// What the journal is now.
    pub(super) known: &'a Known,
}

impl Reader<'_> {
    /// The head of a stream, which is as it is known to be, or none for a stream that does not exist.
    pub(super) async fn head(&self, stream: &StreamId) -> Result<Option<Head>, Fault> {
        let row = rows::head(self.transaction, stream).await?;
        let found = chain::head(self.keys, self.known, stream, row.as_ref())?;
        // Entries without a head are somebody else's.
        if found.is_none() && rows::has_entries(self.transaction, stream).await? {
            return Err(tampered::head(stream).into());
        }
        Ok(found)
    }

    /// The entries of a stream after a position, each of which is as it was written, up to the stream's end.
    pub(super) async fn entries(&self, stream: &StreamId, head: &Head, after: Sequence) -> Result<Vec<Entry>, Fault> {
        let rows = rows::entries(self.transaction, stream, chain::first_row(head, after)).await?;
        let marks = Chain { totals: self.known.totals(), stream, number: head.number };
        Ok(chain::entries(self.keys, marks, head, after, rows)?)
    }
}

/// Brings what is known up to what the journal is now, by what was written since.
///
/// What this process wrote itself costs one row. What others wrote since costs a row for each stream that they changed.
pub(super) async fn sync(transaction: &Transaction<'_>, keys: &SealingKeys, known: &mut Known) -> Result<(), Fault> {
    let (totals, mac) = rows::totals(transaction, keys).await?;
    if known.is_at(&totals, &mac)? {
        return Ok(());
    }
    for row in rows::heads_after(transaction, known.totals().changes).await? {
        if let Some(head) = row.verified(keys, &totals) {
            known.learn(row.stream, Standing::Whole(head));
        }
    }
    if !known.moves_to(totals, mac) {
        *known = audit(transaction, keys).await?;
    }
    Ok(())
}

/// Looks at the head of every stream. Entries are looked at only where a head is not as it should be.
pub(super) async fn audit(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<Known, Fault> {
    let totals = rows::totals(transaction, keys).await?;
    let heads = Heads::look(keys, totals, [], rows::heads(transaction).await?);
    let mut entries = BTreeMap::new();
    if !heads.is_settled() {
        for stream in heads.suspects(rows::without_head(transaction).await?) {
            let rows = rows::entries(transaction, &stream, 1).await?;
            entries.insert(stream, rows);
        }
    }
    Ok(heads.settle(keys, entries).complete()?)
}
