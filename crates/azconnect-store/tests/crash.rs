//! Processes that share a database, and are killed while they write.
//!
//! This program is both sides: without arguments it runs the tests, and with `write` it is one of the writers they
//! start. So it has no harness.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a test"
)]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use azconnect_core::{Append, Clock, Epoch, Error, ErrorKind, Journal, Record, Secret, SecretStore, Sequence};
use azconnect_store::SqliteStore;
use azconnect_store::seal::{SealingKey, SealingKeys};
use azconnect_testkit::ManualClock;

/// How many records each append has: a torn append would leave another number.
const BATCH: u64 = 3;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, path, name, count] = arguments.as_slice()
        && role == "write"
    {
        return write(Path::new(path), name, count.parse().unwrap()).await;
    }
    if let [role, path] = arguments.as_slice()
        && role == "reseal"
    {
        return reseal(Path::new(path)).await;
    }
    a_killed_change_of_the_key_goes_on_where_it_was().await;
    println!("test a_killed_change_of_the_key_goes_on_where_it_was ... ok");
    killed_writers_lose_nothing_that_was_acknowledged().await;
    println!("test killed_writers_lose_nothing_that_was_acknowledged ... ok");
    writers_of_several_processes_take_turns().await;
    println!("test writers_of_several_processes_take_turns ... ok");
}

fn key(first: u8) -> SealingKey {
    let bytes: Vec<u8> = (first..first + 32).collect();
    SealingKey::from_bytes(&bytes).unwrap()
}

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, key(1), Arc::new(ManualClock::new())).await.unwrap()
}

async fn open_with_both(path: &Path) -> SqliteStore {
    let keys = SealingKeys::new(key(2)).with_previous(key(1));
    SqliteStore::open(path, keys, Arc::new(ManualClock::new())).await.unwrap()
}

/// Changes the key in the smallest portions, and says so after each.
async fn reseal(path: &Path) {
    let store = open_with_both(path).await;
    loop {
        let resealed = store.reseal_some(1).await.unwrap();
        println!("{}", resealed.left);
        std::io::stdout().flush().unwrap();
        if resealed.is_over {
            return;
        }
    }
}

/// Appends batches to the one stream, each preceded by a secret of its own, and says so after each.
async fn write(path: &Path, name: &str, count: u64) {
    let store = open(path).await;
    let stream = "shared".parse().unwrap();
    for number in 0..count {
        let label = format!("{name}/{number}");
        store.put(&label.parse().unwrap(), &Secret::new(format!("secret of {label}"))).await.unwrap();
        loop {
            let last = store.read(&stream, Sequence::START).await.unwrap().len() as u64;
            let record = Record::new("written", label.as_str(), ManualClock::new().now());
            let records = vec![record; BATCH as usize];
            match store.append(Append::new(stream.clone(), Sequence(last), Epoch(1), records)).await {
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        println!("{label}");
        std::io::stdout().flush().unwrap();
    }
}

struct Writer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    fn start(path: &Path, name: &str, count: u64) -> Self {
        Self::run(&["write", path.to_str().unwrap(), name, &count.to_string()])
    }

    fn run(arguments: &[&str]) -> Self {
        let mut child =
            Command::new(std::env::current_exe().unwrap()).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next acknowledged label.
    fn next(&mut self) -> String {
        self.lines.next().expect("the writer ended early").unwrap()
    }

    /// Ends the process without warning, and returns what it acknowledged until then.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.map(Result::unwrap).collect()
    }
}

/// The labels in order, after checking that every batch is whole and every position is taken once.
async fn labels(store: &SqliteStore) -> Result<Vec<String>, Error> {
    let entries = store.read(&"shared".parse()?, Sequence::START).await?;
    assert!(entries.iter().zip(1..).all(|(entry, place)| entry.sequence == Sequence(place)), "a gap");
    assert_eq!(entries.len() as u64 % BATCH, 0, "a torn batch");
    let batches = entries.chunks(BATCH as usize);
    Ok(batches
        .map(|batch| {
            assert!(batch.iter().all(|entry| entry.record == batch[0].record), "a mixed batch");
            batch[0].record.payload.clone()
        })
        .collect())
}

async fn a_killed_change_of_the_key_goes_on_where_it_was() {
    const COUNT: usize = 6;
    let folder = tempfile::tempdir().unwrap();
    // After no portion, after each of them, and after the last, which marks everything anew.
    for survived in 0..=COUNT {
        let path = folder.path().join(format!("store-{survived}.db"));
        let store = open(&path).await;
        let label = |number: usize| format!("secret/{number}");
        for number in 0..COUNT {
            store.put(&label(number).parse().unwrap(), &Secret::new(label(number))).await.unwrap();
        }
        drop(store);
        let mut process = Writer::run(&["reseal", path.to_str().unwrap()]);
        for portion in 0..survived {
            assert_eq!(process.next(), (COUNT - 1 - portion).to_string());
        }
        // The kill falls wherever it is by then: between two writes, or within one.
        process.kill();
        let store = open_with_both(&path).await;
        for number in 0..COUNT {
            let secret = store.get(&label(number).parse().unwrap()).await.unwrap().unwrap();
            assert_eq!(secret.expose(), label(number), "killed after {survived}");
        }
        assert!(store.reseal().await.unwrap() <= COUNT - survived, "killed after {survived}");
        drop(store);
        let store = SqliteStore::open(&path, key(2), Arc::new(ManualClock::new())).await.unwrap();
        let names: Vec<_> = (0..COUNT).map(|number| label(number).parse().unwrap()).collect();
        assert_eq!(store.list("", None).await.unwrap(), names);
        assert_eq!(store.get(&names[0]).await.unwrap().unwrap().expose(), "secret/0");
    }
}

async fn killed_writers_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut acknowledged = Vec::new();
    for round in 0..12 {
        let mut writer = Writer::start(&path, &format!("round-{round}"), u64::MAX);
        // The kill falls wherever the writer is by then: also while it creates the database.
        for _ in 0..round {
            acknowledged.push(writer.next());
        }
        acknowledged.extend(writer.kill());
        let store = open(&path).await;
        let found = labels(&store).await.unwrap();
        let unique: BTreeSet<_> = found.iter().collect();
        assert_eq!(unique.len(), found.len(), "a batch was written twice");
        for label in &acknowledged {
            assert!(unique.contains(label), "{label} was acknowledged and is lost");
        }
        for label in found {
            let secret = store.get(&label.parse().unwrap()).await.unwrap().expect("sealed before it was recorded");
            assert_eq!(secret.expose(), format!("secret of {label}"));
        }
    }
    assert!(acknowledged.len() >= 66);
}

async fn writers_of_several_processes_take_turns() {
    const COUNT: u64 = 25;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let names = ["a", "b", "c"];
    let writers: Vec<_> = names.iter().map(|name| Writer::start(&path, name, COUNT)).collect();
    for mut writer in writers {
        assert_eq!(writer.lines.by_ref().count() as u64, COUNT);
        assert!(writer.child.wait().unwrap().success());
    }
    let found = labels(&open(&path).await).await.unwrap();
    for name in names {
        let own: Vec<_> = found.iter().filter(|label| label.starts_with(name)).cloned().collect();
        let wanted: Vec<_> = (0..COUNT).map(|number| format!("{name}/{number}")).collect();
        assert_eq!(own, wanted, "each writer's batches are in its own order");
    }
    assert_eq!(found.len() as u64, COUNT * names.len() as u64);
}
