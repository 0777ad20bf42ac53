//! Documents in SQLite.

use async_trait::async_trait;
use azconnect_core::{
    Document, DocumentKey, DocumentPage, DocumentQuery, DocumentStore, Error, Revision, StoredDocument,
};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, Transaction, params};

use super::failure::{before_effect, damaged};
use super::moment::{from_column, to_column};
use super::{SqliteStore, keys};
use crate::rules::document::{check_insert, check_remove, check_replace};
use crate::seal::SealingKeys;
use crate::stored::document::{DocumentRow, labels_column, message};

#[async_trait]
impl DocumentStore for SqliteStore {
    async fn insert(&self, key: &DocumentKey, document: &Document) -> Result<Revision, Error> {
        document.check()?;
        let (key, document) = (key.clone(), document.clone());
        self.change("store.document.insert", move |transaction, shared| {
            check_insert(&key, revision(transaction, &shared.keys, &key)?)?;
            write(transaction, &shared.keys, &key, &document)
        })
        .await
    }

    async fn get(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Error> {
        let key = key.clone();
        self.call("store.document.get", move |connection, shared| find(connection, &shared.keys, &key)).await
    }

    async fn list(&self, query: &DocumentQuery) -> Result<DocumentPage, Error> {
        let query = query.clone();
        self.call("store.document.list", move |connection, shared| list(connection, &shared.keys, &query)).await
    }

    async fn replace(&self, key: &DocumentKey, expected: Revision, document: &Document) -> Result<Revision, Error> {
        document.check()?;
        let (key, document) = (key.clone(), document.clone());
        self.change("store.document.replace", move |transaction, shared| {
            check_replace(&key, revision(transaction, &shared.keys, &key)?, expected)?;
            write(transaction, &shared.keys, &key, &document)
        })
        .await
    }

    async fn remove(&self, key: &DocumentKey, expected: Revision) -> Result<(), Error> {
        let key = key.clone();
        self.change("store.document.remove", move |transaction, shared| {
            check_remove(&key, revision(transaction, &shared.keys, &key)?, expected)?;
            transaction
                .execute(
                    "DELETE FROM document WHERE collection = ?1 AND id = ?2",
                    params![key.collection.as_str(), key.id.as_str()],
                )
                .map(drop)
                .map_err(before_effect)
        })
        .await
    }
}

/// Marks every document with the current key. Refuses one that is not as it was written.
pub(super) fn reseal(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Error> {
    for row in select(transaction, "TRUE", ())? {
        let stored = row.verified(keys)?;
        let mac = keys.mark(&message(&stored.key, stored.revision, &row.labels, &row.text))?;
        transaction
            .execute(
                "UPDATE document SET mac = ?3 WHERE collection = ?1 AND id = ?2",
                params![row.collection, row.id, mac.as_bytes()],
            )
            .map_err(before_effect)?;
    }
    Ok(())
}

fn revision(connection: &Connection, keys: &SealingKeys, key: &DocumentKey) -> Result<Option<Revision>, Error> {
    Ok(find(connection, keys, key)?.map(|stored| stored.revision))
}

fn find(connection: &Connection, keys: &SealingKeys, key: &DocumentKey) -> Result<Option<StoredDocument>, Error> {
    let rows = select(connection, "collection = ?1 AND id = ?2", [key.collection.as_str(), key.id.as_str()])?;
    rows.first().map(|row| row.verified(keys)).transpose()
}

fn list(connection: &Connection, keys: &SealingKeys, query: &DocumentQuery) -> Result<DocumentPage, Error> {
    // One more than the page has, to know whether there is a next one.
    let (wanted, mut found) = (query.limit() + 1, Vec::new());
    let mut after = query.after.as_ref().map(|after| after.as_str().to_owned()).unwrap_or_default();
    // In portions, so that a collection of which few fit is not held in memory as a whole.
    loop {
        let sql = format!("collection = ?1 AND id > ?2 ORDER BY id LIMIT {}", DocumentQuery::MAX_LIMIT);
        let rows = select(connection, &sql, [query.collection.as_str(), &after])?;
        let Some(last) = rows.last() else { break };
        after.clone_from(&last.id);
        for row in &rows {
            // Also one that does not fit: its labels may be what was changed.
            let stored = row.verified(keys)?;
            if found.len() < wanted && stored.document.labels.contain(&query.labels) {
                found.push(stored);
            }
        }
        if found.len() == wanted || rows.len() < DocumentQuery::MAX_LIMIT {
            break;
        }
    }
    Ok(DocumentPage::cut(found, query.limit()))
}

fn write(
    transaction: &Transaction<'_>,
    sealing: &SealingKeys,
    key: &DocumentKey,
    document: &Document,
) -> Result<Revision, Error> {
    // A document may be the first that this key marks.
    keys::note_current(transaction, sealing)?;
    let revision = next_revision(transaction)?;
    let labels = labels_column(&document.labels)?;
    let mac = sealing.mark(&message(key, revision, &labels, &document.text))?;
    let sql = "INSERT OR REPLACE INTO document (collection, id, revision, labels, text, mac)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let number = to_column("revision", revision.0)?;
    let columns = params![key.collection.as_str(), key.id.as_str(), number, labels, document.text, mac.as_bytes()];
    let written =
        transaction.prepare_cached(sql).and_then(|mut write| write.execute(columns)).map_err(before_effect)?;
    // A table that was made anew behind our back could pass over what it is given.
    if written == 1 { Ok(revision) } else { Err(damaged("a table that took no document")) }
}

/// A revision that no document has had. Whoever can write the file can lower the count, but not below what is there.
fn next_revision(transaction: &Transaction<'_>) -> Result<Revision, Error> {
    let sql = "UPDATE document_revision
               SET last = 1 + max(last, coalesce((SELECT max(revision) FROM document), 0)) RETURNING last";
    let last: Option<i64> = transaction.query_row(sql, (), |row| row.get(0)).optional().map_err(before_effect)?;
    Ok(Revision(from_column(last.ok_or_else(|| damaged("no count of revisions"))?)?))
}

fn read(row: &Row<'_>) -> rusqlite::Result<DocumentRow> {
    Ok(DocumentRow {
        collection: row.get(0)?,
        id: row.get(1)?,
        revision: row.get(2)?,
        labels: row.get(3)?,
        text: row.get(4)?,
        mac: row.get(5)?,
    })
}

fn select(connection: &Connection, condition: &str, values: impl Params) -> Result<Vec<DocumentRow>, Error> {
    let sql = format!("SELECT collection, id, revision, labels, text, mac FROM document WHERE {condition}");
    let mut rows = connection.prepare_cached(&sql).map_err(before_effect)?;
    let rows = rows.query_map(values, read).map_err(before_effect)?;
    rows.collect::<Result<_, _>>().map_err(before_effect)
}
