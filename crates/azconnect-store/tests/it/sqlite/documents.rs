//! Documents in a file that somebody without the key can write.

use azconnect_core::{
    Document, DocumentKey, DocumentQuery, DocumentStore, ErrorKind, Labels, Revision, StoredDocument,
};
use azconnect_store::SqliteStore;
use azconnect_store::seal::SealingKeys;

use super::tamper::{corrupt, intruder};
use super::{Place, key, open};

fn place_of(id: &str) -> DocumentKey {
    DocumentKey::new("connections".parse().unwrap(), id.parse().unwrap())
}

fn query() -> DocumentQuery {
    DocumentQuery::new("connections".parse().unwrap())
}

/// Two documents, the second of which was replaced once.
async fn filled(place: &Place) -> SqliteStore {
    let store = place.open().await;
    let labels = Labels::new().with("team", "payments").unwrap();
    for id in ["contoso", "fabrikam"] {
        store.insert(&place_of(id), &Document::new(id).with_labels(labels.clone())).await.unwrap();
    }
    store.replace(&place_of("fabrikam"), Revision(2), &Document::new("changed").with_labels(labels)).await.unwrap();
    store
}

async fn found(store: &SqliteStore, id: &str) -> Option<StoredDocument> {
    store.get(&place_of(id)).await.unwrap()
}

#[tokio::test]
async fn a_document_that_was_changed_moved_or_added_is_refused() {
    for change in [
        "UPDATE document SET text = 'Contoso' WHERE id = 'contoso'",
        "UPDATE document SET labels = '{}' WHERE id = 'contoso'",
        "UPDATE document SET labels = '{\"team\":\"shop\"}' WHERE id = 'contoso'",
        "UPDATE document SET revision = 7 WHERE id = 'contoso'",
        "UPDATE document SET mac = zeroblob(40) WHERE id = 'contoso'",
        "UPDATE document SET mac = x'' WHERE id = 'contoso'",
        "UPDATE document SET mac = (SELECT mac FROM document WHERE id = 'fabrikam') WHERE id = 'contoso'",
        "DELETE FROM document WHERE id = 'contoso'; UPDATE document SET id = 'contoso' WHERE id = 'fabrikam'",
        "DELETE FROM document WHERE id = 'contoso';
         INSERT INTO document SELECT collection, 'contoso', revision, labels, text, mac FROM document",
    ] {
        let place = Place::new();
        let store = filled(&place).await;
        intruder(&place.path()).execute_batch(change).unwrap();
        let contoso = place_of("contoso");
        corrupt(&store.get(&contoso).await.unwrap_err(), change);
        corrupt(&store.replace(&contoso, Revision(1), &Document::new("x")).await.unwrap_err(), change);
        corrupt(&store.remove(&contoso, Revision(1)).await.unwrap_err(), change);
        // One whose labels were changed must not be passed over as one that is not wanted.
        let wanted = query().with_labels(Labels::new().with("team", "payments").unwrap());
        corrupt(&store.list(&wanted).await.unwrap_err(), change);
    }
}

#[tokio::test]
async fn a_count_of_revisions_that_was_lowered_gives_none_that_is_there() {
    let place = Place::new();
    let store = filled(&place).await;
    intruder(&place.path()).execute_batch("UPDATE document_revision SET last = 0").unwrap();
    assert_eq!(store.insert(&place_of("new"), &Document::new("x")).await.unwrap(), Revision(4));
    intruder(&place.path()).execute_batch("DELETE FROM document_revision").unwrap();
    let error = store.insert(&place_of("newer"), &Document::new("x")).await.unwrap_err();
    corrupt(&error, "a count that is gone");
    assert_eq!(found(&store, "newer").await, None);
}

#[tokio::test]
async fn documents_are_marked_anew_when_the_sealing_key_changes() {
    let place = Place::new();
    drop(filled(&place).await);
    let both = SealingKeys::new(key(2)).with_previous(key(1));
    let store = open(&place.path(), both).await.unwrap();
    store.insert(&place_of("new"), &Document::new("by the new key")).await.unwrap();
    store.reseal().await.unwrap();
    drop(store);
    let store = open(&place.path(), key(2)).await.unwrap();
    assert_eq!(store.list(&query()).await.unwrap().documents.len(), 3);
    assert_eq!(found(&store, "fabrikam").await.unwrap().revision, Revision(3));
}

#[tokio::test]
async fn a_changed_document_is_not_given_a_new_mark() {
    let place = Place::new();
    drop(filled(&place).await);
    let store = open(&place.path(), SealingKeys::new(key(2)).with_previous(key(1))).await.unwrap();
    intruder(&place.path()).execute_batch("UPDATE document SET text = 'changed' WHERE id = 'contoso'").unwrap();
    assert_eq!(store.reseal().await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(open(&place.path(), key(2)).await.is_err(), "the former key is given up only when all is sealed anew");
}
