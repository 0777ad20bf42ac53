//! The journal in SQLite.

use std::collections::BTreeSet;

use async_trait::async_trait;
use azconnect_core::{Append, Entry, Error, Integrity, Journal, Sequence, StreamId};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::audit::sync;
use super::chain::Reader;
use super::failure::{before_effect, failed};
use super::moment::from_column;
use super::rows::{self, HeadRow};
use super::{Shared, SqliteStore, begin, keys, tampered};
use crate::rules::journal::{StreamState, admit};
use crate::rules::known::{Known, Standing};
use crate::seal::SealingKeys;
use crate::seal::journal::{Chain, Head, Totals};
use crate::seal::mac::Mac;

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
            known.wrote(append.stream, written.head, written.totals, written.mac);
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
        self.look("store.journal.unfinished", |reader| unfinished(&reader)).await
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

/// Whether these entries begin with the last checkpoint, or with the first entry of a stream that has none.
fn begins_at(entries: &[Entry], checkpoint: Sequence) -> bool {
    let first = checkpoint.0.max(1);
    let last = entries.iter().rfind(|entry| entry.record.is_checkpoint()).map(|entry| entry.sequence);
    entries.first().is_some_and(|entry| entry.sequence.0 == first) && last.unwrap_or_default() == checkpoint
}

fn unfinished(reader: &Reader<'_>) -> Result<Vec<StreamId>, Error> {
    let known = reader.known;
    let mut names: BTreeSet<_> = known.streams().map(|(stream, _)| stream.clone()).collect();
    for row in HeadRow::all(reader.connection)? {
        let rests = match (known.standing(&row.stream), row.claimed()) {
            (Some(Standing::Whole(known)), Some(found)) => *known == found && found.at_rest,
            _ => false,
        };
        match rests {
            true => names.remove(&row.stream),
            false => names.insert(row.stream),
        };
    }
    Ok(names.into_iter().collect())
}

/// What an append has made of a stream and of the journal.
struct Written {
    head: Head,
    totals: Totals,
    mac: Mac,
}

fn write(
    transaction: &Transaction<'_>,
    sealing: &SealingKeys,
    known: &Known,
    append: &Append,
) -> Result<Written, Error> {
    let stream = &append.stream;
    let reader = Reader { connection: transaction, keys: sealing, known };
    let before = reader.head(stream)?;
    if let Some(head) = &before {
        // The last entry is there, and is the one that the next will follow.
        reader.entries(stream, head, Sequence(head.last.0.saturating_sub(1)))?;
    }
    let state = before.as_ref().map(|head| StreamState { last: head.last, epoch: head.epoch }).unwrap_or_default();
    let after = admit(append, state)?;
    let old = known.totals();
    let number = before.as_ref().map_or(old.streams + 1, |head| head.number);
    let change = old.changes + 1;
    let chain = Chain { totals: old, stream, number };
    let mut entry = before.map(|head| head.entry);
    let mut marked = Vec::new();
    for (record, sequence) in append.records.iter().zip(state.last.0 + 1..) {
        let next = Entry::new(Sequence(sequence), after.epoch, record.clone());
        let mac = chain.mark(sealing, &next, entry.as_ref())?;
        marked.push((next, mac));
        entry = Some(mac);
    }
    let entry = entry.ok_or_else(|| tampered::head(stream))?;
    let head = Head { number, last: after.last, epoch: after.epoch, at_rest: append.at_rest, change, entry };
    if known.mac().key_id() != Some(sealing.current().id()) {
        keys::note_current(transaction, sealing)?;
    }
    // The head first: an entry belongs to a stream that exists.
    let mac = rows::write_head(transaction, sealing, old, stream, &head)?;
    for (entry, mac) in &marked {
        rows::insert_entry(transaction, stream, entry, mac)?;
    }
    let mut totals = old.changed(sealing, mac.as_bytes())?;
    totals.streams = totals.streams.max(number);
    totals.entries += marked.len() as u64;
    let mac = rows::write_totals(transaction, sealing, &totals)?;
    Ok(Written { head, totals, mac })
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
