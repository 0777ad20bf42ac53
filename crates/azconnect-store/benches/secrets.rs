//! What a data key for each secret, and the count of all secrets, cost: a put, a get and a removal, beside the same rows
//! sealed with the sealing key itself and counted nowhere.
//!
//! Run with `cargo bench -p azconnect-store --bench secrets`. It prints numbers and asserts nothing. The rows without data keys
//! are written and read by plain SQL on a connection with the same settings, in the transactions that the store used before.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use azconnect_core::{Secret, SecretId, SecretStore};
use azconnect_store::SqliteStore;
use azconnect_store::seal::{SealingKey, SealingKeys};
use azconnect_testkit::ManualClock;
use rusqlite::{Connection, TransactionBehavior, params};

const SECRETS: u32 = 500;

fn key() -> SealingKey {
    SealingKey::from_bytes(&(0..32).collect::<Vec<u8>>()).unwrap()
}

fn id(number: u32) -> SecretId {
    format!("connection/contoso/{number:05}").parse().unwrap()
}

/// The rows as they were without data keys.
struct Plain {
    connection: Connection,
    keys: SealingKeys,
}

impl Plain {
    fn open(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
                 CREATE TABLE secret (id TEXT NOT NULL PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
                 CREATE TABLE sealing_key (id TEXT NOT NULL PRIMARY KEY, proof BLOB NOT NULL) STRICT;",
            )
            .unwrap();
        Self { connection, keys: SealingKeys::new(key()) }
    }

    fn find(connection: &Connection, id: &SecretId) -> Option<Vec<u8>> {
        connection.query_row("SELECT sealed FROM secret WHERE id = ?1", [id.as_str()], |row| row.get(0)).ok()
    }

    fn put(&mut self, id: &SecretId, secret: &Secret) {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        assert!(Self::find(&transaction, id).is_none());
        let sealed = self.keys.seal("secret", id.as_str(), secret).unwrap();
        let proof = self.keys.seal("proof", "key", &Secret::new("proof")).unwrap();
        let note = "INSERT INTO sealing_key VALUES ('key', ?1) ON CONFLICT DO NOTHING";
        transaction.execute(note, [proof]).unwrap();
        transaction.execute("INSERT INTO secret VALUES (?1, ?2)", params![id.as_str(), sealed]).unwrap();
        transaction.commit().unwrap();
    }

    fn get(&self, id: &SecretId) -> Secret {
        self.keys.open("secret", id.as_str(), &Self::find(&self.connection, id).unwrap()).unwrap()
    }

    fn remove(&self, id: &SecretId) {
        self.connection.execute("DELETE FROM secret WHERE id = ?1", [id.as_str()]).unwrap();
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
    }
}

fn line(what: &str, before: Duration, after: Duration) {
    let (before, after) = (before.as_secs_f64() * 1e6, after.as_secs_f64() * 1e6);
    println!("{what:<34} {before:>10.1} us {after:>10.1} us {:>8.2}", after / before);
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
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path, key(), Arc::new(ManualClock::new())).await.unwrap();
    let secret = Secret::new("Emu8Q~a.secret.of.this.example.only_0001");
    println!("{:<34} {:>13} {:>13} {:>8}", "", "before", "data keys", "ratio");

    // By turns, so that a disk that becomes slower does so for both.
    let mut spent = [Duration::ZERO; 6];
    let [put_before, put_after, get_before, get_after, remove_before, remove_after] = &mut spent;
    let timed = |total: &mut Duration, began: Instant| *total += began.elapsed();
    for number in 0..SECRETS {
        let began = Instant::now();
        plain.put(&id(number), &secret);
        timed(put_before, began);
        let began = Instant::now();
        store.put(&id(number), &secret).await.unwrap();
        timed(put_after, began);
    }
    for number in 0..SECRETS {
        let began = Instant::now();
        plain.get(&id(number));
        timed(get_before, began);
        let began = Instant::now();
        store.get(&id(number)).await.unwrap();
        timed(get_after, began);
    }
    for number in 0..SECRETS / 5 {
        let began = Instant::now();
        plain.remove(&id(number));
        timed(remove_before, began);
        let began = Instant::now();
        store.remove(&id(number)).await.unwrap();
        timed(remove_after, began);
    }
    line("a put", *put_before / SECRETS, *put_after / SECRETS);
    line("a get", *get_before / SECRETS, *get_after / SECRETS);
    line("a removal", *remove_before / (SECRETS / 5), *remove_after / (SECRETS / 5));
    drop(store);

    let new = SealingKey::from_bytes(&(1..33).collect::<Vec<u8>>()).unwrap();
    let both = SealingKeys::new(new).with_previous(key());
    let began = Instant::now();
    let store = SqliteStore::open(&path, both, Arc::new(ManualClock::new())).await.unwrap();
    println!("{:<34} {:>13} {:>10.1} us", "an opening of 400 secrets", "", began.elapsed().as_secs_f64() * 1e6);
    let began = Instant::now();
    let count = store.reseal().await.unwrap();
    let each = began.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(count).unwrap());
    println!("{:<34} {:>13} {each:>10.1} us", "a change of the key, each secret", "");
}
