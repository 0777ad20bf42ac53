//! Databases of earlier versions, as those wrote them, in `tests/golden`. Never change one of these files.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{
    Append, Document, DocumentKey, DocumentStore, Entry, Epoch, ErrorKind, Journal, Lease, Record, Secret, SecretStore,
    Sequence, StreamId,
};
use azconnect_store::{SqliteOptions, SqliteStore};
use azconnect_testkit::ManualClock;
use rusqlite::Connection;
use time::OffsetDateTime;
use time::macros::datetime;

use super::{Place, key, open};

/// The database of the first version of the tables: two streams, a secret, a lease that is held and one that is free.
const FIRST: &[u8] = include_bytes!("../../golden/schema-1.sqlite");

/// The database of the third version, the first with marks: the same, with a checkpoint in the stream at rest.
const THIRD: &[u8] = include_bytes!("../../golden/schema-3.sqlite");

/// The database of the fourth version, the last without data keys: the same, with a second secret and a document.
const FOURTH: &[u8] = include_bytes!("../../golden/schema-4.sqlite");

/// What its entries are dated from, in seconds after it.
const WRITTEN: OffsetDateTime = datetime!(2025-12-31 23:59:58.123456789 UTC);

fn unfinished() -> StreamId {
    "golden/unfinished".parse().unwrap()
}

fn resting() -> StreamId {
    "golden/resting".parse().unwrap()
}

fn entry(epoch: u64, kind: &str, number: u32) -> Entry {
    let payload = format!(r#"{{"event":"{kind}","number":{number}}}"#);
    let record = Record::new(kind, payload, WRITTEN + Duration::from_secs(number.into()));
    Entry::new(Sequence(number.into()), Epoch(epoch), record)
}

/// Opens a database without marks by a person's consent.
async fn trusting(place: &Place) -> SqliteStore {
    let options = SqliteOptions::new().trusting_old_journal();
    options.open(place.path(), key(1), Arc::new(ManualClock::new())).await.unwrap()
}

async fn opened(place: &Place) -> SqliteStore {
    fs::write(place.path(), FIRST).unwrap();
    trusting(place).await
}

#[tokio::test]
async fn a_database_of_the_first_version_opens_with_all_it_holds() {
    let place = Place::new();
    let store = opened(&place).await;
    let wanted = [entry(3, "begun", 1), entry(3, "minted", 2), entry(8, "pushed", 3)];
    assert_eq!(store.read(&unfinished(), Sequence::START).await.unwrap(), wanted);
    assert_eq!(store.latest(&unfinished()).await.unwrap(), wanted, "it has no checkpoints");
    assert_eq!(store.latest(&resting()).await.unwrap(), [entry(1, "begun", 1), entry(1, "done", 2)]);
    assert_eq!(store.unfinished().await.unwrap(), [unfinished()]);
    let secret = SecretStore::get(&store, &"golden/secret".parse().unwrap()).await.unwrap().unwrap();
    assert!(secret.same_as(&Secret::new("golden s3cr3t")));
    let minute = Duration::from_secs(60);
    let held = store.acquire(&"golden/held".parse().unwrap(), "second", minute).await.unwrap_err();
    assert_eq!(held.kind(), ErrorKind::Conflict);
    assert_eq!(store.acquire(&"golden/free".parse().unwrap(), "second", minute).await.unwrap().epoch, Epoch(2));
}

#[tokio::test]
async fn a_database_of_the_first_version_goes_on_as_one_of_the_newest() {
    let place = Place::new();
    let store = opened(&place).await;
    let fenced = store.append(Append::new(unfinished(), Sequence(3), Epoch(7), vec![entry(7, "x", 4).record])).await;
    assert_eq!(fenced.unwrap_err().field(), Some("epoch"));
    let checkpoint = Record::checkpoint("checkpoint", "{}", WRITTEN);
    store.append(Append::new(unfinished(), Sequence(3), Epoch(8), vec![checkpoint.clone()])).await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(store.latest(&unfinished()).await.unwrap(), [Entry::new(Sequence(4), Epoch(8), checkpoint)]);
    assert_eq!(store.read(&unfinished(), Sequence::START).await.unwrap().len(), 4);
    drop(store);
    let version: u32 =
        Connection::open(place.path()).unwrap().query_row("PRAGMA user_version", (), |row| row.get(0)).unwrap();
    assert_eq!(version, 5);
}

#[tokio::test]
async fn a_database_of_the_third_version_opens_with_all_it_holds_and_takes_documents() {
    let place = Place::new();
    fs::write(place.path(), THIRD).unwrap();
    let store = place.open().await;
    let wanted = [entry(3, "begun", 1), entry(3, "minted", 2), entry(8, "pushed", 3)];
    assert_eq!(store.read(&unfinished(), Sequence::START).await.unwrap(), wanted);
    assert_eq!(store.latest(&resting()).await.unwrap().len(), 1, "from its checkpoint on");
    assert_eq!(store.unfinished().await.unwrap(), [unfinished()]);
    let secret = SecretStore::get(&store, &"golden/secret".parse().unwrap()).await.unwrap().unwrap();
    assert!(secret.same_as(&Secret::new("golden s3cr3t")));
    let minute = Duration::from_secs(60);
    assert!(store.acquire(&"golden/held".parse().unwrap(), "second", minute).await.is_err());
    let key = DocumentKey::new("connections".parse().unwrap(), "contoso".parse().unwrap());
    let revision = store.insert(&key, &Document::new("{}")).await.unwrap();
    drop(store);
    assert_eq!(DocumentStore::get(&place.open().await, &key).await.unwrap().unwrap().revision, revision);
}

#[tokio::test]
async fn processes_that_migrate_at_once_do_so_once() {
    let place = Place::new();
    fs::write(place.path(), FIRST).unwrap();
    let stores = tokio::join!(trusting(&place), trusting(&place), trusting(&place), trusting(&place));
    for store in [stores.0, stores.1, stores.2, stores.3] {
        assert_eq!(store.read(&unfinished(), Sequence::START).await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn a_journal_without_marks_is_marked_only_by_consent() {
    let place = Place::new();
    fs::write(place.path(), FIRST).unwrap();
    let error = open(&place.path(), key(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("trusting_old_journal")));
    assert!(error.to_string().contains(&place.path().display().to_string()), "{error}");
    assert!(error.advice().contains("SqliteOptions::trusting_old_journal"), "{}", error.advice());
    assert_eq!(fs::read(place.path()).unwrap(), FIRST, "the file was changed");
    drop(trusting(&place).await);
    // Once is enough.
    let store = place.open().await;
    assert_eq!(store.read(&unfinished(), Sequence::START).await.unwrap().len(), 3);
    drop(store);
    // Nor can it go back to what it was, with the rows that it has now.
    let marked = Connection::open(place.path()).unwrap();
    marked.execute_batch("UPDATE entry SET payload = '{}'; PRAGMA user_version = 2").unwrap();
    assert!(open(&place.path(), key(1)).await.is_err());
}

#[tokio::test]
async fn consent_to_an_old_journal_is_given_with_a_key_file_too() {
    let place = Place::new();
    fs::write(place.path(), FIRST).unwrap();
    let key_file = place.path().with_file_name("seal.key");
    let bytes: Vec<u8> = (0..32).map(|place| place ^ (1 << 4)).collect();
    fs::write(&key_file, bytes).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&key_file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let clock = || Arc::new(ManualClock::new());
    let refused = SqliteStore::open_with_key_file(place.path(), &key_file, clock()).await.unwrap_err();
    assert_eq!(refused.field(), Some("trusting_old_journal"));
    let trusting = SqliteOptions::new().trusting_old_journal();
    let store = trusting.open_with_key_file(place.path(), &key_file, clock()).await.unwrap();
    assert_eq!(store.unfinished().await.unwrap(), [unfinished()]);
}

#[tokio::test]
async fn an_old_journal_without_entries_needs_no_consent() {
    let place = Place::new();
    fs::write(place.path(), FIRST).unwrap();
    Connection::open(place.path()).unwrap().execute_batch("DELETE FROM entry; DELETE FROM stream").unwrap();
    let store = place.open().await;
    assert!(store.unfinished().await.unwrap().is_empty());
    assert!(SecretStore::get(&store, &"golden/secret".parse().unwrap()).await.unwrap().is_some());
}

/// The sealed column of a secret, and how long its sealed data key is.
fn sealed(place: &Place, id: &str) -> (Vec<u8>, i64) {
    let sql = "SELECT sealed, length(wrapped) FROM secret JOIN data_key USING (id) WHERE id = ?1";
    let connection = Connection::open(place.path()).unwrap();
    connection.query_row(sql, [id], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

#[tokio::test]
async fn secrets_of_the_fourth_version_stay_as_they_are_until_they_are_resealed() {
    let place = Place::new();
    fs::write(place.path(), FOURTH).unwrap();
    let before: Vec<u8> = Connection::open(place.path())
        .unwrap()
        .query_row("SELECT sealed FROM secret WHERE id = 'golden/secret'", (), |row| row.get(0))
        .unwrap();
    let store = place.open().await;
    assert_eq!(store.read(&unfinished(), Sequence::START).await.unwrap().len(), 3);
    let (id, another) = ("golden/secret".parse().unwrap(), "golden/another".parse().unwrap());
    let secret = Secret::new("golden s3cr3t");
    store.put(&id, &secret).await.unwrap();
    assert!(SecretStore::get(&store, &id).await.unwrap().unwrap().same_as(&secret));
    assert_eq!(sealed(&place, "golden/secret"), (before.clone(), 0), "a put of the same secret seals nothing anew");
    // One is gone before the others are brought over.
    SecretStore::remove(&store, &another).await.unwrap();
    drop(store);
    let store = place.open().await;
    assert_eq!(store.reseal().await.unwrap(), 1);
    let (after, data_key) = sealed(&place, "golden/secret");
    assert!(after != before && data_key == 1 + 8 + 12 + 32 + 16, "{data_key}");
    assert!(SecretStore::get(&store, &id).await.unwrap().unwrap().same_as(&secret));
    assert_eq!(store.reseal().await.unwrap(), 0);
    let document = DocumentKey::new("golden".parse().unwrap(), "document".parse().unwrap());
    assert_eq!(DocumentStore::get(&store, &document).await.unwrap().unwrap().document.text, "{}");
}

#[tokio::test]
async fn a_secret_of_the_fourth_version_that_is_put_back_after_its_removal_does_not_open() {
    let place = Place::new();
    fs::write(place.path(), FOURTH).unwrap();
    let intruder = Connection::open(place.path()).unwrap();
    intruder.execute_batch("CREATE TEMP TABLE old_secret AS SELECT * FROM secret").unwrap();
    let store = place.open().await;
    let id = "golden/another".parse().unwrap();
    SecretStore::remove(&store, &id).await.unwrap();
    intruder.execute_batch("INSERT INTO secret SELECT * FROM old_secret WHERE id = 'golden/another'").unwrap();
    for store in [store, place.open().await] {
        assert_eq!(SecretStore::get(&store, &id).await.unwrap_err().kind(), ErrorKind::Corrupt);
        assert!(SecretStore::get(&store, &"golden/secret".parse().unwrap()).await.unwrap().is_some());
    }
}
