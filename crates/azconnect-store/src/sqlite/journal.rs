//! The journal in SQLite.

use async_trait::async_trait;
use azconnect_core::{Append, Entry, Epoch, Error, Journal, Record, Sequence, StreamId};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, Transaction, params};

use super::SqliteStore;
use super::failure::{before_effect, damaged};
use super::moment::{from_column, from_text, to_column, to_text};
use crate::rules::journal::{StreamState, admit};

/// The entries after a position.
const AFTER: &str = "SELECT sequence, epoch, kind, payload, at, checkpoint FROM entry
     WHERE stream = ?1 AND sequence > ?2 ORDER BY sequence";

/// The entries from the last checkpoint on.
const LATEST: &str = "SELECT sequence, epoch, kind, payload, at, checkpoint FROM entry
     WHERE stream = ?1 AND sequence >=
         coalesce((SELECT max(sequence) FROM entry WHERE stream = ?1 AND checkpoint = 1), 0)
     ORDER BY sequence";

#[async_trait]
impl Journal for SqliteStore {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        self.change("store.journal.append", move |transaction, _| {
            let before = state(transaction, &append.stream)?;
            let after = admit(&append, before)?;
            write(transaction, &append, before, after)?;
            Ok(after.last)
        })
        .await
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        let stream = stream.clone();
        self.call("store.journal.read", move |connection, _| {
            // No entry lies beyond what the column can hold.
            let after = i64::try_from(after.0).unwrap_or(i64::MAX);
            entries(connection, AFTER, params![stream.as_str(), after])
        })
        .await
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        let stream = stream.clone();
        self.call("store.journal.latest", move |connection, _| entries(connection, LATEST, params![stream.as_str()]))
            .await
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.call("store.journal.unfinished", |connection, _| {
            let sql = "SELECT name FROM stream WHERE at_rest = 0 ORDER BY name";
            let mut rows = connection.prepare_cached(sql).map_err(before_effect)?;
            let rows = rows.query_map((), |row| row.get::<_, String>(0)).map_err(before_effect)?;
            rows.map(|name| StreamId::new(name.map_err(before_effect)?).map_err(|_| damaged("a stream without a name")))
                .collect()
        })
        .await
    }
}

fn entries(connection: &Connection, sql: &str, values: impl Params) -> Result<Vec<Entry>, Error> {
    let mut rows = connection.prepare_cached(sql).map_err(before_effect)?;
    let rows = rows.query_map(values, EntryRow::read).map_err(before_effect)?;
    rows.map(|row| row.map_err(before_effect).and_then(EntryRow::entry)).collect()
}

fn state(connection: &Connection, stream: &StreamId) -> Result<StreamState, Error> {
    let found: Option<(i64, i64)> = connection
        .query_row("SELECT last, epoch FROM stream WHERE name = ?1", params![stream.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
        .map_err(before_effect)?;
    match found {
        None => Ok(StreamState::default()),
        Some((last, epoch)) => {
            Ok(StreamState { last: Sequence(from_column(last)?), epoch: Epoch(from_column(epoch)?) })
        }
    }
}

fn write(transaction: &Transaction<'_>, append: &Append, before: StreamState, after: StreamState) -> Result<(), Error> {
    let (last, epoch) = (to_column("records", after.last.0)?, to_column("epoch", after.epoch.0)?);
    let name = append.stream.as_str();
    transaction
        .execute(
            "INSERT INTO stream (name, last, epoch, at_rest) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (name) DO UPDATE SET last = ?2, epoch = ?3, at_rest = ?4",
            params![name, last, epoch, append.at_rest],
        )
        .map_err(before_effect)?;
    let sql = "INSERT INTO entry (stream, sequence, epoch, kind, payload, at, checkpoint)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut insert = transaction.prepare_cached(sql).map_err(before_effect)?;
    for (record, sequence) in append.records.iter().zip(before.last.0 + 1..) {
        let sequence = to_column("records", sequence)?;
        let at = to_text("at", record.at)?;
        let checkpoint = record.is_checkpoint();
        insert
            .execute(params![name, sequence, epoch, record.kind, record.payload, at, checkpoint])
            .map_err(before_effect)?;
    }
    Ok(())
}

/// An entry as its columns.
struct EntryRow {
    sequence: i64,
    epoch: i64,
    kind: String,
    payload: String,
    at: String,
    checkpoint: bool,
}

impl EntryRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            sequence: row.get(0)?,
            epoch: row.get(1)?,
            kind: row.get(2)?,
            payload: row.get(3)?,
            at: row.get(4)?,
            checkpoint: row.get(5)?,
        })
    }

    fn entry(self) -> Result<Entry, Error> {
        let make = if self.checkpoint { Record::checkpoint } else { Record::new };
        let record = make(self.kind, self.payload, from_text(&self.at)?);
        Ok(Entry::new(Sequence(from_column(self.sequence)?), Epoch(from_column(self.epoch)?), record))
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    #[test]
    fn the_latest_entries_are_found_by_indexes_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection, |_| Ok(())).unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {LATEST}")).unwrap();
        let steps = plan.query_map(params!["stream"], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<_> = steps.map(Result::unwrap).collect();
        let searches: Vec<_> = steps.iter().filter(|step| step.contains("entry")).collect();
        assert_eq!(searches.len(), 2, "{steps:?}");
        assert!(searches.iter().all(|step| step.starts_with("SEARCH")), "{steps:?}");
        assert!(searches.iter().any(|step| step.contains("entry_checkpoint")), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{steps:?}");
    }
}
