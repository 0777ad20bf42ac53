//! The rows of sealed secrets in PostgreSQL, each with its data key.

use azconnect_core::SecretId;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::failure::Fault;
use super::rows::expect;
use super::transaction::Transaction;
use crate::seal::SealingKeys;
use crate::seal::journal::JournalId;
use crate::seal::presence::record_message;
use crate::seal::record::SealedRecord;
use crate::stored::damaged;
use crate::stored::moment::{from_column, to_column};
use crate::stored::present::Counted;
use crate::stored::record::RecordRow;

/// Which data keys are sealed with another key than the current one: the id of the key follows the version.
const NOT_UNDER: &str = "substr(wrapped, 2, 8) IS DISTINCT FROM $1";

/// The row of one name.
pub(super) async fn find(transaction: &Transaction<'_>, id: &SecretId) -> Result<Option<RecordRow>, Fault> {
    Ok(select(transaction, "id = $1", &[(&id.as_str(), Type::TEXT)]).await?.pop())
}

/// Up to so many whose data key is not sealed with the key of an id.
pub(super) async fn not_under(
    transaction: &Transaction<'_>,
    key: &[u8],
    limit: usize,
) -> Result<Vec<RecordRow>, Fault> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let values: &[Value<'_>] = &[(&key, Type::BYTEA), (&limit, Type::INT8)];
    select(transaction, &format!("{NOT_UNDER} ORDER BY id LIMIT $2"), values).await
}

/// How many data keys are not sealed with the key of an id.
pub(super) async fn count_not_under(transaction: &Transaction<'_>, key: &[u8]) -> Result<usize, Fault> {
    let sql = format!("SELECT count(*) FROM secret WHERE {NOT_UNDER}");
    let row = transaction.query_opt(&sql, &[(&key, Type::BYTEA)]).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get(0))?;
    Ok(usize::try_from(count).map_err(|_| damaged("less than no secrets"))?)
}

/// The name and the change of every secret.
pub(super) async fn counted(transaction: &Transaction<'_>) -> Result<Vec<Counted>, Fault> {
    let rows = transaction.query("SELECT id, change FROM secret", &[]).await?;
    rows.iter().map(|row| Ok((name(row.try_get(0)?)?, from_column(row.try_get(1)?)?))).collect()
}

/// Writes a secret, in the place of what was there.
pub(super) async fn write(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    journal: &JournalId,
    (id, change): (&SecretId, u64),
    record: &SealedRecord,
) -> Result<(), Fault> {
    let mac = keys.mark(&record_message(journal, id, change, record))?;
    let sql = "INSERT INTO secret (id, change, sealed, wrapped, mac) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (id) DO UPDATE SET change = $2, sealed = $3, wrapped = $4, mac = $5";
    let values: &[Value<'_>] = &[
        (&id.as_str(), Type::TEXT),
        (&to_column("changes", change)?, Type::INT8),
        (&record.sealed, Type::BYTEA),
        (&record.wrapped, Type::BYTEA),
        (&mac.as_bytes(), Type::BYTEA),
    ];
    Ok(expect(transaction.execute(sql, values).await?, 1)?)
}

/// Removes the row of a name, whatever it holds, and the data key with it.
pub(super) async fn remove(transaction: &Transaction<'_>, id: &SecretId) -> Result<(), Fault> {
    transaction.execute("DELETE FROM secret WHERE id = $1", &[(&id.as_str(), Type::TEXT)]).await.map(drop)
}

/// A value of a statement, and its type.
type Value<'a> = (&'a (dyn ToSql + Sync), Type);

async fn select(transaction: &Transaction<'_>, condition: &str, values: &[Value<'_>]) -> Result<Vec<RecordRow>, Fault> {
    let sql = format!("SELECT id, change, sealed, wrapped, mac FROM secret WHERE {condition}");
    let read = |row: &Row| {
        Ok(RecordRow {
            id: name(row.try_get(0)?)?,
            change: from_column(row.try_get(1)?)?,
            record: SealedRecord { sealed: row.try_get(2)?, wrapped: row.try_get(3)? },
            mac: row.try_get(4)?,
        })
    };
    transaction.query(&sql, values).await?.iter().map(read).collect()
}

fn name(id: String) -> Result<SecretId, Fault> {
    Ok(SecretId::new(id).map_err(|_| damaged("a secret without a name"))?)
}
