//! The rows of the journal, with the marks that they bear.

use azconnect_core::{Entry, Epoch, Error, Record, Sequence, StreamId};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::failure::{before_effect, damaged};
use super::moment::{from_column, from_text, to_column, to_text};
use super::tampered;
use crate::seal::SealingKeys;
use crate::seal::journal::{Aside, Head, JournalId, Totals};
use crate::seal::mac::Mac;

/// The totals and their mark, which is a true one.
pub(super) fn totals(connection: &Connection, keys: &SealingKeys) -> Result<(Totals, Mac), Error> {
    type Columns = (Vec<u8>, i64, Vec<u8>, i64, i64, Vec<u8>);
    let columns: Option<Columns> = connection
        .query_row("SELECT id, changes, trace, streams, entries, mac FROM journal", (), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        })
        .optional()
        .map_err(before_effect)?;
    let (id, changes, trace, streams, entries, mac) = columns.ok_or_else(|| tampered::totals("has lost its totals"))?;
    let changed = || tampered::totals("has totals that this program did not write");
    let totals = Totals {
        id: JournalId::from_bytes(&id).ok_or_else(changed)?,
        changes: from_column(changes)?,
        trace: Mac::from_bytes(&trace).ok_or_else(changed)?,
        streams: from_column(streams)?,
        entries: from_column(entries)?,
    };
    let mac = Mac::from_bytes(&mac).ok_or_else(changed)?;
    if let Some(id) = mac.key_id().filter(|id| keys.key(*id).is_none()) {
        return Err(tampered::totals(&format!("was written with another key ({id})"))
            .with_advice("give the key it was written with, as the current key or as a previous one"));
    }
    if keys.is_marked(&totals.message(), &mac) { Ok((totals, mac)) } else { Err(changed()) }
}

pub(super) fn write_totals(transaction: &Transaction<'_>, keys: &SealingKeys, totals: &Totals) -> Result<Mac, Error> {
    let mac = keys.mark(&totals.message())?;
    let (changes, streams) = (to_column("changes", totals.changes)?, to_column("streams", totals.streams)?);
    let entries = to_column("entries", totals.entries)?;
    let (id, trace) = (totals.id.as_bytes(), totals.trace.as_bytes());
    let sql = "INSERT OR REPLACE INTO journal (one, id, changes, trace, streams, entries, mac)
               VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)";
    transaction
        .prepare_cached(sql)
        .and_then(|mut write| write.execute(params![id, changes, trace, streams, entries, mac.as_bytes()]))
        .map_err(before_effect)?;
    Ok(mac)
}

/// The columns of a stream.
const HEAD: &str = "SELECT name, number, last, epoch, at_rest, change, entry, mac FROM stream";

/// A stream's head as its columns.
pub(super) struct HeadRow {
    pub(super) stream: StreamId,
    number: i64,
    last: i64,
    epoch: i64,
    at_rest: i64,
    change: i64,
    entry: Vec<u8>,
    mac: Vec<u8>,
}

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

    /// What the columns say, true or not.
    pub(super) fn claimed(&self) -> Option<Head> {
        let count = |column: i64| u64::try_from(column).ok();
        Some(Head {
            number: count(self.number)?,
            last: Sequence(count(self.last)?),
            epoch: Epoch(count(self.epoch)?),
            at_rest: self.at_rest != 0,
            change: count(self.change)?,
            entry: Mac::from_bytes(&self.entry)?,
        })
    }

    /// The head, if a holder of the key wrote it into this journal.
    pub(super) fn verified(&self, keys: &SealingKeys, totals: &Totals) -> Option<Head> {
        let (head, mac) = (self.claimed()?, Mac::from_bytes(&self.mac)?);
        keys.is_marked(&totals.head_message(&self.stream, &head), &mac).then_some(head)
    }

    /// Where a stream without marks ends.
    pub(super) fn unmarked(&self) -> Result<(Epoch, bool), Error> {
        Ok((Epoch(from_column(self.epoch)?), self.at_rest != 0))
    }
}

pub(super) fn write_head(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    totals: &Totals,
    stream: &StreamId,
    head: &Head,
) -> Result<Mac, Error> {
    let mac = keys.mark(&totals.head_message(stream, head))?;
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
    Ok(mac)
}

/// The entries of a stream from a position on.
pub(super) const ENTRIES: &str = "SELECT sequence, epoch, kind, payload, at, checkpoint, mac FROM entry
     WHERE stream = ?1 AND sequence >= ?2 ORDER BY sequence";

/// An entry as its columns.
pub(super) struct EntryRow {
    sequence: i64,
    epoch: i64,
    // Texts as they lie there: one that is no text any more is an entry that was changed, which has a place.
    kind: Vec<u8>,
    payload: Vec<u8>,
    at: Vec<u8>,
    checkpoint: bool,
    mac: Vec<u8>,
}

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

    pub(super) fn sequence(&self) -> Option<u64> {
        u64::try_from(self.sequence).ok()
    }

    pub(super) fn mac(&self) -> Option<Mac> {
        Mac::from_bytes(&self.mac)
    }

    /// What the columns say, true or not.
    pub(super) fn entry(self) -> Result<Entry, Error> {
        let make = if self.checkpoint { Record::checkpoint } else { Record::new };
        let text = |bytes| String::from_utf8(bytes).map_err(|_| damaged("bytes in the place of a text"));
        let record = make(text(self.kind)?, text(self.payload)?, from_text(&text(self.at)?)?);
        Ok(Entry::new(Sequence(from_column(self.sequence)?), Epoch(from_column(self.epoch)?), record))
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

/// What was set aside after a change of the journal, as far as it bears true marks.
pub(super) fn asides_after(
    connection: &Connection,
    keys: &SealingKeys,
    totals: &Totals,
    change: u64,
) -> Result<Vec<(StreamId, Aside)>, Error> {
    type Columns = (String, i64, i64, i64, Vec<u8>);
    let sql = "SELECT stream, number, last, change, mac FROM aside WHERE change > ?1";
    let mut rows = connection.prepare_cached(sql).map_err(before_effect)?;
    let rows = rows
        .query_map([to_column("changes", change)?], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .map_err(before_effect)?;
    let rows: Vec<Columns> = rows.collect::<Result<_, _>>().map_err(before_effect)?;
    let verified = rows.into_iter().filter_map(|(stream, number, last, change, mac)| {
        let (stream, mac) = (StreamId::new(stream).ok()?, Mac::from_bytes(&mac)?);
        let count = |column: i64| u64::try_from(column).ok();
        let aside = Aside { number: count(number)?, last: Sequence(count(last)?), change: count(change)? };
        keys.is_marked(&totals.aside_message(&stream, &aside), &mac).then_some((stream, aside))
    });
    Ok(verified.collect())
}
