//! The keys a database is sealed with.

use azconnect_core::{ErrorKind, Secret, SecretId, SecretStore};
use azconnect_store::seal::{SealingKey, SealingKeys};
use rusqlite::Connection;

use super::{Place, key, open};

fn id(name: &str) -> SecretId {
    name.parse().unwrap()
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_changes_nothing() {
    let place = Place::new();
    // Also when no secret has been sealed yet.
    for round in 0..2 {
        let before = {
            let store = place.open().await;
            if round == 1 {
                store.put(&id("a"), &Secret::new("kept")).await.unwrap();
            }
            drop(store);
            std::fs::read(place.path()).unwrap()
        };
        let error = open(&place.path(), key(2)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains("sealed with another key"), "{error}");
        assert!(error.advice().contains("give the key it was sealed with"), "{}", error.advice());
        assert_eq!(std::fs::read(place.path()).unwrap(), before);
    }
    assert_eq!(place.open().await.get(&id("a")).await.unwrap().unwrap().expose(), "kept");
}

/// After a crash the newest data lies in the log alone: a refusal must leave that too, and not move it.
#[tokio::test]
async fn a_wrong_key_leaves_the_log_of_a_crash_as_it_was() {
    let (place, crashed) = (Place::new(), Place::new());
    let store = place.open().await;
    store.put(&id("a"), &Secret::new("in the log only")).await.unwrap();
    for (path, bytes) in place.files() {
        std::fs::write(crashed.path().with_file_name(path.file_name().unwrap()), bytes).unwrap();
    }
    let log = crashed.path().with_file_name("store.db-wal");
    let before = (std::fs::read(crashed.path()).unwrap(), std::fs::read(&log).unwrap());
    assert!(!before.1.is_empty());
    assert_eq!(open(&crashed.path(), key(2)).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!((std::fs::read(crashed.path()).unwrap(), std::fs::read(&log).unwrap()), before);
    let recovered = crashed.open().await;
    assert_eq!(recovered.get(&id("a")).await.unwrap().unwrap().expose(), "in the log only");
}

#[tokio::test]
async fn the_sealing_key_can_be_changed() {
    let place = Place::new();
    let store = place.open().await;
    store.put(&id("old"), &Secret::new("sealed with 1")).await.unwrap();
    drop(store);

    let both = || SealingKeys::new(key(2)).with_previous(key(1));
    let store = open(&place.path(), both()).await.unwrap();
    assert_eq!(store.get(&id("old")).await.unwrap().unwrap().expose(), "sealed with 1");
    store.put(&id("new"), &Secret::new("sealed with 2")).await.unwrap();
    drop(store);

    // Both keys are needed now, and each alone is told so.
    for alone in [1, 2] {
        let error = open(&place.path(), key(alone)).await.unwrap_err();
        assert!(error.to_string().contains("sealed with another key"), "{alone}: {error}");
    }

    let store = open(&place.path(), both()).await.unwrap();
    assert_eq!(store.reseal().await.unwrap(), 1);
    assert_eq!(store.reseal().await.unwrap(), 0);
    drop(store);

    let store = open(&place.path(), key(2)).await.unwrap();
    assert_eq!(store.get(&id("old")).await.unwrap().unwrap().expose(), "sealed with 1");
    assert_eq!(store.get(&id("new")).await.unwrap().unwrap().expose(), "sealed with 2");
    store.put(&id("old"), &Secret::new("sealed with 1")).await.unwrap();
    assert!(open(&place.path(), key(1)).await.is_err());
}

#[tokio::test]
async fn a_row_moved_to_another_name_does_not_open() {
    let place = Place::new();
    let store = place.open().await;
    store.put(&id("theirs"), &Secret::new("secret of theirs")).await.unwrap();
    store.put(&id("mine"), &Secret::new("secret of mine")).await.unwrap();
    let other = Connection::open(place.path()).unwrap();
    other
        .execute("UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE id = 'theirs') WHERE id = 'mine'", ())
        .unwrap();
    let error = store.get(&id("mine")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("mine"), "{error}");
    assert_eq!(store.get(&id("theirs")).await.unwrap().unwrap().expose(), "secret of theirs");
    // Nor is it replaced by a put, or by a change of the key.
    assert_eq!(store.put(&id("mine"), &Secret::new("new")).await.unwrap_err().kind(), ErrorKind::Corrupt);
    drop(store);
    let store = open(&place.path(), SealingKeys::new(key(2)).with_previous(key(1))).await.unwrap();
    assert_eq!(store.reseal().await.unwrap_err().kind(), ErrorKind::Corrupt);
    drop(store);
    assert_eq!(place.open().await.get(&id("theirs")).await.unwrap().unwrap().expose(), "secret of theirs");
}

#[tokio::test]
async fn a_flipped_bit_in_a_sealed_record_shows_and_harms_no_other() {
    let place = Place::new();
    let store = place.open().await;
    store.put(&id("hit"), &Secret::new("a secret that was hit")).await.unwrap();
    store.put(&id("other"), &Secret::new("another")).await.unwrap();
    let other = Connection::open(place.path()).unwrap();
    let sealed: Vec<u8> = other.query_row("SELECT sealed FROM secret WHERE id = 'hit'", (), |row| row.get(0)).unwrap();
    let write = |sealed: &[u8]| other.execute("UPDATE secret SET sealed = ?1 WHERE id = 'hit'", [sealed]).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        write(&flipped);
        let error = store.get(&id("hit")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "bit {bit}: {error:?}");
        assert!(error.to_string().contains("hit") && !error.advice().is_empty(), "bit {bit}: {error:?}");
        assert_eq!(store.get(&id("other")).await.unwrap().unwrap().expose(), "another");
    }
    write(&sealed);
    assert_eq!(store.get(&id("hit")).await.unwrap().unwrap().expose(), "a secret that was hit");
}

#[tokio::test]
async fn a_wrong_key_is_named_by_where_it_was_read() {
    let place = Place::new();
    drop(place.open().await);
    let path = place.path().with_file_name("wrong.key");
    let wrong = SealingKey::generate_file(&path).unwrap();
    let error = open(&place.path(), wrong).await.unwrap_err();
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    let error = open(&place.path(), SealingKey::from_file(&path).unwrap()).await.unwrap_err();
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
}

#[tokio::test]
async fn a_database_that_lost_its_proof_is_refused() {
    let place = Place::new();
    drop(place.open().await);
    Connection::open(place.path()).unwrap().execute("DELETE FROM sealing_key", ()).unwrap();
    assert_eq!(open(&place.path(), key(1)).await.unwrap_err().kind(), ErrorKind::Corrupt);
}
