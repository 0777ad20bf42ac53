//! The rows of the journal, with the marks that they bear.

use azconnect_core::{Entry, Error, Sequence, StreamId};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::failure::{before_effect, damaged};
use super::moment::{to_column, to_text};
use super::tampered;
use crate::seal::SealingKeys;
use crate::seal::journal::{Head, Totals};
use crate::seal::mac::Mac;
use crate::stored::{AsideRow, TotalsRow};
pub(super) use crate::stored::{EntryRow, HeadRow};

/// The totals and their mark, which is a true one.
pub(super) fn totals(connection: &Connection, keys: &SealingKeys) -> Result<(Totals, Mac), Error> {
    // All columns: one of them is missing before the version that counts secrets.
    let row = connection
        .query_row("SELECT * FROM journal", (), |row| {
            let secrets = row.as_ref().column_index("secrets").ok().map(|column| row.get(column)).transpose()?;
            Ok(TotalsRow {
                id: row.get("id")?,
                changes: row.get("changes")?,
                trace: row.get("trace")?,
                streams: row.get("streams")?,
                entries: row.get("entries")?,
                secrets,
                mac: row.get("mac")?,
            })
        })
        .optional()
        .map_err(before_effect)?;
    let row = row.ok_or_else(|| tampered::totals("has lost its totals"))?;
    row.verified(keys)
}

pub(super) fn write_totals(transaction: &Transaction<'_>, keys: &SealingKeys, totals: &Totals) -> Result<Mac, Error> {
    let mac = keys.mark(&totals.message())?;
    let (changes, streams) = (to_column("changes", totals.changes)?, to_column("streams", totals.streams)?);
    let entries = to_column("entries", totals.entries)?;
    let (id, trace) = (totals.id.as_bytes(), totals.trace.as_bytes());
    let secrets = totals.secrets.as_ref().map(Mac::as_bytes).unwrap_or_default();
    let sql = "INSERT OR REPLACE INTO journal (one, id, changes, trace, streams, entries, mac, secrets)
               VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    transaction
        .prepare_cached(sql)
        .and_then(|mut write| write.execute(params![id, changes, trace, streams, entries, mac.as_bytes(), secrets]))
        .map_err(before_effect)?;
    Ok(mac)
}

/// The columns of a stream.
const HEAD: &str = "SELECT name, number, last, epoch, at_rest, change, entry, mac FROM stream";

impl HeadRow {
    /// The row of one stream.
    pub(super) fn find(connection: &Connection, stream: &StreamId) -> Result<Option<Self>, Error> {
        let rows = Self::select(connection, &format!("{HEAD} WHERE name = ?1"), &stream.as_str())?;
        Ok(rows.into_iter().next())
    }

    /// The rows that were written after a change of the journal.
    pub(super) fn after(connection: &Connection, change: u64) -> Result<Vec<Self>, Error> {
        Self::select(connection, &format!("{HEAD} WHERE change > ?1"), &to_column("changes", change)?)
    }

    /// The rows of all streams.
    pub(super) fn all(connection: &Connection) -> Result<Vec<Self>, Error> {
        Self::select(connection, &format!("{HEAD} WHERE ?1 ORDER BY name"), &true)
    }

    fn select(connection: &Connection, sql: &str, value: &dyn rusqlite::ToSql) -> Result<Vec<Self>, Error> {
        let mut rows = connection.prepare_cached(sql).map_err(before_effect)?;
        let rows = rows.query_map([value], Self::read).map_err(before_effect)?;
        rows.map(|row| row.map_err(before_effect)?.ok_or_else(|| damaged("a stream without a name"))).collect()
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let Ok(stream) = StreamId::new(row.get::<_, String>(0)?) else { return Ok(None) };
        Ok(Some(Self {
            stream,
            number: row.get(1)?,
            last: row.get(2)?,
            epoch: row.get(3)?,
            at_rest: row.get(4)?,
            change: row.get(5)?,
            entry: row.get(6)?,
            mac: row.get(7)?,
        }))
    }
}

pub(super) fn write_head(
    transaction: &Transaction<'_>,
    stream: &StreamId,
    head: &Head,
    mac: &Mac,
) -> Result<(), Error> {
    let sql = "INSERT INTO stream (name, number, last, epoch, at_rest, change, entry, mac)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
               ON CONFLICT (name) DO UPDATE
               SET number = ?2, last = ?3, epoch = ?4, at_rest = ?5, change = ?6, entry = ?7, mac = ?8";
    let mut write = transaction.prepare_cached(sql).map_err(before_effect)?;
    write
        .execute(params![
            stream.as_str(),
            to_column("streams", head.number)?,
            to_column("records", head.last.0)?,
            to_column("epoch", head.epoch.0)?,
            head.at_rest,
            to_column("changes", head.change)?,
            head.entry.as_bytes(),
            mac.as_bytes(),
        ])
        .map_err(before_effect)?;
    Ok(())
}

/// The entries of a stream from a position on.
pub(super) const ENTRIES: &str = "SELECT sequence, epoch, kind, payload, at, checkpoint, mac FROM entry
     WHERE stream = ?1 AND sequence >= ?2 ORDER BY sequence";

impl EntryRow {
    /// The entries of a stream from a position on, in order.
    pub(super) fn from(connection: &Connection, stream: &StreamId, first: u64) -> Result<Vec<Self>, Error> {
        // No entry lies beyond what the column can hold.
        let first = i64::try_from(first).unwrap_or(i64::MAX);
        let mut rows = connection.prepare_cached(ENTRIES).map_err(before_effect)?;
        let rows = rows.query_map(params![stream.as_str(), first], Self::read).map_err(before_effect)?;
        rows.collect::<Result<_, _>>().map_err(before_effect)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let text = |column: usize| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_bytes()?.to_vec());
        Ok(Self {
            sequence: row.get(0)?,
            epoch: row.get(1)?,
            kind: text(2)?,
            payload: text(3)?,
            at: text(4)?,
            checkpoint: row.get(5)?,
            mac: row.get(6)?,
        })
    }
}

pub(super) fn insert_entry(
    transaction: &Transaction<'_>,
    stream: &StreamId,
    entry: &Entry,
    mac: &Mac,
) -> Result<(), Error> {
    let sql = "INSERT INTO entry (stream, sequence, epoch, kind, payload, at, checkpoint, mac)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let mut insert = transaction.prepare_cached(sql).map_err(before_effect)?;
    let record = &entry.record;
    insert
        .execute(params![
            stream.as_str(),
            to_column("records", entry.sequence.0)?,
            to_column("epoch", entry.epoch.0)?,
            record.kind,
            record.payload,
            to_text("at", record.at)?,
            record.is_checkpoint(),
            mac.as_bytes(),
        ])
        .map(drop)
        .map_err(before_effect)
}

pub(super) fn set_entry_mac(
    transaction: &Transaction<'_>,
    stream: &StreamId,
    sequence: Sequence,
    mac: &Mac,
) -> Result<(), Error> {
    let sql = "UPDATE entry SET mac = ?3 WHERE stream = ?1 AND sequence = ?2";
    let mut update = transaction.prepare_cached(sql).map_err(before_effect)?;
    update
        .execute(params![stream.as_str(), to_column("records", sequence.0)?, mac.as_bytes()])
        .map(drop)
        .map_err(before_effect)
}

/// What was set aside after a change of the journal.
pub(super) fn asides_after(connection: &Connection, change: u64) -> Result<Vec<AsideRow>, Error> {
    let sql = "SELECT stream, number, last, change, mac FROM aside WHERE change > ?1";
    let mut rows = connection.prepare_cached(sql).map_err(before_effect)?;
    let read = |row: &Row<'_>| {
        let (stream, number, last) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(AsideRow { stream, number, last, change: row.get(3)?, mac: row.get(4)? })
    };
    let rows = rows.query_map([to_column("changes", change)?], read).map_err(before_effect)?;
    rows.collect::<Result<_, _>>().map_err(before_effect)
}
