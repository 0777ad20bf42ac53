//! Documents in PostgreSQL. Each bears a mark, so that what is returned was written with the key.

use async_trait::async_trait;
use azconnect_core::{
    CollectionId, Document, DocumentKey, DocumentPage, DocumentQuery, DocumentStore, Error, ErrorKind, Revision,
    StoredDocument,
};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::attempts::{Attempts, repeat};
use super::failure::{Fault, Next};
use super::rows::expect;
use super::transaction::{Lock, Mode, Transaction};
use super::{PostgresStore, keys};
use crate::rules::document::{check_insert, check_remove, check_replace};
use crate::seal::SealingKeys;
use crate::stored::damaged;
use crate::stored::document::{DocumentRow, labels_column, message};
use crate::stored::moment::{from_column, to_column};

#[async_trait]
impl DocumentStore for PostgresStore {
    async fn insert(&self, key: &DocumentKey, document: &Document) -> Result<Revision, Error> {
        self.write(key, document, None, "store.document.insert").await
    }

    async fn get(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Error> {
        repeat!(self.clock(), "store.document.get", self.document_once(key))
    }

    async fn list(&self, query: &DocumentQuery) -> Result<DocumentPage, Error> {
        repeat!(self.clock(), "store.document.list", self.page_once(query))
    }

    async fn replace(&self, key: &DocumentKey, expected: Revision, document: &Document) -> Result<Revision, Error> {
        self.write(key, document, Some(expected), "store.document.replace").await
    }

    async fn remove(&self, key: &DocumentKey, expected: Revision) -> Result<(), Error> {
        repeat!(self.clock(), "store.document.remove", self.remove_document_once(key, expected))
    }
}

impl PostgresStore {
    /// Inserts, or replaces what has the expected revision.
    async fn write(
        &self,
        key: &DocumentKey,
        document: &Document,
        expected: Option<Revision>,
        operation: &'static str,
    ) -> Result<Revision, Error> {
        document.check()?;
        let (mut attempts, mut lost) = (Attempts::default(), None);
        loop {
            let outcome = self.write_once(key, document, expected, &mut lost).await;
            if lost.is_none() {
                attempts.settle();
            }
            match outcome {
                Ok(revision) => return Ok(revision),
                Err(fault) if attempts.again(self.clock(), &fault).await => {}
                Err(fault) => return Err(attempts.error(fault, operation)),
            }
        }
    }

    /// Writes in one transaction. `lost` is the revision of an earlier one of which it is not known whether it was committed.
    async fn write_once(
        &self,
        key: &DocumentKey,
        document: &Document,
        expected: Option<Revision>,
        lost: &mut Option<Revision>,
    ) -> Result<Revision, Fault> {
        let transaction = self.begin(Lock::Collection(key.collection.as_str()), Mode::Exclusive).await?;
        let held = find(&transaction, &self.0.keys, key).await?.map(|stored| stored.revision);
        if let Some(ours) = *lost {
            // The lock waits for the earlier transaction to come to its end, and no other write gets its revision.
            if held == Some(ours) {
                transaction.end().await?;
                return Ok(ours);
            }
            // What was to be replaced is still there. Otherwise ours may have been, and something else come after it.
            if expected.is_none() || held != expected {
                return Err(transaction.refuse(overtaken(key)).await);
            }
            *lost = None;
        }
        let admitted = match expected {
            None => check_insert(key, held),
            Some(expected) => check_replace(key, held, expected),
        };
        if let Err(refusal) = admitted {
            return Err(transaction.refuse(refusal).await);
        }
        let revision = put(&transaction, &self.0.keys, key, document).await?;
        match transaction.commit().await {
            Err(fault) if fault.next == Next::LookWhetherCommitted => {
                *lost = Some(revision);
                Err(fault)
            }
            committed => committed.map(|()| revision),
        }
    }

    async fn document_once(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Fault> {
        let transaction = self.look_at(&key.collection).await?;
        let found = find(&transaction, &self.0.keys, key).await?;
        transaction.end().await?;
        Ok(found)
    }

    async fn page_once(&self, query: &DocumentQuery) -> Result<DocumentPage, Fault> {
        let transaction = self.look_at(&query.collection).await?;
        let page = list(&transaction, &self.0.keys, query).await?;
        transaction.end().await?;
        Ok(page)
    }

    async fn remove_document_once(&self, key: &DocumentKey, expected: Revision) -> Result<(), Fault> {
        let transaction = self.begin(Lock::Collection(key.collection.as_str()), Mode::Exclusive).await?;
        let held = find(&transaction, &self.0.keys, key).await?.map(|stored| stored.revision);
        if let Err(refusal) = check_remove(key, held, expected) {
            return Err(transaction.refuse(refusal).await);
        }
        let sql = "DELETE FROM document WHERE collection = $1 AND id = $2";
        let (collection, id) = (key.collection.as_str(), key.id.as_str());
        let removed = transaction.execute(sql, &[(&collection, Type::TEXT), (&id, Type::TEXT)]).await?;
        expect(removed, held.map_or(0, |_| 1))?;
        transaction.commit().await
    }

    /// Begins a transaction that reads a collection as it is at one moment.
    async fn look_at(&self, collection: &CollectionId) -> Result<Transaction<'_>, Fault> {
        self.begin(Lock::Collection(collection.as_str()), Mode::Shared).await
    }
}

/// Marks every document with the current key. Refuses one that is not as it was written.
pub(super) async fn reseal(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Fault> {
    for row in select(transaction, "true", &[]).await? {
        let stored = row.verified(keys)?;
        let mac = keys.mark(&message(&stored.key, stored.revision, &row.labels, &row.text))?;
        let sql = "UPDATE document SET mac = $3 WHERE collection = $1 AND id = $2";
        let columns: &[Value<'_>] =
            &[(&row.collection, Type::TEXT), (&row.id, Type::TEXT), (&mac.as_bytes(), Type::BYTEA)];
        expect(transaction.execute(sql, columns).await?, 1)?;
    }
    Ok(())
}

async fn find(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    key: &DocumentKey,
) -> Result<Option<StoredDocument>, Fault> {
    let (collection, id) = (key.collection.as_str(), key.id.as_str());
    let place: &[Value<'_>] = &[(&collection, Type::TEXT), (&id, Type::TEXT)];
    let rows = select(transaction, "collection = $1 AND id = $2", place).await?;
    Ok(rows.first().map(|row| row.verified(keys)).transpose()?)
}

async fn list(transaction: &Transaction<'_>, keys: &SealingKeys, query: &DocumentQuery) -> Result<DocumentPage, Fault> {
    // One more than the page has, to know whether there is a next one.
    let (wanted, mut found) = (query.limit() + 1, Vec::new());
    let mut after = query.after.as_ref().map(|after| after.as_str().to_owned()).unwrap_or_default();
    let collection = query.collection.as_str();
    let sql = format!("collection = $1 AND id > $2 ORDER BY id LIMIT {}", DocumentQuery::MAX_LIMIT);
    // In portions, so that a collection of which few fit is not held in memory as a whole.
    loop {
        let rows = select(transaction, &sql, &[(&collection, Type::TEXT), (&after, Type::TEXT)]).await?;
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

async fn put(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    key: &DocumentKey,
    document: &Document,
) -> Result<Revision, Fault> {
    let revision = next_revision(transaction).await?;
    let labels = labels_column(&document.labels)?;
    let mac = keys.mark(&message(key, revision, &labels, &document.text))?;
    let sql = "INSERT INTO document (collection, id, revision, labels, text, mac) VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (collection, id) DO UPDATE SET revision = $3, labels = $4, text = $5, mac = $6";
    let columns: &[Value<'_>] = &[
        (&key.collection.as_str(), Type::TEXT),
        (&key.id.as_str(), Type::TEXT),
        (&to_column("revision", revision.0)?, Type::INT8),
        (&labels, Type::TEXT),
        (&document.text, Type::TEXT),
        (&mac.as_bytes(), Type::BYTEA),
    ];
    expect(transaction.execute(sql, columns).await?, 1)?;
    // A document may be the first that this key marks.
    keys::note_current(transaction, keys).await?;
    Ok(revision)
}

/// A revision that no document has had. Whoever can write the database can set the sequence back, but not below what is there.
async fn next_revision(transaction: &Transaction<'_>) -> Result<Revision, Fault> {
    let sql = "SELECT nextval('document_revision'), (SELECT max(revision) FROM document)";
    let row = transaction.query_opt(sql, &[]).await?.ok_or_else(|| damaged("no count of revisions"))?;
    let (next, highest): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
    if highest.is_some_and(|highest| highest >= next) {
        return Err(damaged("a count of revisions that was set back").into());
    }
    Ok(Revision(from_column(next)?))
}

/// A value of a statement, and its type.
type Value<'a> = (&'a (dyn ToSql + Sync), Type);

async fn select(
    transaction: &Transaction<'_>,
    condition: &str,
    values: &[Value<'_>],
) -> Result<Vec<DocumentRow>, Fault> {
    let sql = format!("SELECT collection, id, revision, labels, text, mac FROM document WHERE {condition}");
    let read = |row: &Row| {
        Ok(DocumentRow {
            collection: row.try_get(0)?,
            id: row.try_get(1)?,
            revision: row.try_get(2)?,
            labels: row.try_get(3)?,
            text: row.try_get(4)?,
            mac: row.try_get(5)?,
        })
    };
    transaction.query(&sql, values).await?.iter().map(read).collect()
}

/// A write whose answer was lost, and what is there now does not tell what became of it.
fn overtaken(key: &DocumentKey) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{key}: the connection was lost while it was written"))
        .with_advice("read it, and write it again if it is not as wanted")
}
