//! Streams that are gone, or were taken back to what they had been.

use std::sync::Arc;

use azconnect_core::{Journal, Sequence};
use azconnect_store::SqliteOptions;
use azconnect_testkit::ManualClock;
use rusqlite::Connection;

use super::tamper::{add, corrupt, filled, id, intruder, rows};
use super::{Place, key, open};

/// Rows of the journal at an earlier moment, to be put back later.
fn keep(place: &Place) -> Connection {
    let connection = intruder(&place.path());
    connection
        .execute_batch(
            "CREATE TEMP TABLE old_entry AS SELECT * FROM entry; CREATE TEMP TABLE old_stream AS SELECT * FROM stream;
             CREATE TEMP TABLE old_journal AS SELECT * FROM journal; CREATE TEMP TABLE old_aside AS SELECT * FROM aside;",
        )
        .unwrap();
    connection
}

const PUT_BACK_VICTIM: &str = "DELETE FROM entry WHERE stream = 'victim'; DELETE FROM stream WHERE name = 'victim';
     INSERT INTO entry SELECT * FROM old_entry WHERE stream = 'victim';
     INSERT INTO stream SELECT * FROM old_stream WHERE name = 'victim'";

#[tokio::test]
async fn a_set_aside_stream_that_is_put_back_shows() {
    for begun in [false, true] {
        let place = Place::new();
        let store = filled(&place).await;
        let old = keep(&place);
        let damage = "UPDATE stream SET epoch = 1 WHERE name = 'victim'";
        old.execute_batch(damage).unwrap();
        store.set_aside(&id("victim")).await.unwrap();
        if begun {
            add(&store, "victim", 0, false).await.unwrap();
        }
        old.execute_batch(&format!("{PUT_BACK_VICTIM}; DELETE FROM aside")).unwrap();
        corrupt(&store.read(&id("victim"), Sequence::START).await.unwrap_err(), "put back");
        corrupt(&open(&place.path(), key(1)).await.unwrap_err(), "put back");
    }
}

#[tokio::test]
async fn a_stream_that_is_taken_back_shows_in_every_process() {
    let place = Place::new();
    let store = filled(&place).await;
    let old = keep(&place);
    let late = place.open().await;
    add(&store, "victim", 4, true).await.unwrap();
    add(&store, "victim", 5, true).await.unwrap();
    old.execute_batch(PUT_BACK_VICTIM).unwrap();
    let before = rows(&place.path());
    corrupt(&store.read(&id("victim"), Sequence::START).await.unwrap_err(), "the writer");
    corrupt(&add(&store, "victim", 4, true).await.unwrap_err(), "the writer");
    // A process that had not looked since learns it from the totals.
    corrupt(&late.read(&id("victim"), Sequence::START).await.unwrap_err(), "another process");
    corrupt(&late.unfinished().await.unwrap_err(), "another process");
    let error = open(&place.path(), key(1)).await.unwrap_err();
    corrupt(&error, "a new process");
    assert!(error.message().contains("has lost 2 entries"), "{error}");
    assert_eq!(rows(&place.path()), before);
}

#[tokio::test]
async fn a_stream_that_is_deleted_without_a_trace_shows() {
    for stream in ["victim", "resting"] {
        let place = Place::new();
        let store = filled(&place).await;
        drop(place.open().await);
        let delete = format!("DELETE FROM entry WHERE stream = '{stream}'; DELETE FROM stream WHERE name = '{stream}'");
        intruder(&place.path()).execute_batch(&delete).unwrap();
        let before = rows(&place.path());
        corrupt(&store.read(&id(stream), Sequence::START).await.unwrap_err(), "deleted");
        corrupt(&add(&store, stream, 0, false).await.unwrap_err(), "deleted");
        assert!(store.unfinished().await.unwrap().contains(&id(stream)), "nobody learns of it");
        assert_eq!(store.read(&id("bystander"), Sequence::START).await.unwrap().len(), 1);
        let files = std::fs::read(place.path()).unwrap();
        let error = open(&place.path(), key(1)).await.unwrap_err();
        corrupt(&error, "deleted");
        assert!(error.message().contains("has lost"), "{error}");
        assert!(error.advice().contains("accepting_lost_entries"), "{}", error.advice());
        assert_eq!(std::fs::read(place.path()).unwrap(), files);
        assert_eq!(rows(&place.path()), before);
        // The process that knew it can tell whose the entries were.
        store.set_aside(&id(stream)).await.unwrap();
        place.open().await;
    }
}

#[tokio::test]
async fn streams_that_make_up_for_each_other_show() {
    // One is gone, and as many entries as it had are put in elsewhere.
    let place = Place::new();
    let store = filled(&place).await;
    drop(store);
    intruder(&place.path())
        .execute_batch(
            "DELETE FROM entry WHERE stream = 'other'; DELETE FROM stream WHERE name = 'other';
             INSERT INTO stream SELECT 'twin', last, epoch, at_rest, number, change, entry, mac FROM stream
             WHERE name = 'victim' LIMIT 1;
             UPDATE stream SET last = 3 WHERE name = 'twin'",
        )
        .unwrap();
    let error = open(&place.path(), key(1)).await.unwrap_err();
    corrupt(&error, "made up for");
    assert!(error.message().contains("twin"), "{error}");
}

#[tokio::test]
async fn what_was_set_aside_makes_up_for_nothing_that_is_gone() {
    const DELETE_OTHER: &str = "DELETE FROM entry WHERE stream = 'other'; DELETE FROM stream WHERE name = 'other'";
    // A stream that was set aside is put back beside its record, in the place of one with as many entries.
    let place = Place::new();
    let store = filled(&place).await;
    add(&store, "other", 3, false).await.unwrap();
    let old = keep(&place);
    old.execute_batch("UPDATE stream SET epoch = 1 WHERE name = 'victim'").unwrap();
    store.set_aside(&id("victim")).await.unwrap();
    old.execute_batch(&format!("{PUT_BACK_VICTIM}; {DELETE_OTHER}")).unwrap();
    corrupt(&open(&place.path(), key(1)).await.unwrap_err(), "put back for another");
    // A record that says so is forged for a stream that is gone.
    let place = Place::new();
    drop(filled(&place).await);
    let forged = format!(
        "INSERT INTO aside SELECT 99, name, number, last - 1, '2026-01-01T00:00:00Z', mac FROM stream
         WHERE name = 'other'; {DELETE_OTHER}"
    );
    intruder(&place.path()).execute_batch(&forged).unwrap();
    corrupt(&open(&place.path(), key(1)).await.unwrap_err(), "a forged record");
}

#[tokio::test]
async fn a_whole_journal_that_is_taken_back_shows_in_the_processes_that_saw_more() {
    let place = Place::new();
    let store = filled(&place).await;
    let old = keep(&place);
    add(&store, "victim", 4, false).await.unwrap();
    old.execute_batch(
        "DELETE FROM entry; DELETE FROM stream; DELETE FROM journal; INSERT INTO stream SELECT * FROM old_stream;
         INSERT INTO entry SELECT * FROM old_entry; INSERT INTO journal SELECT * FROM old_journal",
    )
    .unwrap();
    let before = rows(&place.path());
    let error = store.read(&id("victim"), Sequence::START).await.unwrap_err();
    corrupt(&error, "taken back");
    assert!(error.message().contains("older than what this process has seen"), "{error}");
    corrupt(&add(&store, "victim", 4, false).await.unwrap_err(), "taken back");
    corrupt(&store.unfinished().await.unwrap_err(), "taken back");
    assert_eq!(rows(&place.path()), before);
    // Nothing in the database tells a later process: that takes a witness.
    assert_eq!(place.open().await.read(&id("victim"), Sequence::START).await.unwrap().len(), 4);
}

#[tokio::test]
async fn lost_entries_are_accepted_only_by_name_and_cannot_be_put_back() {
    let place = Place::new();
    drop(filled(&place).await);
    let old = keep(&place);
    old.execute_batch(
        "DELETE FROM entry WHERE stream = 'other'; DELETE FROM stream WHERE name = 'other';
         UPDATE entry SET payload = '{}' WHERE stream = 'victim' AND sequence = 2",
    )
    .unwrap();
    corrupt(&open(&place.path(), key(1)).await.unwrap_err(), "lost");
    let options = SqliteOptions::new().accepting_lost_entries();
    let store = options.open(place.path(), key(1), Arc::new(ManualClock::new())).await.unwrap();
    assert!(store.read(&id("other"), Sequence::START).await.unwrap().is_empty());
    assert_eq!(store.read(&id("resting"), Sequence::START).await.unwrap().len(), 2);
    corrupt(&store.read(&id("victim"), Sequence::START).await.unwrap_err(), "what is damaged stays so");
    drop(store);
    let store = place.open().await;
    store.set_aside(&id("victim")).await.unwrap();
    add(&store, "other", 0, false).await.unwrap();
    old.execute_batch(
        "DELETE FROM entry WHERE stream = 'other'; DELETE FROM stream WHERE name = 'other';
         INSERT INTO entry SELECT * FROM old_entry WHERE stream = 'other';
         INSERT INTO stream SELECT * FROM old_stream WHERE name = 'other'",
    )
    .unwrap();
    corrupt(&store.read(&id("other"), Sequence::START).await.unwrap_err(), "put back");
    corrupt(&open(&place.path(), key(1)).await.unwrap_err(), "put back");
}
