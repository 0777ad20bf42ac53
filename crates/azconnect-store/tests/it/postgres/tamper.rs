//! Somebody who can write the tables and has no key.

use azconnect_core::{
    Document, DocumentKey, DocumentQuery, DocumentStore, Effect, Error, ErrorKind, Journal, Sequence, StreamId,
};
use azconnect_store::PostgresStore;

use super::{Place, append, key};

fn stream() -> StreamId {
    "stream".parse().unwrap()
}

fn document() -> DocumentKey {
    DocumentKey::new("connections".parse().unwrap(), "contoso".parse().unwrap())
}

pub(super) fn corrupt<T: std::fmt::Debug>(result: Result<T, Error>, change: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{change}: {error:?}");
    assert!(error.advice().contains("restore"), "{change}: {}", error.advice());
}

async fn filled(place: &Place) -> PostgresStore {
    let store = place.open().await;
    for (expected, payload) in (0..).zip(["a", "b", "c"]) {
        store.append(append("stream", expected, payload)).await.unwrap();
    }
    store.append(append("other", 0, "d")).await.unwrap();
    store
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn whatever_is_changed_in_a_stream_is_noticed_and_nothing_is_done() {
    for change in [
        "UPDATE entry SET payload = 'x' WHERE stream = 'stream' AND sequence = 3",
        "UPDATE entry SET epoch = 0 WHERE stream = 'stream' AND sequence = 3",
        "UPDATE entry SET mac = '' WHERE stream = 'stream' AND sequence = 3",
        "DELETE FROM entry WHERE stream = 'stream' AND sequence = 3",
        "INSERT INTO entry SELECT stream, 4, epoch, kind, payload, at, checkpoint, mac FROM entry
         WHERE stream = 'stream' AND sequence = 3",
        "DELETE FROM entry WHERE stream = 'stream' AND sequence = 3; UPDATE stream SET last = 2 WHERE name = 'stream'",
        "UPDATE stream SET epoch = 7 WHERE name = 'stream'",
        "UPDATE stream SET at_rest = true WHERE name = 'stream'",
        "DELETE FROM entry WHERE stream = 'stream'; DELETE FROM stream WHERE name = 'stream'",
    ] {
        let place = Place::new();
        let store = filled(&place).await;
        place.change(change).await;
        corrupt(store.read(&stream(), Sequence::START).await, change);
        corrupt(store.latest(&stream()).await, change);
        corrupt(store.append(append("stream", 3, "e")).await, change);
        assert!(store.unfinished().await.unwrap().contains(&stream()), "{change}");
        // Others go on.
        store.append(append("other", 1, "e")).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_stream_that_is_taken_back_shows_in_a_new_process_too() {
    let place = Place::new();
    drop(filled(&place).await);
    let kept = format!("{}_kept", place.schema);
    let keep = "CREATE TABLE KEPT.s AS TABLE stream; CREATE TABLE KEPT.e AS TABLE entry";
    place.change(&format!("CREATE SCHEMA {kept}; {}", keep.replace("KEPT", &kept))).await;
    let store = place.open().await;
    store.append(append("stream", 3, "late")).await.unwrap();
    let put_back = "DELETE FROM entry; DELETE FROM stream; INSERT INTO stream SELECT * FROM KEPT.s;
                    INSERT INTO entry SELECT * FROM KEPT.e; DROP SCHEMA KEPT CASCADE";
    place.change(&put_back.replace("KEPT", &kept)).await;
    corrupt(store.read(&stream(), Sequence::START).await, "in the process that saw more");
    corrupt(place.open_with(key(1)).await, "in a new one");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_journal_that_is_taken_back_shows_to_whoever_saw_more() {
    let place = Place::new();
    let store = filled(&place).await;
    let row = "SELECT id, changes, trace, streams, entries, mac FROM journal";
    let kept = place.intruder().await.query_one(row, &[]).await.unwrap();
    store.append(append("other", 1, "late")).await.unwrap();
    let (changes, mac): (i64, Vec<u8>) = (kept.get(1), kept.get(5));
    let intruder = place.intruder().await;
    let sql = "UPDATE journal SET changes = $1, trace = $2, entries = $3, mac = $4";
    intruder.execute(sql, &[&changes, &kept.get::<_, Vec<u8>>(2), &kept.get::<_, i64>(4), &mac]).await.unwrap();
    corrupt(store.append(append("other", 2, "x")).await, "older totals");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_document_that_was_changed_moved_or_added_is_refused() {
    for change in [
        "UPDATE document SET text = 'Contoso' WHERE id = 'contoso'",
        "UPDATE document SET labels = '{\"team\":\"shop\"}' WHERE id = 'contoso'",
        "UPDATE document SET revision = 7 WHERE id = 'contoso'",
        "UPDATE document SET mac = (SELECT mac FROM document WHERE id = 'fabrikam') WHERE id = 'contoso'",
        "DELETE FROM document WHERE id = 'contoso'; UPDATE document SET id = 'contoso' WHERE id = 'fabrikam'",
    ] {
        let place = Place::new();
        let store = place.open().await;
        let first = store.insert(&document(), &Document::new("contoso")).await.unwrap();
        let other = DocumentKey::new("connections".parse().unwrap(), "fabrikam".parse().unwrap());
        store.insert(&other, &Document::new("fabrikam")).await.unwrap();
        place.change(change).await;
        corrupt(DocumentStore::get(&store, &document()).await, change);
        corrupt(store.replace(&document(), first, &Document::new("x")).await, change);
        corrupt(DocumentStore::remove(&store, &document(), first).await, change);
        corrupt(DocumentStore::list(&store, &DocumentQuery::new("connections".parse().unwrap())).await, change);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_count_of_revisions_that_was_set_back_gives_none() {
    let place = Place::new();
    let store = place.open().await;
    let first = store.insert(&document(), &Document::new("contoso")).await.unwrap();
    place.change("SELECT setval('document_revision', 1, false)").await;
    corrupt(store.replace(&document(), first, &Document::new("x")).await, "a count that was set back");
    assert_eq!(DocumentStore::get(&store, &document()).await.unwrap().unwrap().revision, first);
}
