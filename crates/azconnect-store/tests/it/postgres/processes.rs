//! Several processes at once.

use std::process::{Command, Stdio};

use azconnect_core::{Append, Effect, Epoch, ErrorKind, Journal, Record, Sequence};
use azconnect_store::PostgresStore;
use azconnect_testkit::VirtualClock;
use futures_util::future::join_all;

use super::Place;

const PROCESSES: usize = 4;
const APPENDS: usize = 15;
/// Names the schema to a process that a test has started.
const SHARED: &str = "AZCONNECT_TEST_SHARED_SCHEMA";

/// Appends to a stream that others append to as well: reads where it ends, and tries until it was the first there.
async fn write(store: &PostgresStore, name: &str) {
    let stream = "shared".parse().unwrap();
    for number in 0..APPENDS {
        loop {
            let last = store.read(&stream, Sequence::START).await.unwrap().len() as u64;
            let record =
                Record::new("test", format!("{name}/{number}"), azconnect_core::Clock::now(&VirtualClock::new()));
            match store.append(Append::new(stream.clone(), Sequence(last), Epoch(1), vec![record])).await {
                Ok(written) => {
                    assert_eq!(written, Sequence(last + 1));
                    break;
                }
                Err(error) => {
                    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None), "{error:?}");
                }
            }
        }
    }
}

/// What one process of several does. By itself it is the only one.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn one_writer_appends_all_it_has() {
    #[expect(clippy::disallowed_methods, reason = "the other half of this test says where")]
    let (name, shared) = (format!("process {}", std::process::id()), std::env::var(SHARED));
    let place = Place::new();
    let options = super::options(&super::pooler(), shared.as_deref().unwrap_or(&place.schema));
    let store = options.open(super::key(1), super::clock()).await.unwrap();
    write(&store, &name).await;
    let entries = store.read(&"shared".parse().unwrap(), Sequence::START).await.unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.record.payload.starts_with(&name)).count(), APPENDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn the_appends_of_several_processes_are_all_there_in_one_order() {
    let place = Place::new();
    // The tables are made by whichever comes first.
    let children: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "postgres::processes::one_writer_appends_all_it_has"])
                .env(SHARED, &place.schema)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let store = place.open().await;
    let entries = store.read(&"shared".parse().unwrap(), Sequence::START).await.unwrap();
    let in_order = entries.iter().zip(1..).all(|(entry, number)| entry.sequence == Sequence(number));
    let distinct: std::collections::BTreeSet<_> = entries.iter().map(|entry| &entry.record.payload).collect();
    assert!(in_order && entries.len() == PROCESSES * APPENDS && distinct.len() == entries.len());
}

/// Two processes that start at once meet a database without tables.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn whoever_opens_first_makes_the_tables_for_all() {
    let place = Place::new();
    let stores = join_all((0..6).map(|_| place.open())).await;
    for (expected, store) in (0..).zip(&stores) {
        store.append(super::append("stream", expected, "a")).await.unwrap();
    }
    let proofs = place.intruder().await.query("SELECT 1 FROM sealing_key", &[]).await.unwrap();
    assert_eq!(proofs.len(), 1);
}
