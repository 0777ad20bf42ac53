//! What somebody writes into the database who does not have the key.

use std::path::Path;
use std::sync::Arc;

use azconnect_core::{
    Append, Clock, Effect, Epoch, Error, ErrorKind, Integrity, Journal, Lease, Record, Secret, SecretStore, Sequence,
    StreamId,
};
use azconnect_store::seal::SealingKeys;
use azconnect_store::{SqliteOptions, SqliteStore};
use azconnect_testkit::ManualClock;
use rusqlite::{Connection, Row};

use super::{Place, key, open};

pub(super) fn id(name: &str) -> StreamId {
    name.parse().unwrap()
}

/// Long enough for pages of its own.
fn payload(number: u64) -> String {
    format!("{{\"number\":{number},\"text\":\"{}\"}}", "x".repeat(9000))
}

pub(super) async fn add(store: &SqliteStore, stream: &str, expected: u64, at_rest: bool) -> Result<Sequence, Error> {
    let at = ManualClock::new().now();
    let record = match expected {
        1 => Record::checkpoint("frozen", payload(expected), at),
        _ => Record::new("step", payload(expected), at),
    };
    store
        .append(Append::new(id(stream), Sequence(expected), Epoch(3 + expected), vec![record]).with_at_rest(at_rest))
        .await
}

/// Four streams: `victim` of four entries, the second of which is a checkpoint; `other` of three; `resting` of two, which is
/// at rest; `bystander` of one.
pub(super) async fn filled(place: &Place) -> SqliteStore {
    let store = place.open().await;
    for (stream, count) in [("victim", 4), ("other", 3), ("resting", 2), ("bystander", 1)] {
        for expected in 0..count {
            add(&store, stream, expected, stream == "resting").await.unwrap();
        }
    }
    store
}

/// Somebody who can write the file and is stopped by no check of the tables.
pub(super) fn intruder(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    connection
}

/// All rows of all tables of the journal.
pub(super) fn rows(path: &Path) -> Vec<Vec<String>> {
    let connection = Connection::open(path).unwrap();
    let tables = ["entry", "stream", "journal", "aside", "aside_entry", "sealing_key"];
    let mut all = Vec::new();
    for table in tables {
        let Ok(mut query) = connection.prepare(&format!("SELECT * FROM {table}")) else { continue };
        let width = query.column_count();
        let text = |row: &Row<'_>, column| row.get_ref(column).map(|value| format!("{value:?}"));
        let found = query.query_map((), |row| (0..width).map(|column| text(row, column)).collect()).unwrap();
        all.extend(found.map(Result::unwrap).collect::<Vec<_>>());
    }
    all
}

pub(super) fn corrupt(error: &Error, about: &str) {
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{about}: {error:?}");
    assert!(!error.advice().is_empty(), "{about}");
}

/// What notices that a stream was changed.
#[derive(Clone, Copy, PartialEq)]
enum Notices {
    /// Who reads the entry.
    Reader,
    /// Who reads or appends, and whoever asks what is unfinished still learns of the stream.
    All,
}
use Notices::{All, Reader};

/// One change by somebody without the key, which harms the stream `victim` alone.
const CHANGES: &[(&str, Notices, &str)] = &[
    ("an entry's payload", Reader, "UPDATE entry SET payload = '{}' WHERE stream = 'victim' AND sequence = 3"),
    (
        "an entry's payload that is no text",
        Reader,
        "UPDATE entry SET payload = CAST(x'ff00' AS TEXT) WHERE stream = 'victim' AND sequence = 3",
    ),
    ("an entry's kind", Reader, "UPDATE entry SET kind = 'minted' WHERE stream = 'victim' AND sequence = 3"),
    (
        "an entry's moment",
        Reader,
        "UPDATE entry SET at = '2020-01-01T00:00:00Z' WHERE stream = 'victim' AND sequence = 3",
    ),
    ("an entry's moment that is none", Reader, "UPDATE entry SET at = 'noon' WHERE stream = 'victim' AND sequence = 3"),
    ("an entry's epoch", Reader, "UPDATE entry SET epoch = 1 WHERE stream = 'victim' AND sequence = 3"),
    ("an entry's negative epoch", Reader, "UPDATE entry SET epoch = -1 WHERE stream = 'victim' AND sequence = 3"),
    ("an entry's mark", Reader, "UPDATE entry SET mac = randomblob(40) WHERE stream = 'victim' AND sequence = 3"),
    ("no mark", Reader, "UPDATE entry SET mac = x'' WHERE stream = 'victim' AND sequence = 3"),
    ("an entry made a checkpoint", Reader, "UPDATE entry SET checkpoint = 1 WHERE stream = 'victim' AND sequence = 3"),
    ("a checkpoint made an entry", Reader, "UPDATE entry SET checkpoint = 0 WHERE stream = 'victim' AND sequence = 2"),
    ("an entry cut out", Reader, "DELETE FROM entry WHERE stream = 'victim' AND sequence = 2"),
    (
        "an entry cut out, and the rest moved up",
        All,
        "DELETE FROM entry WHERE stream = 'victim' AND sequence = 3;
         UPDATE entry SET sequence = 3 WHERE stream = 'victim' AND sequence = 4",
    ),
    (
        "two entries exchanged",
        All,
        "UPDATE entry SET sequence = 99 WHERE stream = 'victim' AND sequence = 3;
         UPDATE entry SET sequence = 3 WHERE stream = 'victim' AND sequence = 4;
         UPDATE entry SET sequence = 4 WHERE stream = 'victim' AND sequence = 99",
    ),
    ("the last payload", All, "UPDATE entry SET payload = '{}' WHERE stream = 'victim' AND sequence = 4"),
    (
        "an entry from another stream",
        All,
        "DELETE FROM entry WHERE stream = 'victim' AND sequence = 3;
         INSERT INTO entry SELECT 'victim', sequence, epoch, kind, payload, at, checkpoint, mac
         FROM entry WHERE stream = 'other' AND sequence = 3",
    ),
    (
        "an entry twice",
        All,
        "INSERT INTO entry SELECT stream, 5, epoch, kind, payload, at, checkpoint, mac
         FROM entry WHERE stream = 'victim' AND sequence = 4",
    ),
    (
        "an entry twice, and counted",
        All,
        "INSERT INTO entry SELECT stream, 5, epoch, kind, payload, at, checkpoint, mac
         FROM entry WHERE stream = 'victim' AND sequence = 4;
         UPDATE stream SET last = 5 WHERE name = 'victim'",
    ),
    ("a head's last position", All, "UPDATE stream SET last = 3 WHERE name = 'victim'"),
    ("a head's epoch", All, "UPDATE stream SET epoch = 1 WHERE name = 'victim'"),
    ("a head's rest", All, "UPDATE stream SET at_rest = 1 WHERE name = 'victim'"),
    ("a head's number", All, "UPDATE stream SET number = 9 WHERE name = 'victim'"),
    ("a head's change", All, "UPDATE stream SET change = 1 WHERE name = 'victim'"),
    ("a head's mark of the last entry", All, "UPDATE stream SET entry = randomblob(40) WHERE name = 'victim'"),
    ("a head's mark", All, "UPDATE stream SET mac = randomblob(40) WHERE name = 'victim'"),
    (
        "another stream's head",
        All,
        "UPDATE stream SET (number, last, epoch, at_rest, change, entry, mac) =
             (SELECT number, last, epoch, at_rest, change, entry, mac FROM stream WHERE name = 'other')
         WHERE name = 'victim'",
    ),
    ("no head", All, "DELETE FROM stream WHERE name = 'victim'"),
    ("a cut end", All, "DELETE FROM entry WHERE stream = 'victim' AND sequence = 4"),
];

#[tokio::test]
async fn whatever_is_changed_in_a_stream_is_noticed_and_nothing_is_done() {
    for (about, notices, sql) in CHANGES {
        let place = Place::new();
        let store = filled(&place).await;
        intruder(&place.path()).execute_batch(sql).unwrap();
        let before = rows(&place.path());
        // In the process that wrote it, and in one that comes later.
        for store in [store, place.open().await] {
            let error = store.read(&id("victim"), Sequence::START).await.expect_err(about);
            corrupt(&error, about);
            assert!(error.message().contains("victim"), "{about}: {error}");
            assert!(error.advice().contains("set_aside"), "{about}: {}", error.advice());
            corrupt(&store.latest(&id("victim")).await.expect_err(about), about);
            assert!(store.unfinished().await.unwrap().contains(&id("victim")), "{about}: it was taken out");
            if *notices == All {
                corrupt(&add(&store, "victim", 4, false).await.expect_err(about), about);
                corrupt(&add(&store, "victim", 3, false).await.expect_err(about), about);
            }
            assert_eq!(rows(&place.path()), before, "{about}: something was written");
            assert_eq!(store.read(&id("bystander"), Sequence::START).await.unwrap().len(), 1, "{about}");
            assert_eq!(store.unfinished().await.unwrap(), ["bystander", "other", "victim"].map(id), "{about}");
        }
        let store = place.open().await;
        add(&store, "bystander", 1, false).await.expect(about);
        let resealing = open(&place.path(), SealingKeys::new(key(2)).with_previous(key(1))).await.unwrap();
        corrupt(&resealing.reseal().await.expect_err(about), about);
    }
}

#[tokio::test]
async fn a_stream_that_was_set_aside_begins_anew_and_stays_aside() {
    for (about, _, sql) in CHANGES {
        let place = Place::new();
        let store = filled(&place).await;
        let others_view = place.open().await;
        intruder(&place.path()).execute_batch(sql).unwrap();
        // By the process that wrote it, or by one that comes later and has less to go by.
        let store = if about.len() % 2 == 0 { store } else { place.open().await };
        let heads = Connection::open(place.path()).unwrap();
        let kept: i64 =
            heads.query_row("SELECT count(*) FROM entry WHERE stream = 'victim'", (), |row| row.get(0)).unwrap();
        store.set_aside(&id("victim")).await.expect(about);
        for store in [&store, &others_view, &place.open().await] {
            assert!(store.read(&id("victim"), Sequence::START).await.unwrap().is_empty(), "{about}");
            assert_eq!(store.unfinished().await.unwrap(), ["bystander", "other"].map(id), "{about}");
        }
        let aside: i64 = heads.query_row("SELECT count(*) FROM aside_entry", (), |row| row.get(0)).unwrap();
        assert_eq!(aside, kept, "{about}: entries were not kept");
        add(&store, "victim", 0, false).await.expect(about);
        assert_eq!(others_view.read(&id("victim"), Sequence::START).await.unwrap().len(), 1, "{about}");
        drop((store, others_view));
        let store = place.open().await;
        assert_eq!(store.read(&id("victim"), Sequence::START).await.unwrap().len(), 1, "{about}");
        assert_eq!(store.reseal().await.expect(about), 0);
    }
}

#[tokio::test]
async fn only_a_damaged_stream_is_set_aside() {
    let place = Place::new();
    let store = filled(&place).await;
    let before = rows(&place.path());
    for stream in ["victim", "resting", "unknown"] {
        let error = store.set_aside(&id(stream)).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("stream")), "{error}");
    }
    assert_eq!(rows(&place.path()), before);
}

#[tokio::test]
async fn a_stream_that_was_never_written_is_refused_alone() {
    let place = Place::new();
    let store = filled(&place).await;
    intruder(&place.path())
        .execute_batch(
            "INSERT INTO stream SELECT 'forged', last, epoch, at_rest, number, change, entry, mac FROM stream
             WHERE name = 'victim';
             INSERT INTO entry SELECT 'forged', sequence, epoch, kind, payload, at, checkpoint, mac FROM entry
             WHERE stream = 'victim';
             INSERT INTO entry SELECT 'headless', sequence, epoch, kind, payload, at, checkpoint, mac FROM entry
             WHERE stream = 'victim'",
        )
        .unwrap();
    for store in [store, place.open().await] {
        for stream in ["forged", "headless"] {
            corrupt(&store.read(&id(stream), Sequence::START).await.unwrap_err(), stream);
            corrupt(&add(&store, stream, 0, false).await.unwrap_err(), stream);
        }
        assert_eq!(store.read(&id("victim"), Sequence::START).await.unwrap().len(), 4);
    }
    let store = place.open().await;
    store.set_aside(&id("forged")).await.unwrap();
    store.set_aside(&id("headless")).await.unwrap();
    add(&place.open().await, "forged", 0, false).await.unwrap();
}

/// One change of what belongs to the whole journal.
const OF_THE_WHOLE: &[&str] = &[
    "UPDATE journal SET id = randomblob(16)",
    "UPDATE journal SET id = x''",
    "UPDATE journal SET changes = changes + 1",
    "UPDATE journal SET changes = -1",
    "UPDATE journal SET trace = randomblob(40)",
    "UPDATE journal SET streams = streams + 1",
    "UPDATE journal SET entries = entries - 1",
    "UPDATE journal SET mac = randomblob(40)",
    "UPDATE journal SET mac = x''",
    "UPDATE journal SET mac = CAST(x'00' || substr(mac, 2) AS BLOB)",
    "UPDATE entry SET sequence = 0 WHERE stream = 'victim' AND sequence = 4",
    "DELETE FROM journal",
    "DROP TABLE journal",
    "DROP TABLE stream",
    "ALTER TABLE entry DROP COLUMN mac",
    "ALTER TABLE stream DROP COLUMN mac",
    "DELETE FROM stream",
    "DELETE FROM entry; DELETE FROM stream",
    "DELETE FROM entry; DELETE FROM stream; DELETE FROM journal",
];

#[tokio::test]
async fn whatever_is_changed_of_the_whole_journal_is_noticed_and_nothing_is_done() {
    for sql in OF_THE_WHOLE {
        let place = Place::new();
        let store = filled(&place).await;
        intruder(&place.path()).execute_batch(sql).unwrap();
        let before = rows(&place.path());
        corrupt(&store.read(&id("victim"), Sequence::START).await.expect_err(sql), sql);
        corrupt(&add(&store, "victim", 4, false).await.expect_err(sql), sql);
        assert_eq!(rows(&place.path()), before, "{sql}: something was written");
        drop(store);
        match open(&place.path(), key(1)).await {
            Err(error) => corrupt(&error, sql),
            Ok(store) => corrupt(&store.read(&id("victim"), Sequence::START).await.expect_err(sql), sql),
        }
        assert_eq!(rows(&place.path()), before, "{sql}: something was written");
    }
}

#[tokio::test]
async fn a_database_that_is_made_to_look_old_is_refused() {
    for sql in [
        "PRAGMA user_version = 2",
        "PRAGMA user_version = 1",
        "DROP TABLE journal; DROP TABLE aside_entry; DROP TABLE aside; DROP INDEX stream_change;
         ALTER TABLE entry DROP COLUMN mac; ALTER TABLE stream DROP COLUMN mac; ALTER TABLE stream DROP COLUMN entry;
         ALTER TABLE stream DROP COLUMN change; ALTER TABLE stream DROP COLUMN number;
         UPDATE entry SET payload = '{}'; PRAGMA user_version = 2",
        "DELETE FROM entry; DELETE FROM stream; DROP TABLE journal; PRAGMA user_version = 2",
    ] {
        let place = Place::new();
        drop(filled(&place).await);
        intruder(&place.path()).execute_batch(sql).unwrap();
        let before = std::fs::read(place.path()).unwrap();
        corrupt(&open(&place.path(), key(1)).await.expect_err(sql), sql);
        // A person who consents is not misled either.
        let trusting = SqliteOptions::new().trusting_old_journal();
        let error = trusting.open(place.path(), key(1), Arc::new(ManualClock::new())).await.expect_err(sql);
        corrupt(&error, sql);
        assert!(error.message().contains("made to look like"), "{error}");
        assert_eq!(std::fs::read(place.path()).unwrap(), before);
    }
}

#[tokio::test]
async fn rows_of_another_database_of_the_same_key_do_not_count() {
    let (place, donor) = (Place::new(), Place::new());
    let store = filled(&place).await;
    drop(filled(&donor).await);
    let intruder = intruder(&place.path());
    intruder.execute("ATTACH ?1 AS donor", [donor.path().to_str().unwrap()]).unwrap();
    let exchange = "DELETE FROM entry WHERE stream = 'victim'; DELETE FROM stream WHERE name = 'victim';
         INSERT INTO entry SELECT * FROM donor.entry WHERE stream = 'victim';
         INSERT INTO stream SELECT * FROM donor.stream WHERE name = 'victim'";
    intruder.execute_batch(exchange).unwrap();
    corrupt(&store.read(&id("victim"), Sequence::START).await.unwrap_err(), "exchanged");
    let error = open(&place.path(), key(1)).await.unwrap_err();
    corrupt(&error, "exchanged");
    assert!(error.message().contains("victim"), "{error}");
}

#[tokio::test]
async fn a_bit_that_flips_in_a_payload_on_a_page_of_its_own_shows() {
    let place = Place::new();
    let store = filled(&place).await;
    store.append(super::append("deep", 0, &"marker of the payload ".repeat(900))).await.unwrap();
    drop(store);
    let whole = std::fs::read(place.path()).unwrap();
    // Near its end, far from the row's own page.
    let text = b"marker of the payload ";
    let at = whole.windows(text.len()).rposition(|window| window == text).unwrap();
    for (byte, bit) in [(at, 0), (at + 3, 1), (at + 3, 7)] {
        let mut broken = whole.clone();
        broken[byte] ^= 1 << bit;
        std::fs::write(place.path(), broken).unwrap();
        let store = place.open().await;
        let error = store.read(&id("deep"), Sequence::START).await.unwrap_err();
        corrupt(&error, "a flipped bit");
        assert!(error.message().contains("deep: entry 1"), "{error}");
        assert_eq!(store.read(&id("victim"), Sequence::START).await.unwrap().len(), 4);
    }
}

#[tokio::test]
async fn a_journal_outlives_the_change_of_its_key() {
    let place = Place::new();
    let first = filled(&place).await;
    let both = || SealingKeys::new(key(2)).with_previous(key(1));
    let store = open(&place.path(), both()).await.unwrap();
    add(&store, "victim", 4, false).await.unwrap();
    assert_eq!(store.read(&id("victim"), Sequence::START).await.unwrap().len(), 5);
    // Marked with both keys by now: either alone is told so.
    for alone in [1, 2] {
        assert!(open(&place.path(), key(alone)).await.unwrap_err().to_string().contains("another key"), "{alone}");
    }
    let error = first.read(&id("victim"), Sequence::START).await.unwrap_err();
    assert!(error.message().contains("with another key"), "{error}");
    let beside = open(&place.path(), both()).await.unwrap();
    store.reseal().await.unwrap();
    assert_eq!(beside.read(&id("victim"), Sequence::START).await.unwrap().len(), 5, "a process beside the change");
    drop((store, beside, first));
    let store = open(&place.path(), key(2)).await.unwrap();
    assert_eq!(store.read(&id("victim"), Sequence::START).await.unwrap().len(), 5);
    add(&store, "victim", 5, true).await.unwrap();
    assert_eq!(store.unfinished().await.unwrap(), ["bystander", "other"].map(id));
}

#[tokio::test]
async fn a_forged_lease_lets_no_two_writers_append() {
    let place = Place::new();
    let store = place.open().await;
    let (lease, term) = ("application/1".parse().unwrap(), std::time::Duration::from_secs(60));
    let first = store.acquire(&lease, "first", term).await.unwrap();
    let second = store.acquire(&lease, "first", term).await.unwrap();
    let by = |epoch: Epoch, expected: u64| {
        let record = Record::new("step", "{}", ManualClock::new().now());
        store.append(Append::new(id("victim"), Sequence(expected), epoch, vec![record]))
    };
    by(second.epoch, 0).await.unwrap();
    // Taken from its holder, and set back: another gets an epoch that was given before.
    let intruder = intruder(&place.path());
    intruder.execute("UPDATE lease SET holder = NULL, expires_at = NULL, epoch = epoch - 2", ()).unwrap();
    let stale = store.acquire(&lease, "forged", term).await.unwrap();
    assert_eq!(stale.epoch, first.epoch);
    assert_eq!(by(stale.epoch, 1).await.unwrap_err().field(), Some("epoch"), "a lower epoch appends");
    intruder.execute("UPDATE lease SET holder = NULL, expires_at = NULL", ()).unwrap();
    let same = store.acquire(&lease, "forged", term).await.unwrap();
    assert_eq!(same.epoch, second.epoch);
    // Both believe that they hold it. One position is written by one of them.
    let outcomes = [by(same.epoch, 1).await, by(second.epoch, 1).await];
    assert!(outcomes[0].is_ok(), "{outcomes:?}");
    assert_eq!(outcomes[1].as_ref().unwrap_err().field(), Some("expected"));
    // The epoch that the stream has seen cannot be lowered either.
    intruder.execute("UPDATE stream SET epoch = 0", ()).unwrap();
    corrupt(&by(first.epoch, 2).await.unwrap_err(), "the stream's epoch");
}

#[tokio::test]
async fn a_forged_epoch_does_not_end_a_stream_for_good() {
    let place = Place::new();
    let store = place.open().await;
    let (lease, term) = ("application/1".parse().unwrap(), std::time::Duration::from_secs(60));
    let by = |epoch: Epoch, expected: u64| {
        let record = Record::new("step", "{}", ManualClock::new().now());
        store.append(Append::new(id("victim"), Sequence(expected), epoch, vec![record]))
    };
    by(store.acquire(&lease, "first", term).await.unwrap().epoch, 0).await.unwrap();
    let intruder = intruder(&place.path());
    intruder.execute("UPDATE lease SET holder = NULL, expires_at = NULL, epoch = 9223372036854775000", ()).unwrap();
    let far = store.acquire(&lease, "first", term).await.unwrap();
    let error = by(far.epoch, 1).await.unwrap_err();
    assert_eq!((error.kind(), error.effect(), error.field()), (ErrorKind::Corrupt, Effect::None, Some("epoch")));
    // Set right again as the advice says, the stream goes on.
    let right = "UPDATE lease SET holder = NULL, expires_at = NULL, epoch = (SELECT epoch FROM stream)";
    intruder.execute(right, ()).unwrap();
    by(store.acquire(&lease, "second", term).await.unwrap().epoch, 1).await.unwrap();
}

#[tokio::test]
async fn a_sealed_row_opens_in_its_own_table_and_name_only() {
    let place = Place::new();
    let store = place.open().await;
    let (one, two) = ("one".parse().unwrap(), "two".parse().unwrap());
    store.put(&one, &Secret::new("s3cr3t")).await.unwrap();
    store.put(&two, &Secret::new("another")).await.unwrap();
    let intruder = intruder(&place.path());
    // Between names, and from the table of keys, whose name it takes as well.
    for sql in [
        "UPDATE secret SET sealed = (SELECT sealed FROM secret WHERE id = 'two') WHERE id = 'one'",
        "UPDATE secret SET sealed = (SELECT proof FROM sealing_key) WHERE id = 'one'",
    ] {
        intruder.execute_batch(sql).unwrap();
        corrupt(&store.get(&one).await.unwrap_err(), sql);
    }
    let key_id: String = intruder.query_row("SELECT id FROM sealing_key", (), |row| row.get(0)).unwrap();
    intruder.execute_batch("INSERT INTO secret SELECT id, proof FROM sealing_key").unwrap();
    corrupt(&store.get(&key_id.parse().unwrap()).await.unwrap_err(), "a proof as a secret");
    intruder.execute_batch("UPDATE sealing_key SET proof = (SELECT sealed FROM secret WHERE id = 'two')").unwrap();
    corrupt(&open(&place.path(), key(1)).await.unwrap_err(), "a secret as a proof");
}

#[tokio::test]
async fn the_store_says_that_its_journal_is_authenticated() {
    let place = Place::new();
    assert_eq!(place.open().await.integrity(), Integrity::Authenticated);
    assert_eq!(azconnect_store::MemoryJournal::new().integrity(), Integrity::None);
}
