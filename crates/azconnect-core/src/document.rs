//! Where a product's records lie: small documents that change, found by name and by label.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::error::Error;

crate::name_id!(
    /// The name of a collection of documents of one kind, such as `connections`.
    CollectionId, "collection"
);

crate::name_id!(
    /// The name of a document in its collection, such as `contoso`.
    DocumentId, "document id"
);

/// Which document: its collection, and its name there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentKey {
    /// The collection.
    pub collection: CollectionId,
    /// The name in the collection.
    pub id: DocumentId,
}

impl DocumentKey {
    /// A document's name in a collection.
    pub fn new(collection: CollectionId, id: DocumentId) -> Self {
        Self { collection, id }
    }
}

impl std::fmt::Display for DocumentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.collection, self.id)
    }
}

/// The state of a document as a number that only grows: each write of a store has a higher one than all before it, so a
/// document that was removed and made anew never has a revision that the former one had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

/// Names and values by which documents are found, such as `team` = `payments`. Never a secret.
///
/// At most [`MAX_COUNT`](Self::MAX_COUNT). A name is 1 to 63 of `A-Z a-z 0-9 . _ / -`; a value is at most 256 characters, none of
/// them a control character.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// How many labels one document may have.
    pub const MAX_COUNT: usize = 32;

    const MAX_NAME_LENGTH: usize = 63;
    const MAX_VALUE_LENGTH: usize = 256;

    /// No labels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a label, or gives one that is there another value.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) with the field `labels` if name, value or their number is out of bounds.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Result<Self, Error> {
        let (name, value) = (name.into(), value.into());
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
        if name.is_empty() || name.len() > Self::MAX_NAME_LENGTH || !name.chars().all(is_plain) {
            return Err(Error::invalid("labels", "a name must be 1 to 63 letters, digits or . _ / -")
                .with_advice("choose a plain name for the label, such as team"));
        }
        if value.chars().count() > Self::MAX_VALUE_LENGTH || value.chars().any(char::is_control) {
            return Err(Error::invalid(
                "labels",
                format!("the value of {name} is too long, or holds a control character"),
            )
            .with_advice("give a label at most 256 characters on one line"));
        }
        self.0.insert(name, value);
        if self.0.len() > Self::MAX_COUNT {
            return Err(Error::invalid("labels", format!("there are more than {}", Self::MAX_COUNT))
                .with_advice("keep what is not searched for elsewhere"));
        }
        Ok(self)
    }

    /// The value of a label.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All labels, in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every one of `wanted` is among these, with the same value.
    pub fn contain(&self, wanted: &Self) -> bool {
        wanted.iter().all(|(name, value)| self.get(name) == Some(value))
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let labels = BTreeMap::<String, String>::deserialize(deserializer)?;
        labels
            .into_iter()
            .try_fold(Self::new(), |labels, (name, value)| labels.with(name, value))
            .map_err(de::Error::custom)
    }
}

/// What is written: a text without any secret, and the labels by which it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Document {
    /// The document, such as JSON, without any secret. At most [`MAX_LENGTH`](Self::MAX_LENGTH) bytes.
    pub text: String,
    /// What it is found by.
    pub labels: Labels,
}

impl Document {
    /// The longest text that every store takes, in bytes.
    pub const MAX_LENGTH: usize = 1 << 20;

    /// A document without labels.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), labels: Labels::new() }
    }

    /// Sets the labels.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Refuses a text that is too long, for implementations of [`DocumentStore`].
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) with the field `document`.
    pub fn check(&self) -> Result<(), Error> {
        if self.text.len() <= Self::MAX_LENGTH && !self.text.contains('\0') {
            return Ok(());
        }
        Err(Error::invalid("document", "is longer than 1 MiB, or holds a zero character")
            .with_advice("keep large data elsewhere, and its name in the document"))
    }
}

/// A document as it lies in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredDocument {
    /// Which document.
    pub key: DocumentKey,
    /// The state that was read.
    pub revision: Revision,
    /// What was written last.
    pub document: Document,
}

impl StoredDocument {
    /// A document at a revision, for implementations of [`DocumentStore`].
    pub fn new(key: DocumentKey, revision: Revision, document: Document) -> Self {
        Self { key, revision, document }
    }
}

/// Which documents of a collection to list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentQuery {
    /// The collection.
    pub collection: CollectionId,
    /// The labels that a document must have, all of them.
    pub labels: Labels,
    /// The name after which the page begins: [`DocumentPage::next`] of the page before.
    pub after: Option<DocumentId>,
    limit: usize,
}

impl DocumentQuery {
    /// How many documents a page has at most, whatever was asked for.
    pub const MAX_LIMIT: usize = 1000;

    /// The first hundred documents of a collection.
    pub fn new(collection: CollectionId) -> Self {
        Self { collection, labels: Labels::new(), after: None, limit: 100 }
    }

    /// Lists only documents with all of these labels.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Begins after a name.
    #[must_use]
    pub fn with_after(mut self, after: Option<DocumentId>) -> Self {
        self.after = after;
        self
    }

    /// Sets how many documents a page has at most: 1 to [`MAX_LIMIT`](Self::MAX_LIMIT), to which other numbers are brought.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, Self::MAX_LIMIT);
        self
    }

    /// How many documents a page has at most.
    pub fn limit(&self) -> usize {
        self.limit
    }
}

/// A part of a list of documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentPage {
    /// The documents, in order of their names, byte by byte.
    pub documents: Vec<StoredDocument>,
    /// Where the next page begins, or `None` if this is the last.
    pub next: Option<DocumentId>,
}

impl DocumentPage {
    /// A page, for implementations of [`DocumentStore`].
    pub fn new(documents: Vec<StoredDocument>, next: Option<DocumentId>) -> Self {
        Self { documents, next }
    }

    /// A page of at most `limit` of the documents that were found, for implementations of [`DocumentStore`] that look for one
    /// more than the page may have: if it is there, this is not the last page.
    pub fn cut(mut documents: Vec<StoredDocument>, limit: usize) -> Self {
        let is_last = documents.len() <= limit;
        documents.truncate(limit);
        let next = documents.last().filter(|_| !is_last).map(|last| last.key.id.clone());
        Self { documents, next }
    }
}

/// Small documents in collections, which change by compare-and-swap.
///
/// - A write that returned `Ok` survives the loss of the process and, for durable implementations, of the machine.
/// - A read that begins after a write has returned, or was dropped, shows what became of it.
/// - A write replaces the text and the labels as a whole.
///
/// Every implementation passes `azconnect_testkit::conformance::document_store`.
#[async_trait]
pub trait DocumentStore: Send + Sync {
    /// Writes a document that is not there yet.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) with effect `None` and the field `id` if there is one, which stays as it is;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for what [`Document::check`] refuses.
    async fn insert(&self, key: &DocumentKey, document: &Document) -> Result<Revision, Error>;

    /// A document, or `None` if there is none of that name.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if it is not what was written, where the store can tell.
    async fn get(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Error>;

    /// A page of the documents of a collection. An unknown collection is empty.
    ///
    /// Pages are read one after the other: what is written meanwhile may or may not show, and what is there all the time shows
    /// exactly once.
    async fn list(&self, query: &DocumentQuery) -> Result<DocumentPage, Error>;

    /// Writes a document in the place of the one that was read.
    ///
    /// # Errors
    /// With effect `None`: [`Conflict`](crate::ErrorKind::Conflict) and the field `revision` if it has another revision by now;
    /// [`NotFound`](crate::ErrorKind::NotFound) if it is gone. [`InvalidInput`](crate::ErrorKind::InvalidInput) as above.
    async fn replace(&self, key: &DocumentKey, expected: Revision, document: &Document) -> Result<Revision, Error>;

    /// Removes a document as it was read. Removing one that is not there succeeds.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) with effect `None` and the field `revision` if it has another revision by now.
    async fn remove(&self, key: &DocumentKey, expected: Revision) -> Result<(), Error>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_bounded() {
        let long = "n".repeat(64);
        for (name, value) in
            [("", "v"), ("a b", "v"), (long.as_str(), "v"), ("n", "two\nlines"), ("n", &"v".repeat(257))]
        {
            assert_eq!(Labels::new().with(name, value).unwrap_err().field(), Some("labels"), "{name:?}");
        }
        let full =
            (0..32).try_fold(Labels::new(), |labels, n| labels.with(format!("n{n}"), "\u{e9}".repeat(256))).unwrap();
        assert!(full.clone().with("n0", "another value").is_ok());
        assert!(full.with("n32", "").is_err());
        assert!(serde_json::from_str::<Labels>(r#"{"a b":"v"}"#).is_err());
    }

    #[test]
    fn labels_contain_what_is_wanted_by_name_and_value() {
        let labels = Labels::new().with("team", "payments").unwrap().with("stage", "test").unwrap();
        let wanted = |value: &str| Labels::new().with("team", value).unwrap();
        assert!(labels.contain(&wanted("payments")) && labels.contain(&Labels::new()));
        assert!(!labels.contain(&wanted("Payments")) && !wanted("payments").contain(&labels));
    }

    #[test]
    fn a_page_has_at_least_one_document_and_at_most_a_thousand() {
        let query = DocumentQuery::new("connections".parse().unwrap());
        assert_eq!([0, 7, 5000].map(|limit| query.clone().with_limit(limit).limit()), [1, 7, 1000]);
    }
}
