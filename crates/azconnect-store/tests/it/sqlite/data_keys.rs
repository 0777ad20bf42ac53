//! What somebody who can write the database, and has no key, does to sealed secrets and their data keys.

use std::sync::Arc;

use azconnect_core::{Effect, Error, ErrorKind, Secret, SecretId, SecretStore};
use azconnect_store::{FileWitness, SqliteOptions, SqliteStore};
use azconnect_testkit::ManualClock;
use rusqlite::Connection;

use super::tamper::{corrupt, intruder};
use super::{Place, key, open};

fn id(name: &str) -> SecretId {
    name.parse().unwrap()
}

async fn put(store: &SqliteStore, name: &str, text: &str) {
    store.put(&id(name), &Secret::new(text)).await.unwrap();
}

async fn holds(store: &SqliteStore, name: &str, text: &str) {
    assert_eq!(store.get(&id(name)).await.unwrap().unwrap().expose(), text, "{name}");
}

/// A refusal that names the secret.
async fn refused(store: &SqliteStore, name: &str, about: &str) -> Error {
    let error = store.get(&id(name)).await.expect_err(about);
    corrupt(&error, about);
    assert!(error.message().contains(name), "{about}: {error}");
    error
}

/// Two secrets, and somebody who keeps their rows as they are now.
async fn two(place: &Place) -> (SqliteStore, Connection) {
    let store = place.open().await;
    put(&store, "victim", "the victim's").await;
    put(&store, "bystander", "the bystander's").await;
    let intruder = intruder(&place.path());
    intruder
        .execute_batch(
            "CREATE TEMP TABLE old_secret AS SELECT * FROM secret; CREATE TEMP TABLE old_data_key AS SELECT * FROM data_key;
             CREATE TEMP TABLE old_journal AS SELECT * FROM journal",
        )
        .unwrap();
    (store, intruder)
}

const PUT_BACK: &str = "DELETE FROM secret; DELETE FROM data_key;
     INSERT INTO secret SELECT * FROM old_secret; INSERT INTO data_key SELECT * FROM old_data_key;";

#[tokio::test]
async fn the_removal_of_a_secret_removes_its_data_key() {
    let place = Place::new();
    let (store, intruder) = two(&place).await;
    let keys = || -> Vec<Vec<u8>> {
        let mut query = intruder.prepare("SELECT wrapped FROM data_key").unwrap();
        query.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let [one, two] = keys().try_into().unwrap();
    assert_ne!(one, two);
    store.remove(&id("victim")).await.unwrap();
    assert_eq!(keys().len(), 1);
    holds(&store, "bystander", "the bystander's").await;
}

#[tokio::test]
async fn a_removed_secret_that_is_put_back_does_not_open() {
    let place = Place::new();
    let (store, intruder) = two(&place).await;
    let late = place.open().await;
    store.remove(&id("victim")).await.unwrap();
    intruder.execute_batch(PUT_BACK).unwrap();
    // The process that removed it knows which it is.
    refused(&store, "victim", "put back").await;
    holds(&store, "bystander", "the bystander's").await;
    assert_eq!(store.list("", None).await.unwrap(), [id("bystander")]);
    // A process that had not looked since, and a new one, learn from the totals that one is too many.
    corrupt(&late.get(&id("victim")).await.unwrap_err(), "another process");
    let before = std::fs::read(place.path()).unwrap();
    let error = open(&place.path(), key(1)).await.unwrap_err();
    corrupt(&error, "a new process");
    assert!(error.message().contains("put back after their removal"), "{error}");
    assert_eq!(std::fs::read(place.path()).unwrap(), before);
    // Removed once more, nothing of it is left, and everybody goes on.
    store.remove(&id("victim")).await.unwrap();
    assert!(store.get(&id("victim")).await.unwrap().is_none());
    holds(&late, "bystander", "the bystander's").await;
    holds(&place.open().await, "bystander", "the bystander's").await;
}

#[tokio::test]
async fn a_removed_secret_that_is_put_back_with_the_totals_shows_to_who_saw_more_and_to_a_witness() {
    let (place, folder) = (Place::new(), tempfile::tempdir().unwrap());
    let (store, intruder) = two(&place).await;
    let witness = Arc::new(FileWitness::new(folder.path().join("witness")));
    let clock = || Arc::new(ManualClock::new());
    let options = || SqliteOptions::new().with_witness(witness.clone());
    let witnessed = options().open(place.path(), key(1), clock()).await.unwrap();
    witnessed.remove(&id("victim")).await.unwrap();
    assert!(store.get(&id("victim")).await.unwrap().is_none());
    let totals = "DELETE FROM journal; INSERT INTO journal SELECT * FROM old_journal";
    intruder.execute_batch(&format!("{PUT_BACK} {totals}")).unwrap();
    for store in [&store, &witnessed] {
        corrupt(&store.get(&id("victim")).await.unwrap_err(), "a process that saw more");
    }
    corrupt(&options().open(place.path(), key(1), clock()).await.unwrap_err(), "a witness");
    // Nothing in the database tells a new process without a witness: that is the whole as it once was.
    holds(&place.open().await, "victim", "the victim's").await;
}

#[tokio::test]
async fn an_earlier_secret_of_the_same_name_does_not_open() {
    let place = Place::new();
    let (store, intruder) = two(&place).await;
    store.remove(&id("victim")).await.unwrap();
    put(&store, "victim", "the later one").await;
    intruder.execute_batch(PUT_BACK).unwrap();
    refused(&store, "victim", "an earlier one").await;
    corrupt(&open(&place.path(), key(1)).await.unwrap_err(), "a new process");
}

#[tokio::test]
async fn a_secret_that_somebody_removed_is_not_taken_for_one_that_never_was() {
    for (sql, everything) in [
        ("DELETE FROM secret WHERE id = 'victim'", false),
        ("DELETE FROM data_key WHERE id = 'victim'", true),
        ("DELETE FROM secret WHERE id = 'victim'; DELETE FROM data_key WHERE id = 'victim'", true),
    ] {
        let place = Place::new();
        let (store, intruder) = two(&place).await;
        intruder.execute_batch(sql).unwrap();
        refused(&store, "victim", sql).await;
        holds(&store, "bystander", "the bystander's").await;
        let put = store.put(&id("victim"), &Secret::new("the victim's")).await;
        corrupt(&put.unwrap_err(), "it is not sealed anew in its place");
        match open(&place.path(), key(1)).await {
            Ok(store) => {
                assert!(!everything, "{sql}: a new process notices nothing");
                refused(&store, "victim", sql).await;
            }
            Err(error) => {
                assert!(everything, "{sql}: {error}");
                corrupt(&error, sql);
                assert!(error.advice().contains("accepting_lost_entries"), "{}", error.advice());
            }
        }
        drop(store);
        // By consent what is left is taken for all there was, and what was lost cannot be put back.
        let accepting = SqliteOptions::new().accepting_lost_entries();
        let store = accepting.open(place.path(), key(1), Arc::new(ManualClock::new())).await.unwrap();
        holds(&store, "bystander", "the bystander's").await;
        if everything {
            intruder.execute_batch(PUT_BACK).unwrap();
            refused(&store, "victim", "put back after the loss was accepted").await;
        }
    }
}

#[tokio::test]
async fn rows_that_change_places_open_nothing() {
    for (table, column) in [("secret", "sealed"), ("data_key", "wrapped"), ("data_key", "mac"), ("data_key", "change")]
    {
        let place = Place::new();
        let (store, intruder) = two(&place).await;
        let other = |of: &str| format!("(SELECT {column} FROM old_{table} WHERE id = '{of}')");
        let moved = [("victim", "bystander"), ("bystander", "victim")]
            .map(|(id, of)| format!("UPDATE {table} SET {column} = {} WHERE id = '{id}';", other(of)));
        intruder.execute_batch(&moved.concat()).unwrap();
        for name in ["victim", "bystander"] {
            refused(&store, name, column).await;
        }
        drop(store);
        match open(&place.path(), key(1)).await {
            Ok(store) => drop(refused(&store, "victim", column).await),
            Err(error) => corrupt(&error, column),
        }
    }
    // Both rows of each under the name of the other.
    let place = Place::new();
    let (store, intruder) = two(&place).await;
    let swap = |table: &str| {
        format!(
            "UPDATE {table} SET id = 'third' WHERE id = 'victim'; UPDATE {table} SET id = 'victim' WHERE id = 'bystander';
             UPDATE {table} SET id = 'bystander' WHERE id = 'third';"
        )
    };
    intruder.execute_batch(&[swap("secret"), swap("data_key")].concat()).unwrap();
    for name in ["victim", "bystander"] {
        refused(&store, name, "all columns").await;
    }
    corrupt(&open(&place.path(), key(1)).await.unwrap_err(), "all columns");
}

#[tokio::test]
async fn whatever_is_flipped_or_cut_in_a_row_opens_nothing_and_harms_no_other() {
    let place = Place::new();
    let (store, intruder) = two(&place).await;
    for (table, column) in [("secret", "sealed"), ("data_key", "wrapped"), ("data_key", "mac")] {
        let read = format!("SELECT {column} FROM {table} WHERE id = 'victim'");
        let whole: Vec<u8> = intruder.query_row(&read, (), |row| row.get(0)).unwrap();
        let write = format!("UPDATE {table} SET {column} = ?1 WHERE id = 'victim'");
        let flipped = (0..whole.len() * 8).map(|bit| {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        });
        let cut = (0..whole.len()).map(|length| whole[..length].to_vec());
        for (number, bytes) in flipped.chain(cut).enumerate() {
            intruder.execute(&write, [bytes]).unwrap();
            refused(&store, "victim", &format!("{column} {number}")).await;
        }
        holds(&store, "bystander", "the bystander's").await;
        intruder.execute(&write, [whole]).unwrap();
        holds(&store, "victim", "the victim's").await;
    }
    for change in [-1, 0, 2, i64::MAX] {
        intruder.execute("UPDATE data_key SET change = ?1 WHERE id = 'victim'", [change]).unwrap();
        let error = store.get(&id("victim")).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{change}");
        corrupt(&open(&place.path(), key(1)).await.unwrap_err(), "a change");
    }
}

#[tokio::test]
async fn the_count_of_secrets_that_is_changed_or_gone_is_noticed() {
    for sql in [
        "UPDATE journal SET secrets = x''",
        "UPDATE journal SET secrets = randomblob(40)",
        "UPDATE journal SET secrets = substr(secrets, 1, 39)",
        "UPDATE journal SET secrets = mac",
    ] {
        let place = Place::new();
        let (store, intruder) = two(&place).await;
        intruder.execute_batch(sql).unwrap();
        corrupt(&store.get(&id("victim")).await.unwrap_err(), sql);
        corrupt(&store.put(&id("new"), &Secret::new("x")).await.unwrap_err(), sql);
        corrupt(&open(&place.path(), key(1)).await.unwrap_err(), sql);
    }
}

#[tokio::test]
async fn a_secret_of_another_database_of_the_same_key_does_not_open() {
    let (place, other) = (Place::new(), Place::new());
    let (store, intruder) = two(&place).await;
    let theirs = other.open().await;
    put(&theirs, "victim", "of the other database").await;
    intruder
        .execute_batch(&format!(
            "ATTACH '{}' AS other; UPDATE secret SET sealed = (SELECT sealed FROM other.secret) WHERE id = 'victim';
             UPDATE data_key SET (change, wrapped, mac) = (SELECT change, wrapped, mac FROM other.data_key)
             WHERE id = 'victim'",
            other.path().display()
        ))
        .unwrap();
    refused(&store, "victim", "another database").await;
    drop(store);
    let store = place.open().await;
    refused(&store, "victim", "another database").await;
}
