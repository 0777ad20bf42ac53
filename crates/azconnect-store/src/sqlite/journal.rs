//! The journal in SQLite.

use async_trait::async_trait;
use azconnect_core::{Append, Entry, Error, Integrity, Journal, Sequence, StreamId};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::audit::sync;
use super::chain::Reader;
use super::failure::{before_effect, failed};
use super::moment::from_column;
use super::rows::{self, HeadRow};
use super::{Shared, SqliteStore, begin, keys, tampered};
use crate::rules::known::Known;
use crate::seal::SealingKeys;
use crate::stored::audit::unfinished;
use crate::stored::chain::begins_at;
use crate::stored::next::Next;

/// The position of the last checkpoint, by an index. Whether it is that, the entries tell that are read from there on.
const CHECKPOINT: &str = "SELECT max(sequence) FROM entry WHERE stream = ?1 AND checkpoint = 1";

#[async_trait]
impl Journal for SqliteStore {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        self.call("store.journal.append", move |connection, shared| {
            let mut known = shared.known();
            let transaction = begin(connection)?;
            sync(&transaction, &shared.keys, &mut known)?;
            shared.testify_before(&known)?;
            let written = write(&transaction, &shared.keys, &known, &append)?;
            transaction.commit().map_err(failed)?;
            let last = written.head.last;
            known.wrote(append.stream, written.head, written.totals, written.totals_mac);
            shared.testify(&known)?;
            Ok(last)
        })
        .await
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        let stream = stream.clone();
        self.look("store.journal.read", move |reader| match reader.head(&stream)? {
            Some(head) => reader.entries(&stream, &head, after),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        let stream = stream.clone();
        self.look("store.journal.latest", move |reader| {
            let Some(head) = reader.head(&stream)? else { return Ok(Vec::new()) };
            let checkpoint = last_checkpoint(reader.connection, &stream)?;
            let entries = reader.entries(&stream, &head, Sequence(checkpoint.0.saturating_sub(1)))?;
            // Who can write the file can make the index say anything, and what it leaves out is not read.
            match begins_at(&entries, checkpoint) {
                true => Ok(entries),
                false => Err(tampered::checkpoint(&stream)),
            }
        })
        .await
    }

    /// A stream whose row is not as it was written is among them, whatever it says: whoever reads it learns why.
    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.look("store.journal.unfinished", |reader| Ok(unfinished(reader.known, HeadRow::all(reader.connection)?)))
            .await
    }

    fn integrity(&self) -> Integrity {
        Integrity::Authenticated
    }
}

impl SqliteStore {
    /// Reads the journal as it is at one moment.
    async fn look<T, W>(&self, operation: &'static str, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(Reader<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.call(operation, |connection, shared: &Shared| {
            let mut known = shared.known();
            let transaction = connection.transaction().map_err(before_effect)?;
            sync(&transaction, &shared.keys, &mut known)?;
            work(Reader { connection: &transaction, keys: &shared.keys, known: &known })
        })
        .await
    }
}

fn last_checkpoint(connection: &Connection, stream: &StreamId) -> Result<Sequence, Error> {
    let mut query = connection.prepare_cached(CHECKPOINT).map_err(before_effect)?;
    let found: Option<i64> =
        query.query_row(params![stream.as_str()], |row| row.get(0)).optional().map_err(before_effect)?.flatten();
    found.map_or(Ok(Sequence::START), |sequence| from_column(sequence).map(Sequence))
}

/// Writes what an append makes of the journal.
fn write(transaction: &Transaction<'_>, sealing: &SealingKeys, known: &Known, append: &Append) -> Result<Next, Error> {
    let stream = &append.stream;
    let reader = Reader { connection: transaction, keys: sealing, known };
    let before = reader.head(stream)?;
    if let Some(head) = &before {
        // The last entry is there, and is the one that the next will follow.
        reader.entries(stream, head, Sequence(head.last.0.saturating_sub(1)))?;
    }
    let next = Next::of(sealing, known, append, before)?;
    if known.mac().key_id() != Some(sealing.current().id()) {
        keys::note_current(transaction, sealing)?;
    }
    // The head first: an entry belongs to a stream that exists.
    rows::write_head(transaction, stream, &next.head, &next.head_mac)?;
    for (entry, mac) in &next.entries {
        rows::insert_entry(transaction, stream, entry, mac)?;
    }
    rows::write_totals(transaction, sealing, &next.totals)?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    /// The steps of a query's plan that look at entries.
    fn steps(sql: &str) -> Vec<String> {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection, |_, _| Ok(())).unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values: &[&dyn rusqlite::ToSql] = &[&"stream", &1];
        let steps = plan.query_map(&values[..plan.parameter_count()], |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect()
    }

    #[test]
    fn the_latest_entries_are_found_by_indexes_alone() {
        let checkpoint = steps(CHECKPOINT);
        assert!(checkpoint.iter().any(|step| step.contains("entry_checkpoint")), "{checkpoint:?}");
        for steps in [checkpoint, steps(rows::ENTRIES)] {
            let searches: Vec<_> = steps.iter().filter(|step| step.contains("entry")).collect();
            assert_eq!(searches.len(), 1, "{steps:?}");
            assert!(searches.iter().all(|step| step.starts_with("SEARCH")), "{steps:?}");
            assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
        }
    }
}
