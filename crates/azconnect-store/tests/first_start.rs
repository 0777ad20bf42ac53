//! The first start of a program: killed at any moment, raced by others, on a disk without room.
//!
//! This program is both sides: without arguments it runs the tests, and with `open` or `full` it is the program that
//! starts. So it has no harness.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test"
)]

#[path = "first_start/disk.rs"]
mod disk;
#[path = "first_start/kill.rs"]
mod kill;
#[path = "first_start/race.rs"]
mod race;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use azconnect_core::{Append, Clock, Epoch, Error, Journal, Record, Secret, SecretStore, Sequence};
use azconnect_store::SqliteStore;
use azconnect_testkit::ManualClock;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["open", folder, name] => return start(Path::new(folder), name).await.unwrap(),
        ["full", folder] => return disk::in_a_small_disk(Path::new(folder)).await,
        _ => {}
    }
    race::first_starts_at_once_share_one_database_and_one_key().await;
    println!("test first_starts_at_once_share_one_database_and_one_key ... ok");
    kill::a_first_start_that_is_killed_leaves_nothing_in_the_way().await;
    println!("test a_first_start_that_is_killed_leaves_nothing_in_the_way ... ok");
    match disk::a_full_disk_leaves_nothing_torn() {
        Ok(()) => println!("test a_full_disk_leaves_nothing_torn ... ok"),
        Err(why) => println!("test a_full_disk_leaves_nothing_torn ... ignored, needs {why}"),
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("store.db")
}

async fn open(folder: &Path) -> Result<SqliteStore, Error> {
    SqliteStore::open_with_key_file(database(folder), folder.join("seal.key"), Arc::new(ManualClock::new())).await
}

/// What a program does first: it opens its store, seals something and records it.
async fn start(folder: &Path, name: &str) -> Result<(), Error> {
    let store = open(folder).await?;
    store.put(&format!("secret/{name}").parse()?, &Secret::new(name)).await?;
    append(&store, name, 0, name).await?;
    println!("started");
    Ok(())
}

async fn append(store: &SqliteStore, stream: &str, last: u64, payload: &str) -> Result<Sequence, Error> {
    let record = Record::new("written", payload, ManualClock::new().now());
    store.append(Append::new(stream.parse()?, Sequence(last), Epoch(1), vec![record])).await
}

/// Checks what a start wrote that said so.
async fn assert_kept(store: &SqliteStore, name: &str) {
    let secret = store.get(&format!("secret/{name}").parse().unwrap()).await.unwrap();
    assert_eq!(secret.expect("a sealed secret is lost").expose(), name);
    assert_eq!(store.read(&name.parse().unwrap(), Sequence::START).await.unwrap().len(), 1);
}

/// Starts this program as another process.
fn process(role: &[&str]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(role)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The names in a folder that are neither the database with SQLite's companions nor the key.
fn strangers(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with("store.db") && name != "seal.key").collect()
}
