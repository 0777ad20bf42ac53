//! The rows of the journal in PostgreSQL.

use azconnect_core::{Entry, Error, Sequence, StreamId};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::failure::Fault;
use super::transaction::Transaction;
use crate::seal::SealingKeys;
use crate::seal::journal::{Head, Totals};
use crate::seal::mac::Mac;
use crate::stored::moment::{to_column, to_text};
use crate::stored::{EntryRow, HeadRow, TotalsRow, damaged, tampered};

/// The totals and their mark, which is a true one.
pub(super) async fn totals(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(Totals, Mac), Fault> {
    let found =
        transaction.query_opt("SELECT id, changes, trace, streams, entries, secrets, mac FROM journal", &[]).await?;
    let row = found.ok_or_else(|| tampered::totals("has lost its totals"))?;
    let row = TotalsRow {
        id: row.try_get(0)?,
        changes: row.try_get(1)?,
        trace: row.try_get(2)?,
        streams: row.try_get(3)?,
        entries: row.try_get(4)?,
        secrets: Some(row.try_get(5)?),
        mac: row.try_get(6)?,
    };
    Ok(row.verified(keys)?)
}

/// Writes the totals of a journal that begins.
pub(super) async fn begin_totals(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    totals: &Totals,
) -> Result<(), Fault> {
    let mac = keys.mark(&totals.message())?;
    let sql = "INSERT INTO journal (one, id, changes, trace, streams, entries, secrets, mac)
               VALUES (true, $1, 0, $2, 0, 0, $3, $4)";
    let columns = [totals.id.as_bytes(), totals.trace.as_bytes(), secrets_column(totals), mac.as_bytes()];
    let [id, trace, secrets, mac] = &columns;
    let values: &[(&(dyn ToSql + Sync), Type)] =
        &[(id, Type::BYTEA), (trace, Type::BYTEA), (secrets, Type::BYTEA), (mac, Type::BYTEA)];
    let written = transaction.execute(sql, values).await?;
    Ok(expect(written, 1)?)
}

/// Writes the totals that follow on others, which must still be there.
pub(super) async fn write_totals(
    transaction: &Transaction<'_>,
    before: &Totals,
    totals: &Totals,
    mac: &Mac,
) -> Result<(), Fault> {
    let sql = "UPDATE journal SET changes = $2, trace = $3, streams = $4, entries = $5, secrets = $6, mac = $7
               WHERE changes = $1";
    let written = transaction
        .execute(
            sql,
            &[
                (&to_column("changes", before.changes)?, Type::INT8),
                (&to_column("changes", totals.changes)?, Type::INT8),
                (&totals.trace.as_bytes(), Type::BYTEA),
                (&to_column("streams", totals.streams)?, Type::INT8),
                (&to_column("entries", totals.entries)?, Type::INT8),
                (&secrets_column(totals), Type::BYTEA),
                (&mac.as_bytes(), Type::BYTEA),
            ],
        )
        .await?;
    Ok(expect(written, 1)?)
}

/// The mark of all secrets. No true mark is empty.
fn secrets_column(totals: &Totals) -> &[u8] {
    totals.secrets.as_ref().map(Mac::as_bytes).unwrap_or_default()
}

/// The columns of a stream.
const HEAD: &str = "SELECT name, number, last, epoch, at_rest, change, entry, mac FROM stream";

/// The head of one stream.
pub(super) async fn head(transaction: &Transaction<'_>, stream: &StreamId) -> Result<Option<HeadRow>, Fault> {
    let found = transaction.query_opt(&format!("{HEAD} WHERE name = $1"), &[(&stream.as_str(), Type::TEXT)]).await?;
    found.as_ref().map(read_head).transpose()
}

/// The heads that were written after a change of the journal.
pub(super) async fn heads_after(transaction: &Transaction<'_>, change: u64) -> Result<Vec<HeadRow>, Fault> {
    let change = to_column("changes", change)?;
    let found = transaction.query(&format!("{HEAD} WHERE change > $1"), &[(&change, Type::INT8)]).await?;
    found.iter().map(read_head).collect()
}

/// The heads of all streams.
pub(super) async fn heads(transaction: &Transaction<'_>) -> Result<Vec<HeadRow>, Fault> {
    transaction.query(&format!("{HEAD} ORDER BY name"), &[]).await?.iter().map(read_head).collect()
}

fn read_head(row: &Row) -> Result<HeadRow, Fault> {
    let name: String = row.try_get(0)?;
    Ok(HeadRow {
        stream: StreamId::new(name).map_err(|_| damaged("a stream without a name"))?,
        number: row.try_get(1)?,
        last: row.try_get(2)?,
        epoch: row.try_get(3)?,
        at_rest: i64::from(row.try_get::<_, bool>(4)?),
        change: row.try_get(5)?,
        entry: row.try_get(6)?,
        mac: row.try_get(7)?,
    })
}

pub(super) async fn write_head(
    transaction: &Transaction<'_>,
    stream: &StreamId,
    head: &Head,
    mac: &Mac,
) -> Result<(), Fault> {
    let sql = "INSERT INTO stream (name, number, last, epoch, at_rest, change, entry, mac)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
               ON CONFLICT (name) DO UPDATE
               SET number = $2, last = $3, epoch = $4, at_rest = $5, change = $6, entry = $7, mac = $8";
    let written = transaction
        .execute(
            sql,
            &[
                (&stream.as_str(), Type::TEXT),
                (&to_column("streams", head.number)?, Type::INT8),
                (&to_column("records", head.last.0)?, Type::INT8),
                (&to_column("epoch", head.epoch.0)?, Type::INT8),
                (&head.at_rest, Type::BOOL),
                (&to_column("changes", head.change)?, Type::INT8),
                (&head.entry.as_bytes(), Type::BYTEA),
                (&mac.as_bytes(), Type::BYTEA),
            ],
        )
        .await?;
    Ok(expect(written, 1)?)
}

/// The entries of a stream from a position on, in order.
pub(super) async fn entries(
    transaction: &Transaction<'_>,
    stream: &StreamId,
    first: u64,
) -> Result<Vec<EntryRow>, Fault> {
    let sql = "SELECT sequence, epoch, kind, payload, at, checkpoint, mac FROM entry
               WHERE stream = $1 AND sequence >= $2 ORDER BY sequence";
    // No entry lies beyond what the column can hold.
    let first = i64::try_from(first).unwrap_or(i64::MAX);
    let found = transaction.query(sql, &[(&stream.as_str(), Type::TEXT), (&first, Type::INT8)]).await?;
    let read = |row: &Row| {
        Ok(EntryRow {
            sequence: row.try_get(0)?,
            epoch: row.try_get(1)?,
            kind: row.try_get(2)?,
            payload: row.try_get(3)?,
            at: row.try_get::<_, String>(4)?.into_bytes(),
            checkpoint: row.try_get(5)?,
            mac: row.try_get(6)?,
        })
    };
    found.iter().map(read).collect()
}

/// Whether a stream has entries, whatever they are.
pub(super) async fn has_entries(transaction: &Transaction<'_>, stream: &StreamId) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM entry WHERE stream = $1 LIMIT 1";
    Ok(transaction.query_opt(sql, &[(&stream.as_str(), Type::TEXT)]).await?.is_some())
}

/// The streams that have entries and no head.
pub(super) async fn without_head(transaction: &Transaction<'_>) -> Result<Vec<StreamId>, Fault> {
    let sql = "SELECT DISTINCT stream FROM entry WHERE stream NOT IN (SELECT name FROM stream)";
    let mut names = Vec::new();
    for row in transaction.query(sql, &[]).await? {
        let name: String = row.try_get(0)?;
        names.push(StreamId::new(name).map_err(|_| damaged("entries without a stream"))?);
    }
    Ok(names)
}

/// The position of the last checkpoint, by an index. Whether it is that, the entries tell that are read from there on.
pub(super) async fn last_checkpoint(transaction: &Transaction<'_>, stream: &StreamId) -> Result<Sequence, Fault> {
    let sql = "SELECT max(sequence) FROM entry WHERE stream = $1 AND checkpoint";
    let row = transaction.query_opt(sql, &[(&stream.as_str(), Type::TEXT)]).await?;
    let found: Option<i64> = row.map_or(Ok(None), |row| row.try_get(0))?;
    Ok(Sequence(found.and_then(|found| u64::try_from(found).ok()).unwrap_or_default()))
}

/// Writes entries, all in one statement.
pub(super) async fn insert_entries(
    transaction: &Transaction<'_>,
    stream: &StreamId,
    entries: &[(Entry, Mac)],
) -> Result<(), Fault> {
    let column = |entry: &Entry| to_column("records", entry.sequence.0);
    let sequences = entries.iter().map(|(entry, _)| column(entry)).collect::<Result<Vec<_>, Error>>()?;
    let epochs = entries.iter().map(|(entry, _)| to_column("epoch", entry.epoch.0)).collect::<Result<Vec<_>, _>>()?;
    let kinds: Vec<_> = entries.iter().map(|(entry, _)| entry.record.kind.as_bytes()).collect();
    let payloads: Vec<_> = entries.iter().map(|(entry, _)| entry.record.payload.as_bytes()).collect();
    let moments = entries.iter().map(|(entry, _)| to_text("at", entry.record.at)).collect::<Result<Vec<_>, _>>()?;
    let checkpoints: Vec<_> = entries.iter().map(|(entry, _)| entry.record.is_checkpoint()).collect();
    let macs: Vec<_> = entries.iter().map(|(_, mac)| mac.as_bytes()).collect();
    let sql = "INSERT INTO entry (stream, sequence, epoch, kind, payload, at, checkpoint, mac)
               SELECT $1, * FROM unnest($2::int8[], $3::int8[], $4::bytea[], $5::bytea[], $6::text[], $7::bool[], $8::bytea[])";
    let written = transaction
        .execute(
            sql,
            &[
                (&stream.as_str(), Type::TEXT),
                (&sequences, Type::INT8_ARRAY),
                (&epochs, Type::INT8_ARRAY),
                (&kinds, Type::BYTEA_ARRAY),
                (&payloads, Type::BYTEA_ARRAY),
                (&moments, Type::TEXT_ARRAY),
                (&checkpoints, Type::BOOL_ARRAY),
                (&macs, Type::BYTEA_ARRAY),
            ],
        )
        .await?;
    Ok(expect(written, entries.len() as u64)?)
}

/// Writes other marks of entries.
pub(super) async fn set_entry_macs(
    transaction: &Transaction<'_>,
    stream: &StreamId,
    marks: &[(i64, Mac)],
) -> Result<(), Fault> {
    let sequences: Vec<_> = marks.iter().map(|(sequence, _)| *sequence).collect();
    let macs: Vec<_> = marks.iter().map(|(_, mac)| mac.as_bytes()).collect();
    let sql = "UPDATE entry SET mac = marked.mac FROM unnest($2::int8[], $3::bytea[]) AS marked (sequence, mac)
               WHERE entry.stream = $1 AND entry.sequence = marked.sequence";
    let values: &[(&(dyn ToSql + Sync), Type)] =
        &[(&stream.as_str(), Type::TEXT), (&sequences, Type::INT8_ARRAY), (&macs, Type::BYTEA_ARRAY)];
    let written = transaction.execute(sql, values).await?;
    Ok(expect(written, marks.len() as u64)?)
}

/// Refuses a table that passed over what it was given: somebody put a rule of their own on it.
pub(super) fn expect(written: u64, wanted: u64) -> Result<(), Error> {
    if written == wanted { Ok(()) } else { Err(damaged("a table that did not take what was written")) }
}
