//! The journal in SQLite.

use async_trait::async_trait;
use azconnect_core::{Append, Entry, Epoch, Error, Journal, Record, Sequence, StreamId};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::SqliteStore;
use super::failure::{before_effect, damaged};
use super::moment::{from_column, from_text, to_column, to_text};
use crate::rules::journal::{StreamState, admit};

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
            let sql = "SELECT sequence, epoch, kind, payload, at FROM entry
                       WHERE stream = ?1 AND sequence > ?2 ORDER BY sequence";
            let mut rows = connection.prepare_cached(sql).map_err(before_effect)?;
            let rows = rows.query_map(params![stream.as_str(), after], EntryRow::read).map_err(before_effect)?;
            rows.map(|row| row.map_err(before_effect).and_then(EntryRow::entry)).collect()
        })
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
    let sql = "INSERT INTO entry (stream, sequence, epoch, kind, payload, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut insert = transaction.prepare_cached(sql).map_err(before_effect)?;
    for (record, sequence) in append.records.iter().zip(before.last.0 + 1..) {
        let sequence = to_column("records", sequence)?;
        let at = to_text("at", record.at)?;
        insert.execute(params![name, sequence, epoch, record.kind, record.payload, at]).map_err(before_effect)?;
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
}

impl EntryRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { sequence: row.get(0)?, epoch: row.get(1)?, kind: row.get(2)?, payload: row.get(3)?, at: row.get(4)? })
    }

    fn entry(self) -> Result<Entry, Error> {
        let record = Record::new(self.kind, self.payload, from_text(&self.at)?);
        Ok(Entry::new(Sequence(from_column(self.sequence)?), Epoch(from_column(self.epoch)?), record))
    }
}
