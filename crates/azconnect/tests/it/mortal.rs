//! Stores that a process dies over.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use azconnect::core::{
    Document, DocumentKey, DocumentPage, DocumentQuery, DocumentStore, Effect, Error, ErrorKind, Revision, Secret,
    SecretId, SecretStore, StoredDocument,
};
use azconnect::store::{MemoryDocuments, MemorySecrets};

/// How a write that is counted out ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Death {
    /// The process dies before the write.
    Before,
    /// The write is done, and the process dies before it learns of it.
    After,
    /// The write is done and its answer is lost; the process lives on.
    Lost,
    /// The write is refused, as by a full disk; the process lives on.
    Refused,
}

/// Stores whose writes are counted, and of which one ends badly.
pub(crate) struct Mortal {
    secrets: MemorySecrets,
    documents: MemoryDocuments,
    death: Death,
    left: AtomicI64,
}

/// Every way in which a write ends badly.
pub(crate) const DEATHS: [Death; 4] = [Death::Before, Death::After, Death::Lost, Death::Refused];

impl Mortal {
    /// Stores of which the write of this number, from 0 on, ends badly.
    pub(crate) fn new(secrets: MemorySecrets, documents: MemoryDocuments, death: Death, at: i64) -> Self {
        Self { secrets, documents, death, left: AtomicI64::new(at) }
    }

    /// Whether that write was ever asked for.
    pub(crate) fn came_to_it(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    async fn write<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        let gone = || Error::new(ErrorKind::Unavailable, "the answer was lost");
        match (left, self.death) {
            (0, Death::Before) => std::future::pending().await,
            (0, Death::After) => {
                work.await?;
                std::future::pending().await
            }
            (0, Death::Lost) => {
                work.await?;
                Err(gone().with_effect(Effect::Unknown))
            }
            (0, Death::Refused) => Err(gone().with_effect(Effect::None)),
            _ => work.await,
        }
    }
}

#[async_trait]
impl SecretStore for Mortal {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        self.write(self.secrets.put(id, secret)).await
    }
    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        self.secrets.get(id).await
    }
    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        self.write(self.secrets.remove(id)).await
    }
    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        self.secrets.list(prefix, after).await
    }
}

#[async_trait]
impl DocumentStore for Mortal {
    async fn insert(&self, key: &DocumentKey, document: &Document) -> Result<Revision, Error> {
        self.write(self.documents.insert(key, document)).await
    }
    async fn get(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Error> {
        self.documents.get(key).await
    }
    async fn list(&self, query: &DocumentQuery) -> Result<DocumentPage, Error> {
        self.documents.list(query).await
    }
    async fn replace(&self, key: &DocumentKey, expected: Revision, document: &Document) -> Result<Revision, Error> {
        self.write(self.documents.replace(key, expected, document)).await
    }
    async fn remove(&self, key: &DocumentKey, expected: Revision) -> Result<(), Error> {
        self.write(self.documents.remove(key, expected)).await
    }
}
