//! Documents in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{
    Document, DocumentKey, DocumentPage, DocumentQuery, DocumentStore, Error, Revision, StoredDocument,
};

use super::lock;
use crate::rules::document::{check_insert, check_remove, check_replace};

/// A [`DocumentStore`] that lasts as long as the process. Clones share what they hold.
#[derive(Clone, Default)]
pub struct MemoryDocuments(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    /// The revision that was given last.
    last: u64,
    documents: BTreeMap<DocumentKey, (Revision, Document)>,
}

impl Held {
    fn revision(&self, key: &DocumentKey) -> Option<Revision> {
        self.documents.get(key).map(|(revision, _)| *revision)
    }

    fn write(&mut self, key: &DocumentKey, document: &Document) -> Revision {
        self.last += 1;
        let revision = Revision(self.last);
        self.documents.insert(key.clone(), (revision, document.clone()));
        revision
    }
}

impl MemoryDocuments {
    /// A store without documents, which lives as long as its last clone.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDocuments").field("documents", &lock(&self.0).documents.len()).finish()
    }
}

#[async_trait]
impl DocumentStore for MemoryDocuments {
    async fn insert(&self, key: &DocumentKey, document: &Document) -> Result<Revision, Error> {
        document.check()?;
        let mut held = lock(&self.0);
        check_insert(key, held.revision(key))?;
        Ok(held.write(key, document))
    }

    async fn get(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Error> {
        let held = lock(&self.0);
        let found = held.documents.get(key);
        Ok(found.map(|(revision, document)| StoredDocument::new(key.clone(), *revision, document.clone())))
    }

    async fn list(&self, query: &DocumentQuery) -> Result<DocumentPage, Error> {
        let held = lock(&self.0);
        // No collection has a shorter name than its own, and no document one that is less than every other's.
        let first = query.after.clone().map(|after| DocumentKey::new(query.collection.clone(), after));
        let from = first.map_or(Bound::Unbounded, Bound::Excluded);
        let of_collection = held
            .documents
            .range((from, Bound::Unbounded))
            .filter(|(key, (_, document))| key.collection == query.collection && document.labels.contain(&query.labels))
            .map(|(key, (revision, document))| StoredDocument::new(key.clone(), *revision, document.clone()));
        Ok(DocumentPage::cut(of_collection.take(query.limit() + 1).collect(), query.limit()))
    }

    async fn replace(&self, key: &DocumentKey, expected: Revision, document: &Document) -> Result<Revision, Error> {
        document.check()?;
        let mut held = lock(&self.0);
        check_replace(key, held.revision(key), expected)?;
        Ok(held.write(key, document))
    }

    async fn remove(&self, key: &DocumentKey, expected: Revision) -> Result<(), Error> {
        let mut held = lock(&self.0);
        check_remove(key, held.revision(key), expected)?;
        held.documents.remove(key);
        Ok(())
    }
}
