//! A store of documents that breaks a promise: the suite must name it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{
    Document, DocumentKey, DocumentPage, DocumentQuery, DocumentStore, Error, Revision, StoredDocument,
};
use azconnect_store::MemoryDocuments;
use azconnect_testkit::conformance::document_store;

use crate::judged::{named, verdict};

/// Counts the revisions of each document from one on, as a column of the row would.
struct Recounting(MemoryDocuments, Mutex<HashMap<DocumentKey, Vec<Revision>>>);

impl Recounting {
    fn count(&self, key: &DocumentKey, given: Revision) -> Revision {
        let mut all = self.1.lock().unwrap();
        let own = all.entry(key.clone()).or_default();
        own.push(given);
        Revision(own.len() as u64)
    }
    fn given(&self, key: &DocumentKey, shown: Revision) -> Revision {
        let place = usize::try_from(shown.0).unwrap().checked_sub(1);
        let all = self.1.lock().unwrap();
        place.and_then(|place| all.get(key)?.get(place).copied()).unwrap_or(Revision(0))
    }
    fn shown(&self, stored: StoredDocument) -> StoredDocument {
        let shown = self.1.lock().unwrap()[&stored.key].iter().position(|given| *given == stored.revision).unwrap();
        StoredDocument::new(stored.key, Revision(shown as u64 + 1), stored.document)
    }
}

#[async_trait]
impl DocumentStore for Recounting {
    async fn insert(&self, key: &DocumentKey, document: &Document) -> Result<Revision, Error> {
        let given = self.0.insert(key, document).await?;
        Ok(self.count(key, given))
    }
    async fn get(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Error> {
        Ok(self.0.get(key).await?.map(|stored| self.shown(stored)))
    }
    async fn list(&self, query: &DocumentQuery) -> Result<DocumentPage, Error> {
        let page = self.0.list(query).await?;
        Ok(DocumentPage::new(page.documents.into_iter().map(|stored| self.shown(stored)).collect(), page.next))
    }
    async fn replace(&self, key: &DocumentKey, expected: Revision, document: &Document) -> Result<Revision, Error> {
        let given = self.0.replace(key, self.given(key, expected), document).await?;
        Ok(self.count(key, given))
    }
    async fn remove(&self, key: &DocumentKey, expected: Revision) -> Result<(), Error> {
        self.0.remove(key, self.given(key, expected)).await?;
        self.1.lock().unwrap().remove(key);
        Ok(())
    }
}

#[tokio::test]
async fn a_document_store_whose_revisions_begin_again_is_named() {
    let make = async || Arc::new(Recounting(MemoryDocuments::new(), Default::default())) as Arc<dyn DocumentStore>;
    named(&verdict(document_store::all(make)).await, &["a revision is never given twice"]);
}
