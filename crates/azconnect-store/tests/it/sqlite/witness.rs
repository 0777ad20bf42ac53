//! Databases that are older than their witness remembers.

use std::fs;
use std::sync::{Arc, Mutex};

use azconnect_core::{Effect, Error, ErrorKind, Journal, Secret, SecretStore, Sequence};
use azconnect_store::seal::SealingKeys;
use azconnect_store::{FileWitness, JournalWitness, SqliteOptions, SqliteStore, Testimony};
use azconnect_testkit::ManualClock;

use super::tamper::{corrupt, id, intruder, rows};
use super::{Place, append, key};

async fn open(place: &Place, witness: &FileWitness) -> Result<SqliteStore, Error> {
    let options = SqliteOptions::new().with_witness(Arc::new(witness.clone()));
    options.open(place.path(), key(1), Arc::new(ManualClock::new())).await
}

fn witness() -> (tempfile::TempDir, FileWitness) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("witness");
    (folder, FileWitness::new(path))
}

#[tokio::test]
async fn an_older_copy_of_the_database_is_refused_until_the_witness_forgets() {
    let (place, (_folder, witness)) = (Place::new(), witness());
    let store = open(&place, &witness).await.unwrap();
    store.append(append("stream", 0, "a")).await.unwrap();
    drop(store);
    let backup = fs::read(place.path()).unwrap();
    let store = open(&place, &witness).await.unwrap();
    store.append(append("stream", 1, "b")).await.unwrap();
    drop(store);
    fs::write(place.path(), &backup).unwrap();
    let error = open(&place, &witness).await.unwrap_err();
    corrupt(&error, "an older copy");
    assert!(error.message().contains("is at change 1, and its witness remembers change 2"), "{error}");
    assert!(error.advice().contains("FileWitness::forget"), "{}", error.advice());
    assert_eq!(fs::read(place.path()).unwrap(), backup, "something was written");
    witness.forget().unwrap();
    let store = open(&place, &witness).await.unwrap();
    assert_eq!(store.read(&id("stream"), Sequence::START).await.unwrap().len(), 1);
    assert_eq!(witness.recall().unwrap().unwrap().changes(), 1);
}

#[tokio::test]
async fn a_database_that_was_written_on_from_an_older_copy_is_refused() {
    let (place, (_folder, witness)) = (Place::new(), witness());
    let store = open(&place, &witness).await.unwrap();
    store.append(append("stream", 0, "a")).await.unwrap();
    drop(store);
    let backup = fs::read(place.path()).unwrap();
    open(&place, &witness).await.unwrap().append(append("stream", 1, "b")).await.unwrap();
    fs::write(place.path(), &backup).unwrap();
    // By a program without a witness: as many changes, yet others.
    place.open().await.append(append("stream", 1, "c")).await.unwrap();
    let error = open(&place, &witness).await.unwrap_err();
    corrupt(&error, "another line");
    assert!(error.message().contains("written anew"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_gone_or_is_another_one_is_refused() {
    let (place, other, (_folder, witness)) = (Place::new(), Place::new(), witness());
    drop(open(&place, &witness).await.unwrap());
    other.open().await.append(append("stream", 0, "a")).await.unwrap();
    let error = open(&other, &witness).await.unwrap_err();
    corrupt(&error, "another database");
    assert!(error.message().contains("another one"), "{error}");
    fs::remove_file(place.path()).unwrap();
    let error = open(&place, &witness).await.unwrap_err();
    corrupt(&error, "no database");
    assert!(!place.path().exists(), "a new one was made in its place");
    let old = include_bytes!("../../golden/schema-1.sqlite");
    fs::write(place.path(), old).unwrap();
    let trusting = SqliteOptions::new().trusting_old_journal().with_witness(Arc::new(witness));
    let error = trusting.open(place.path(), key(1), Arc::new(ManualClock::new())).await.unwrap_err();
    corrupt(&error, "an old database");
    assert_eq!(fs::read(place.path()).unwrap(), old);
}

#[tokio::test]
async fn a_witness_that_missed_the_last_changes_is_told_of_them() {
    let (place, (_folder, witness)) = (Place::new(), witness());
    drop(open(&place, &witness).await.unwrap());
    // Killed between the change and the telling.
    let store = place.open().await;
    store.append(append("stream", 0, "a")).await.unwrap();
    store.append(append("stream", 1, "b")).await.unwrap();
    drop(store);
    assert_eq!(witness.recall().unwrap().unwrap().changes(), 0);
    let store = open(&place, &witness).await.unwrap();
    assert_eq!(witness.recall().unwrap().unwrap().changes(), 2);
    store.append(append("stream", 2, "c")).await.unwrap();
    assert_eq!(witness.recall().unwrap().unwrap().changes(), 3);
}

#[tokio::test]
async fn a_process_that_began_with_an_older_copy_is_stopped_at_its_next_append() {
    let (place, (_folder, witness)) = (Place::new(), witness());
    let store = open(&place, &witness).await.unwrap();
    store.append(append("stream", 0, "a")).await.unwrap();
    // Another process has told of more than this one can see.
    let ahead: Testimony = witness.recall().unwrap().unwrap().to_string().replacen(" 1 ", " 5 ", 1).parse().unwrap();
    witness.remember(&ahead).unwrap();
    let before = rows(&place.path());
    corrupt(&store.append(append("stream", 1, "b")).await.unwrap_err(), "behind its witness");
    assert_eq!(rows(&place.path()), before);
}

#[tokio::test]
async fn every_kind_of_change_is_told() {
    let (place, (_folder, witness)) = (Place::new(), witness());
    let store = open(&place, &witness).await.unwrap();
    let changes = || witness.recall().unwrap().unwrap().changes();
    store.append(append("stream", 0, "a")).await.unwrap();
    assert_eq!(changes(), 1);
    store.put(&"a".parse().unwrap(), &Secret::new("a")).await.unwrap();
    assert_eq!(changes(), 2);
    store.remove(&"a".parse().unwrap()).await.unwrap();
    assert_eq!(changes(), 3);
    intruder(&place.path()).execute_batch("UPDATE stream SET epoch = 0").unwrap();
    store.set_aside(&id("stream")).await.unwrap();
    assert_eq!(changes(), 4);
    drop(store);
    let (options, keys) = (SqliteOptions::new().with_witness(Arc::new(witness.clone())), SealingKeys::new(key(2)));
    let keys = keys.with_previous(key(1));
    let store = options.open(place.path(), keys, Arc::new(ManualClock::new())).await.unwrap();
    store.reseal().await.unwrap();
    assert_eq!(changes(), 5);
}

/// A witness that cannot do what it is asked.
struct Failing {
    recalls: bool,
    told: Mutex<Option<Testimony>>,
}

impl JournalWitness for Failing {
    fn recall(&self) -> Result<Option<Testimony>, Error> {
        match self.recalls {
            true => Ok(self.told.lock().unwrap().clone()),
            false => Err(Error::new(ErrorKind::Unavailable, "the witness is away")),
        }
    }

    fn remember(&self, testimony: &Testimony) -> Result<(), Error> {
        if testimony.changes() > 0 {
            return Err(Error::new(ErrorKind::Unavailable, "the witness is full"));
        }
        *self.told.lock().unwrap() = Some(testimony.clone());
        Ok(())
    }
}

#[tokio::test]
async fn without_its_witness_nothing_is_opened_and_an_append_that_is_not_told_is_uncertain() {
    let place = Place::new();
    let open = |recalls| {
        let witness = Arc::new(Failing { recalls, told: Mutex::default() });
        SqliteOptions::new().with_witness(witness).open(place.path(), key(1), Arc::new(ManualClock::new()))
    };
    assert_eq!(open(false).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(!place.path().exists());
    let store = open(true).await.unwrap();
    let error = store.append(append("stream", 0, "a")).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown));
    assert_eq!(store.read(&id("stream"), Sequence::START).await.unwrap().len(), 1, "it was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_share_a_witness() {
    let (place, (_folder, witness)) = (Place::new(), witness());
    let place = Arc::new(place);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..3 {
        let (place, witness) = (place.clone(), witness.clone());
        tasks.spawn(async move {
            let store = open(&place, &witness).await.unwrap();
            for expected in 0..5 {
                store.append(append(&format!("stream/{number}"), expected, "x")).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(witness.recall().unwrap().unwrap().changes(), 15);
    open(&place, &witness).await.unwrap();
}
