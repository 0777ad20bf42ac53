//! The secrets of a database in SQLite, counted.

use azconnect_core::{Error, SecretId};
use rusqlite::{Connection, Transaction, params};

use super::failure::before_effect;
use super::moment::to_column;
use super::{records, rows};
use crate::seal::SealingKeys;
use crate::seal::journal::{JournalId, Totals};
use crate::seal::mac::Mac;
use crate::seal::presence::{Presence, record_message};
use crate::seal::record::SealedRecord;
use crate::stored::present::{Present, gather};

/// The secrets of a database, if they are those that its totals speak of.
pub(super) fn load(connection: &Connection, keys: &SealingKeys, totals: &Totals) -> Result<Present, Error> {
    Present::of(keys, totals, records::counted(connection)?)
}

/// Brings what is known up to what there is now. What this process wrote itself costs nothing.
pub(super) fn sync(
    present: &mut Present,
    connection: &Connection,
    keys: &SealingKeys,
    totals: &Totals,
) -> Result<(), Error> {
    if !present.is_at(totals) {
        *present = load(connection, keys, totals)?;
    }
    Ok(())
}

/// Counts a secret in, or out, and returns the totals after that.
pub(super) fn change(
    present: &mut Present,
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    totals: &Totals,
    (id, change): (&SecretId, Option<u64>),
) -> Result<Totals, Error> {
    if !present.is_under_current(keys) {
        *present = load(transaction, keys, totals)?;
    }
    present.change(keys, totals, id, change)
}

/// Begins to count the secrets of a database, as they lie there.
pub(super) fn begin(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Error> {
    let (totals, _) = rows::totals(transaction, keys)?;
    let change = totals.changes + 1;
    let mut presence = Presence::none(totals.id, keys.current().id());
    for (id, sealed) in uncounted(transaction)? {
        // Sealed with a sealing key itself: it gets a data key when it is sealed anew.
        let record = SealedRecord { sealed, wrapped: Vec::new() };
        let mac = keys.mark(&record_message(&totals.id, &id, change, &record))?;
        transaction
            .execute(
                "INSERT INTO data_key (id, change, wrapped, mac) VALUES (?1, ?2, x'', ?3)",
                params![id.as_str(), to_column("changes", change)?, mac.as_bytes()],
            )
            .map_err(before_effect)?;
        presence.insert(keys, id, change)?;
    }
    let mark = presence.mark(keys)?;
    let totals = Totals { secrets: Some(mark), ..totals.changed(keys, mark.as_bytes())? };
    rows::write_totals(transaction, keys, &totals).map(drop)
}

/// The mark of the secrets under the current key, if they are those that the totals speak of.
pub(super) fn marked_anew(transaction: &Transaction<'_>, keys: &SealingKeys, totals: &Totals) -> Result<Mac, Error> {
    load(transaction, keys, totals)?.marked_anew(keys)
}

/// Whether the secrets are those that the totals speak of.
pub(super) fn is_complete(connection: &Connection, keys: &SealingKeys, totals: &Totals) -> bool {
    load(connection, keys, totals).is_ok()
}

/// Takes the secrets that are left for all there were, as those of a journal with a new id. One that is not as it was written
/// stays damaged.
pub(super) fn accept(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    old: &JournalId,
    new: &JournalId,
) -> Result<Mac, Error> {
    let of_nothing = "DELETE FROM data_key WHERE id NOT IN (SELECT id FROM secret)";
    transaction.execute(of_nothing, ()).map_err(before_effect)?;
    for row in records::all(transaction)? {
        let (id, change) = (row.id.clone(), row.change);
        if let Ok(record) = row.verified(keys, old) {
            records::write(transaction, keys, new, (&id, change), &record)?;
        }
    }
    gather(keys, new, keys.current().id(), records::counted(transaction)?)?.mark(keys)
}

fn uncounted(connection: &Connection) -> Result<Vec<(SecretId, Vec<u8>)>, Error> {
    let mut rows = connection.prepare("SELECT id, sealed FROM secret").map_err(before_effect)?;
    let rows = rows.query_map((), |row| Ok((row.get::<_, String>(0)?, row.get(1)?))).map_err(before_effect)?;
    rows.map(|row| {
        let (id, sealed) = row.map_err(before_effect)?;
        Ok((records::name(id)?, sealed))
    })
    .collect()
}
