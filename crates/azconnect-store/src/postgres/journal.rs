//! The journal in PostgreSQL.

use async_trait::async_trait;
use azconnect_core::{Append, Entry, Error, Integrity, Journal, Sequence, StreamId};

use super::attempts::{Attempts, repeat};
use super::failure::{Fault, Next as Then};
use super::reader::{Reader, sync};
use super::transaction::{Lock, Mode, Transaction};
use super::{PostgresStore, keys, rows};
use crate::stored::audit::unfinished;
use crate::stored::chain::begins_at;
use crate::stored::next::Next;
use crate::stored::tampered;

#[async_trait]
impl Journal for PostgresStore {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        let (mut attempts, mut lost) = (Attempts::default(), None);
        loop {
            let outcome = self.append_once(&append, &mut lost).await;
            if lost.is_none() {
                attempts.settle();
            }
            match outcome {
                Ok(last) => return Ok(last),
                Err(fault) if attempts.again(self.clock(), &fault).await => {}
                Err(fault) => return Err(attempts.error(fault, "store.journal.append")),
            }
        }
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        repeat!(self.clock(), "store.journal.read", self.read_once(stream, after))
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        repeat!(self.clock(), "store.journal.latest", self.latest_once(stream))
    }

    /// A stream whose row is not as it was written is among them, whatever it says: whoever reads it learns why.
    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        repeat!(self.clock(), "store.journal.unfinished", self.unfinished_once())
    }

    fn integrity(&self) -> Integrity {
        Integrity::Authenticated
    }
}

impl PostgresStore {
    /// Appends in one transaction. `lost` are the entries of an earlier one of which it is not known whether it was committed.
    async fn append_once(&self, append: &Append, lost: &mut Option<Vec<Entry>>) -> Result<Sequence, Fault> {
        let (keys, stream) = (&self.0.keys, &append.stream);
        let mut known = self.0.known.lock().await;
        let transaction = self.begin(Lock::Journal, Mode::Exclusive).await?;
        sync(&transaction, keys, &mut known).await?;
        let reader = Reader { transaction: &transaction, keys, known: &known };
        let before = reader.head(stream).await?;
        if let Some(head) = &before {
            // The lock waits for the earlier transaction to come to its end, so what is there now is the truth about it.
            if let Some(entries) = lost.as_ref() {
                let found = reader.entries(stream, head, append.expected).await?;
                if let Some(last) = entries.last().filter(|_| found.starts_with(entries)) {
                    let last = last.sequence;
                    transaction.end().await?;
                    return Ok(last);
                }
            }
            // The last entry is there, and is the one that the next will follow.
            reader.entries(stream, head, Sequence(head.last.0.saturating_sub(1))).await?;
        }
        *lost = None;
        let next = match Next::of(keys, &known, append, before) {
            Ok(next) => next,
            Err(refusal) => return Err(transaction.refuse(refusal).await),
        };
        if known.mac().key_id() != Some(keys.current().id()) {
            keys::note_current(&transaction, keys).await?;
        }
        // The head first: an entry belongs to a stream that exists.
        rows::write_head(&transaction, stream, &next.head, &next.head_mac).await?;
        rows::insert_entries(&transaction, stream, &next.entries).await?;
        rows::write_totals(&transaction, known.totals(), &next.totals, &next.totals_mac).await?;
        if let Err(fault) = transaction.commit().await {
            if fault.next == Then::LookWhetherCommitted {
                *lost = Some(next.entries.into_iter().map(|(entry, _)| entry).collect());
            }
            return Err(fault);
        }
        let last = next.head.last;
        known.wrote(stream.clone(), next.head, next.totals, next.totals_mac);
        Ok(last)
    }

    async fn read_once(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Fault> {
        let (keys, mut known) = (&self.0.keys, self.0.known.lock().await);
        let transaction = self.look().await?;
        sync(&transaction, keys, &mut known).await?;
        let reader = Reader { transaction: &transaction, keys, known: &known };
        let found = match reader.head(stream).await? {
            Some(head) => reader.entries(stream, &head, after).await?,
            None => Vec::new(),
        };
        transaction.end().await?;
        Ok(found)
    }

    async fn latest_once(&self, stream: &StreamId) -> Result<Vec<Entry>, Fault> {
        let (keys, mut known) = (&self.0.keys, self.0.known.lock().await);
        let transaction = self.look().await?;
        sync(&transaction, keys, &mut known).await?;
        let reader = Reader { transaction: &transaction, keys, known: &known };
        let Some(head) = reader.head(stream).await? else {
            transaction.end().await?;
            return Ok(Vec::new());
        };
        let checkpoint = rows::last_checkpoint(&transaction, stream).await?;
        let found = reader.entries(stream, &head, Sequence(checkpoint.0.saturating_sub(1))).await?;
        transaction.end().await?;
        // Who can write the table can make the index say anything, and what it leaves out is not read.
        if begins_at(&found, checkpoint) { Ok(found) } else { Err(tampered::checkpoint(stream).into()) }
    }

    async fn unfinished_once(&self) -> Result<Vec<StreamId>, Fault> {
        let (keys, mut known) = (&self.0.keys, self.0.known.lock().await);
        let transaction = self.look().await?;
        sync(&transaction, keys, &mut known).await?;
        let heads = rows::heads(&transaction).await?;
        transaction.end().await?;
        Ok(unfinished(&known, heads))
    }

    /// Begins a transaction that reads the journal as it is at one moment: nobody appends while it lasts.
    async fn look(&self) -> Result<Transaction<'_>, Fault> {
        self.begin(Lock::Journal, Mode::Shared).await
    }
}
