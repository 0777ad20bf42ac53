//! Records of one kind in a store of documents.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use azconnect_core::{
    CollectionId, Document, DocumentId, DocumentKey, DocumentQuery, DocumentStore, Effect, Error, ErrorKind, Labels,
    Revision, StoredDocument,
};

/// A value that a product keeps as a document: a connection, the settings of a tenant, a binding.
pub trait Kept: Sized + Send + Sync {
    /// The name of the collection that values of this kind lie in.
    const COLLECTION: &'static str;

    /// The name of the value in its collection, which never changes.
    ///
    /// # Errors
    /// If it has none that a store takes.
    fn document_id(&self) -> Result<DocumentId, Error>;

    /// What the value is found by.
    ///
    /// # Errors
    /// If a store would not take it.
    fn document_labels(&self) -> Result<Labels, Error>;

    /// The value as text, without any secret.
    ///
    /// # Errors
    /// If it cannot be written.
    fn to_text(&self) -> Result<String, Error>;

    /// Reads what [`to_text`](Self::to_text) has written, in this version of the program or an earlier one.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for what a later version wrote; [`Corrupt`](ErrorKind::Corrupt) for anything
    /// else that cannot be read.
    fn from_text(text: &str) -> Result<Self, Error>;
}

/// A value as it was read, with its revision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revised<T> {
    /// The value.
    pub value: T,
    /// The state that was read, for a change that must not overwrite another one.
    pub revision: Revision,
}

impl<T> Revised<T> {
    /// A value as it was read at a revision.
    pub fn new(value: T, revision: Revision) -> Self {
        Self { value, revision }
    }
}

/// Which records to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordQuery {
    /// The labels that a record must have, all of them.
    pub labels: Labels,
    /// Where the page begins: [`RecordPage::next`] of the page before.
    pub after: Option<DocumentId>,
    /// How many records a page has at most, if not a hundred.
    pub limit: Option<usize>,
}

impl RecordQuery {
    /// The first hundred records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists only records with all of these labels.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Begins after a record.
    #[must_use]
    pub fn with_after(mut self, after: Option<DocumentId>) -> Self {
        self.after = after;
        self
    }

    /// Sets how many records a page has at most: 1 to [`DocumentQuery::MAX_LIMIT`].
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// A part of a list of records, in order of their names.
#[derive(Debug)]
#[non_exhaustive]
pub struct RecordPage<T> {
    /// The records.
    pub records: Vec<Revised<T>>,
    /// The records that are there and cannot be read, such as those of a later version of the program, and why. One of them
    /// does not hide the others.
    pub unreadable: Vec<(DocumentId, Error)>,
    /// Where the next page begins, or `None` if this is the last.
    pub next: Option<DocumentId>,
}

impl<T> RecordPage<T> {
    /// A page of records that could all be read.
    pub fn new(records: Vec<Revised<T>>, next: Option<DocumentId>) -> Self {
        Self { records, unreadable: Vec::new(), next }
    }
}

/// The records of one kind in a store of documents. Cheap to clone.
pub struct Records<T> {
    documents: Arc<dyn DocumentStore>,
    kind: PhantomData<fn() -> T>,
}

impl<T: Kept> Records<T> {
    /// The records of this kind in a store.
    pub fn new(documents: Arc<dyn DocumentStore>) -> Self {
        Self { documents, kind: PhantomData }
    }

    /// Writes a record that is not there yet.
    ///
    /// # Errors
    /// As [`DocumentStore::insert`].
    pub async fn insert(&self, value: &T) -> Result<Revision, Error> {
        let (key, document) = written(value)?;
        self.documents.insert(&key, &document).await
    }

    /// A record by its name, or `None` if there is none.
    ///
    /// # Errors
    /// As [`DocumentStore::get`] and [`Kept::from_text`].
    pub async fn get(&self, id: &DocumentId) -> Result<Option<Revised<T>>, Error> {
        let key = DocumentKey::new(collection::<T>()?, id.clone());
        self.documents.get(&key).await?.map(|stored| read(&stored)).transpose()
    }

    /// A page of the records.
    ///
    /// # Errors
    /// As [`DocumentStore::list`]. A record that cannot be read is in [`RecordPage::unreadable`].
    pub async fn list(&self, query: &RecordQuery) -> Result<RecordPage<T>, Error> {
        let mut documents =
            DocumentQuery::new(collection::<T>()?).with_labels(query.labels.clone()).with_after(query.after.clone());
        if let Some(limit) = query.limit {
            documents = documents.with_limit(limit);
        }
        let found = self.documents.list(&documents).await?;
        let mut page = RecordPage { records: Vec::new(), unreadable: Vec::new(), next: found.next };
        for stored in found.documents {
            match read(&stored) {
                Ok(record) => page.records.push(record),
                Err(error) => page.unreadable.push((stored.key.id, error)),
            }
        }
        Ok(page)
    }

    /// Every record with these labels, page by page.
    ///
    /// # Errors
    /// As [`Records::list`]; besides, the first record that cannot be read: who needs all must not go on without some.
    pub async fn all(&self, labels: &Labels) -> Result<Vec<Revised<T>>, Error> {
        let mut query = RecordQuery::new().with_labels(labels.clone()).with_limit(DocumentQuery::MAX_LIMIT);
        let mut all = Vec::new();
        loop {
            let page = self.list(&query).await?;
            if let Some((_, error)) = page.unreadable.into_iter().next() {
                return Err(error);
            }
            all.extend(page.records);
            let Some(next) = page.next else { return Ok(all) };
            query = query.with_after(Some(next));
        }
    }

    /// Writes a record in the place of the one that was read.
    ///
    /// # Errors
    /// As [`DocumentStore::replace`].
    pub async fn replace(&self, value: &T, expected: Revision) -> Result<Revision, Error> {
        let (key, document) = written(value)?;
        self.documents.replace(&key, expected, &document).await
    }

    /// Removes a record as it was read. Removing one that is not there succeeds.
    ///
    /// # Errors
    /// As [`DocumentStore::remove`].
    pub async fn remove(&self, id: &DocumentId, expected: Revision) -> Result<(), Error> {
        self.documents.remove(&DocumentKey::new(collection::<T>()?, id.clone()), expected).await
    }
}

impl<T> Clone for Records<T> {
    fn clone(&self) -> Self {
        Self { documents: self.documents.clone(), kind: PhantomData }
    }
}

impl<T: Kept> fmt::Debug for Records<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("collection", &T::COLLECTION).finish_non_exhaustive()
    }
}

fn collection<T: Kept>() -> Result<CollectionId, Error> {
    CollectionId::new(T::COLLECTION)
}

fn written<T: Kept>(value: &T) -> Result<(DocumentKey, Document), Error> {
    let document = Document::new(value.to_text()?).with_labels(value.document_labels()?);
    Ok((DocumentKey::new(collection::<T>()?, value.document_id()?), document))
}

fn read<T: Kept>(stored: &StoredDocument) -> Result<Revised<T>, Error> {
    let named = |error: Error| {
        let message = format!("{}: {}", stored.key, error.message());
        error.with_message(message).with_effect(Effect::None)
    };
    let value = T::from_text(&stored.document.text).map_err(named)?;
    // What lies under another's name was moved there, and would be written back in the wrong place.
    if value.document_id()? != stored.key.id {
        return Err(named(
            Error::new(ErrorKind::Corrupt, "the record says that it has another name")
                .with_advice("find out who changed the store, and restore the record from a backup"),
        ));
    }
    Ok(Revised { value, revision: stored.revision })
}
