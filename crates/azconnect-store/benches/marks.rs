//! What the marks of the journal cost: appends, reads, and an opening, beside the same tables without marks.
//!
//! Run with `cargo bench -p azconnect-store`. It prints numbers and asserts nothing. The tables without marks are written and
//! read by plain SQL on a connection with the same settings, in the transactions that the store used before it had marks.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use azconnect_core::{Append, Epoch, Journal, Record, Sequence, StreamId};
use azconnect_store::seal::SealingKey;
use azconnect_store::{FileWitness, SqliteOptions, SqliteStore};
use azconnect_testkit::ManualClock;
use rusqlite::{Connection, TransactionBehavior, params};
use time::OffsetDateTime;

const APPENDS: u64 = 1000;
const READS: u32 = 50;

fn payload() -> String {
    "x".repeat(250)
}

fn stream(name: &str) -> StreamId {
    name.parse().unwrap()
}

fn append(name: &str, expected: u64) -> Append {
    let record = Record::new("step", payload(), OffsetDateTime::UNIX_EPOCH);
    Append::new(stream(name), Sequence(expected), Epoch(1), vec![record])
}

async fn open(path: &Path, options: SqliteOptions) -> SqliteStore {
    let key = SealingKey::from_bytes(&(0..32).collect::<Vec<u8>>()).unwrap();
    options.open(path, key, Arc::new(ManualClock::new())).await.unwrap()
}

/// The tables as they were without marks.
struct Plain(Connection);

impl Plain {
    fn open(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;
                 CREATE TABLE stream (name TEXT NOT NULL PRIMARY KEY, last INTEGER NOT NULL, epoch INTEGER NOT NULL,
                     at_rest INTEGER NOT NULL) STRICT;
                 CREATE TABLE entry (stream TEXT NOT NULL REFERENCES stream (name), sequence INTEGER NOT NULL,
                     epoch INTEGER NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL, at TEXT NOT NULL,
                     checkpoint INTEGER NOT NULL, PRIMARY KEY (stream, sequence)) STRICT;",
            )
            .unwrap();
        Self(connection)
    }

    fn append(&mut self, name: &str, expected: i64) {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let last = transaction
            .prepare_cached("SELECT last FROM stream WHERE name = ?1")
            .unwrap()
            .query_row([name], |row| row.get::<_, i64>(0))
            .unwrap_or_default();
        assert_eq!(last, expected);
        let head = "INSERT INTO stream (name, last, epoch, at_rest) VALUES (?1, ?2, 1, 0)
                    ON CONFLICT (name) DO UPDATE SET last = ?2";
        transaction.prepare_cached(head).unwrap().execute(params![name, expected + 1]).unwrap();
        let entry = "INSERT INTO entry VALUES (?1, ?2, 1, 'step', ?3, '1970-01-01T00:00:00Z', 0)";
        transaction.prepare_cached(entry).unwrap().execute(params![name, expected + 1, payload()]).unwrap();
        transaction.commit().unwrap();
    }

    fn read(&self, name: &str) -> usize {
        let sql =
            "SELECT sequence, epoch, kind, payload, at, checkpoint FROM entry WHERE stream = ?1 ORDER BY sequence";
        let mut rows = self.0.prepare_cached(sql).unwrap();
        let rows = rows.query_map([name], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?, row.get::<_, String>(4)?))
        });
        rows.unwrap().map(Result::unwrap).count()
    }
}

fn line(what: &str, plain: Duration, marked: Duration) {
    let (plain, marked) = (plain.as_secs_f64() * 1e6, marked.as_secs_f64() * 1e6);
    println!("{what:<38} {plain:>10.1} us {marked:>10.1} us {:>8.2}", marked / plain);
}

fn main() {
    // `cargo test` runs benchmarks with this argument: there is nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(compare());
}

async fn compare() {
    let folder = tempfile::tempdir().unwrap();
    let mut plain = Plain::open(&folder.path().join("plain.db"));
    let store = open(&folder.path().join("marked.db"), SqliteOptions::new()).await;
    println!("{:<38} {:>13} {:>13} {:>8}", "", "without", "with marks", "ratio");

    // By turns, so that a disk that becomes slower does so for both.
    let (mut without, mut with) = (Duration::ZERO, Duration::ZERO);
    for number in 0..APPENDS {
        let began = Instant::now();
        plain.append("stream", i64::try_from(number).unwrap());
        without += began.elapsed();
        let began = Instant::now();
        store.append(append("stream", number)).await.unwrap();
        with += began.elapsed();
    }
    let appends = u32::try_from(APPENDS).unwrap();
    line("an append", without / appends, with / appends);

    let began = Instant::now();
    for _ in 0..READS {
        assert_eq!(plain.read("stream"), 1000);
    }
    let without = began.elapsed();
    let began = Instant::now();
    for _ in 0..READS {
        assert_eq!(store.read(&stream("stream"), Sequence::START).await.unwrap().len(), 1000);
    }
    line("a read of 1,000 entries", without / READS, began.elapsed() / READS);

    let began = Instant::now();
    for _ in 0..READS {
        store.read(&stream("stream"), Sequence(APPENDS)).await.unwrap();
    }
    println!("{:<38} {:>13} {:>10.1} us", "a read of nothing new", "", (began.elapsed() / READS).as_secs_f64() * 1e6);

    let witness = Arc::new(FileWitness::new(folder.path().join("witness")));
    let path = folder.path().join("witnessed.db");
    let witnessed = open(&path, SqliteOptions::new().with_witness(witness)).await;
    let began = Instant::now();
    for number in 0..200 {
        witnessed.append(append("stream", number)).await.unwrap();
    }
    println!("{:<38} {:>13} {:>10.1} us", "an append with a witness", "", (began.elapsed() / 200).as_secs_f64() * 1e6);
    openings(folder.path()).await;
}

/// How an opening grows, by streams and by entries: the page check is the part of it that there was without marks.
async fn openings(folder: &Path) {
    for (streams, entries) in [(1, 1), (1, 10_000), (1000, 10), (10_000, 1)] {
        let path = folder.join(format!("opened-{streams}-{entries}.db"));
        let store = open(&path, SqliteOptions::new()).await;
        for number in 0..streams {
            let record = || Record::new("step", payload(), OffsetDateTime::UNIX_EPOCH);
            let records = (0..entries).map(|_| record()).collect();
            let name = stream(&format!("stream/{number}"));
            store.append(Append::new(name, Sequence::START, Epoch(1), records)).await.unwrap();
        }
        drop(store);
        let began = Instant::now();
        let connection = Connection::open(&path).unwrap();
        let _: String = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0)).unwrap();
        let checked = began.elapsed();
        let began = Instant::now();
        open(&path, SqliteOptions::new()).await;
        let what = format!("opening {streams} x {entries} (page check | all)");
        line(&what, checked, began.elapsed());
    }
}
