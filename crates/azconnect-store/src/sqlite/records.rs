//! The rows of sealed secrets: each in two tables, the secret and its data key.

use azconnect_core::{Error, SecretId};
use rusqlite::{Connection, Params, Row, Transaction, params};

use super::failure::{before_effect, damaged};
use super::moment::{from_column, to_column};
use crate::seal::SealingKeys;
use crate::seal::journal::JournalId;
use crate::seal::presence::record_message;
use crate::seal::record::SealedRecord;
use crate::stored::record::RecordRow;

/// Both rows of a name, of which either may be missing.
const BOTH: &str = "SELECT id, change, sealed, wrapped, mac FROM data_key LEFT JOIN secret USING (id)";

/// The rows of one name, if there are both.
pub(super) fn find(connection: &Connection, id: &SecretId) -> Result<Option<RecordRow>, Error> {
    Ok(select(connection, &format!("{BOTH} WHERE id = ?1"), [id.as_str()])?.pop())
}

/// The rows of all secrets whose data key is there.
pub(super) fn all(connection: &Connection) -> Result<Vec<RecordRow>, Error> {
    select(connection, BOTH, ())
}

/// Up to so many whose data key is not sealed with the key of an id.
pub(super) fn not_under(connection: &Connection, key: &[u8], limit: usize) -> Result<Vec<RecordRow>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    select(connection, &format!("{BOTH} WHERE {NOT_UNDER} ORDER BY id LIMIT ?2"), params![key, limit])
}

/// Which data keys are sealed with another key than the current one: the id of the key follows the version.
const NOT_UNDER: &str = "substr(wrapped, 2, 8) IS NOT ?1";

/// How many data keys are not sealed with the key of an id.
pub(super) fn count_not_under(connection: &Connection, key: &[u8]) -> Result<usize, Error> {
    let sql = format!("SELECT count(*) FROM data_key WHERE {NOT_UNDER}");
    let count: i64 = connection.query_row(&sql, [key], |row| row.get(0)).map_err(before_effect)?;
    usize::try_from(count).map_err(|_| damaged("less than no data keys"))
}

/// The name and the change of every data key, which is all that its secret counts with.
pub(super) fn counted(connection: &Connection) -> Result<Vec<(SecretId, u64)>, Error> {
    let mut rows = connection.prepare("SELECT id, change FROM data_key").map_err(before_effect)?;
    let rows =
        rows.query_map((), |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).map_err(before_effect)?;
    rows.map(|row| {
        let (id, change) = row.map_err(before_effect)?;
        Ok((name(id)?, from_column(change)?))
    })
    .collect()
}

/// Whether there is a sealed secret of a name, with a data key or without.
pub(super) fn is_stray(connection: &Connection, id: &SecretId) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM secret WHERE id = ?1)";
    connection
        .prepare_cached(sql)
        .and_then(|mut query| query.query_row([id.as_str()], |row| row.get(0)))
        .map_err(before_effect)
}

/// Writes both rows of a secret, in the place of what was there.
pub(super) fn write(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    journal: &JournalId,
    (id, change): (&SecretId, u64),
    record: &SealedRecord,
) -> Result<(), Error> {
    let mac = keys.mark(&record_message(journal, id, change, record))?;
    let secret = ("INSERT OR REPLACE INTO secret (id, sealed) VALUES (?1, ?2)", params![id.as_str(), record.sealed]);
    let key = (
        "INSERT OR REPLACE INTO data_key (id, change, wrapped, mac) VALUES (?1, ?2, ?3, ?4)",
        params![id.as_str(), to_column("changes", change)?, record.wrapped, mac.as_bytes()],
    );
    for (sql, values) in [secret, key] {
        let written =
            transaction.prepare_cached(sql).and_then(|mut write| write.execute(values)).map_err(before_effect)?;
        // A table that was made anew behind our back could pass over what it is given.
        if written != 1 {
            return Err(damaged("a table that took no sealed secret"));
        }
    }
    Ok(())
}

/// Removes both rows of a name, whatever they hold.
pub(super) fn remove(transaction: &Transaction<'_>, id: &SecretId) -> Result<(), Error> {
    for sql in ["DELETE FROM secret WHERE id = ?1", "DELETE FROM data_key WHERE id = ?1"] {
        transaction.execute(sql, [id.as_str()]).map_err(before_effect)?;
    }
    Ok(())
}

fn select(connection: &Connection, sql: &str, values: impl Params) -> Result<Vec<RecordRow>, Error> {
    let mut rows = connection.prepare_cached(sql).map_err(before_effect)?;
    let rows = rows.query_map(values, read).map_err(before_effect)?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>().map_err(before_effect)?;
    rows.into_iter()
        .filter_map(|(id, change, sealed, wrapped, mac)| {
            let record = |sealed| SealedRecord { sealed, wrapped };
            let row =
                |sealed| Ok(RecordRow { id: name(id)?, change: from_column(change)?, record: record(sealed), mac });
            sealed.map(row)
        })
        .collect()
}

type Columns = (String, i64, Option<Vec<u8>>, Vec<u8>, Vec<u8>);

fn read(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

pub(super) fn name(id: String) -> Result<SecretId, Error> {
    SecretId::new(id).map_err(|_| damaged("a secret without a name"))
}
