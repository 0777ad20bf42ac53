//! The store in SQLite.

mod conforms;
mod data_keys;
mod documents;
mod files;
mod golden;
mod key_file;
mod keys;
mod leaks;
mod order;
mod reseal;
mod schema;
mod store_key;
mod taken_back;
mod tamper;
mod witness;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use azconnect_core::{Append, Clock, Epoch, Error, Record, Sequence};
use azconnect_store::SqliteStore;
use azconnect_store::seal::{SealingKey, SealingKeys};
use azconnect_testkit::ManualClock;

/// A folder for one database, removed at the end.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("store.db")
    }

    async fn open(&self) -> SqliteStore {
        open(&self.path(), key(1)).await.unwrap()
    }

    /// Every file of the folder with its bytes.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = std::fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries.map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect();
        files.sort();
        files
    }
}

/// A key of the test, the same for the same number.
fn key(number: u8) -> SealingKey {
    let bytes: Vec<u8> = (0..32).map(|place| place ^ (number << 4)).collect();
    SealingKey::from_bytes(&bytes).unwrap()
}

async fn open(path: &Path, keys: impl Into<SealingKeys>) -> Result<SqliteStore, Error> {
    SqliteStore::open(path, keys, Arc::new(ManualClock::new())).await
}

fn append(stream: &str, expected: u64, payload: &str) -> Append {
    let record = Record::new("test", payload, ManualClock::new().now());
    Append::new(stream.parse().unwrap(), Sequence(expected), Epoch(1), vec![record])
}
