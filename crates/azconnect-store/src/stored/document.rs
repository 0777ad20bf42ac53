//! A document as its columns. Each bears a mark, so that what is returned was written with the key.

use azconnect_core::{
    CollectionId, Document, DocumentId, DocumentKey, Effect, Error, ErrorKind, Labels, Revision, StoredDocument,
};

use super::moment::from_column;
use super::record::sealed_elsewhere;
use crate::seal::SealingKeys;
use crate::seal::mac::{Mac, Message};

/// A document as it lies there.
pub(crate) struct DocumentRow {
    pub(crate) collection: String,
    pub(crate) id: String,
    pub(crate) revision: i64,
    pub(crate) labels: String,
    pub(crate) text: String,
    pub(crate) mac: Vec<u8>,
}

impl DocumentRow {
    /// The document, if a holder of the key wrote it in this place.
    pub(crate) fn verified(&self, keys: &SealingKeys) -> Result<StoredDocument, Error> {
        let changed = || changed(&self.collection, &self.id);
        let key = DocumentKey::new(
            CollectionId::new(&self.collection).map_err(|_| changed())?,
            DocumentId::new(&self.id).map_err(|_| changed())?,
        );
        let revision = Revision(from_column(self.revision)?);
        let mac = Mac::from_bytes(&self.mac).ok_or_else(changed)?;
        if let Some(key) = mac.key_id().filter(|key| keys.key(*key).is_none()) {
            return Err(sealed_elsewhere(&format!("the document {}/{}", self.collection, self.id), &key.to_string()));
        }
        if !keys.is_marked(&message(&key, revision, &self.labels, &self.text), &mac) {
            return Err(changed());
        }
        let labels: Labels = serde_json::from_str(&self.labels).map_err(|_| changed())?;
        Ok(StoredDocument::new(key, revision, Document::new(self.text.clone()).with_labels(labels)))
    }
}

/// Labels as a column: JSON, names and values.
pub(crate) fn labels_column(labels: &Labels) -> Result<String, Error> {
    serde_json::to_string(labels)
        .map_err(|error| Error::new(ErrorKind::Unexpected, "labels could not be written").with_source(error))
}

/// What the mark of a document covers.
pub(crate) fn message(key: &DocumentKey, revision: Revision, labels: &str, text: &str) -> Message {
    Message::new("azconnect document 1")
        .bytes(key.collection.as_str().as_bytes())
        .bytes(key.id.as_str().as_bytes())
        .number(revision.0)
        .bytes(labels.as_bytes())
        .bytes(text.as_bytes())
}

fn changed(collection: &str, id: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the document {collection}/{id} was changed by somebody without the key"))
        .with_effect(Effect::None)
        .with_advice("find out who can write the database, then restore it from a backup")
}
