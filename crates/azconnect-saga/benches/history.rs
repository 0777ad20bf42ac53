//! What a look at a stream costs after one rest and after ten thousand, with checkpoints and without.
//!
//! Run with `cargo bench -p azconnect-saga`. It prints numbers and asserts nothing. Each figure is of a process of its own,
//! so that the memory of one is not that of another.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use azconnect_core::{Append, Epoch, Journal, Record, Sequence, StreamId};
use azconnect_saga::{IllegalEvent, Saga, freeze_as, history, read, thaw_as};
use azconnect_store::SqliteStore;
use azconnect_store::seal::SealingKey;
use azconnect_testkit::ManualClock;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// How many events a rotation of a secret has, and how long each is.
const EVENTS_A_REST: u32 = 20;
const TEXT: usize = 250;

/// How many looks a time is the mean of.
const LOOKS: u32 = 50;

/// Steps of some work: the last of [`EVENTS_A_REST`] ends it.
struct Work;

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    steps: u64,
    note: String,
}

#[derive(Serialize, Deserialize)]
struct Step {
    note: String,
}

impl Saga for Work {
    type State = State;
    type Event = Step;

    fn kind(_: &Step) -> &'static str {
        "step"
    }

    fn evolve(state: State, event: &Step, _: OffsetDateTime) -> Result<State, IllegalEvent> {
        Ok(State { steps: state.steps + 1, note: event.note.clone() })
    }

    fn is_at_rest(state: &State) -> bool {
        state.steps.is_multiple_of(EVENTS_A_REST.into())
    }

    fn freeze(state: &State) -> Option<String> {
        freeze_as(1, state)
    }

    fn thaw(text: &str) -> Option<State> {
        thaw_as(1, text)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    // `cargo test` runs benchmarks with this argument: there is nothing to test.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    if let [_, what, database] = &arguments[..]
        && ["look", "history"].contains(&&**what)
    {
        return measure(what, Path::new(database)).await;
    }
    println!("{:>7} {:<19} {:>14} {:>14} {:>10}", "rests", "", "time", "memory", "database");
    for (rests, checkpoints) in [(1, true), (10_000, true), (10_000, false)] {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("journal.db");
        write(&database, rests, checkpoints).await;
        let size = fs::metadata(&database).unwrap().len() / 1024;
        let kind = if checkpoints { "with checkpoints" } else { "without" };
        for what in ["look", "history"] {
            let output = Command::new(&arguments[0]).arg(what).arg(&database).output().unwrap();
            let figures = String::from_utf8(output.stdout).unwrap();
            println!("{rests:>7} {kind:<16} {what:<7} {} {size:>6} kB", figures.trim_end());
        }
    }
}

fn stream() -> StreamId {
    "work/1".parse().unwrap()
}

async fn open(database: &Path) -> SqliteStore {
    let bytes: Vec<u8> = (0..32).collect();
    let key = SealingKey::from_bytes(&bytes).unwrap();
    SqliteStore::open(database, key, Arc::new(ManualClock::new())).await.unwrap()
}

/// Writes what so many sessions would have written, in few appends.
async fn write(database: &Path, rests: u32, checkpoints: bool) {
    let store = open(database).await;
    let (mut state, mut last) = (State::default(), Sequence::START);
    let at = OffsetDateTime::UNIX_EPOCH;
    for batch in 0..rests.div_ceil(100) {
        let mut records = Vec::new();
        for _ in batch * 100..rests.min((batch + 1) * 100) {
            for _ in 0..EVENTS_A_REST {
                let event = Step { note: "x".repeat(TEXT) };
                state = Work::evolve(state, &event, at).unwrap();
                records.push(Record::new("step", serde_json::to_string(&event).unwrap(), at));
            }
            if checkpoints {
                records.push(Record::checkpoint("checkpoint", Work::freeze(&state).unwrap(), at));
            }
        }
        last = store.append(Append::new(stream(), last, Epoch(1), records).with_at_rest(true)).await.unwrap();
    }
}

async fn measure(what: &str, database: &Path) {
    let store = open(database).await;
    // The highest memory is counted from here on: opening checks the whole file.
    fs::write("/proc/self/clear_refs", "5").ok();
    let before = memory("VmRSS:");
    let mut spent = Duration::ZERO;
    let looks = if what == "look" { LOOKS } else { 3 };
    for _ in 0..looks {
        let began = Instant::now();
        match what {
            "look" => drop(read::<Work>(&store, &stream()).await.unwrap()),
            _ => drop(history::<Work>(&store, &stream()).await.unwrap()),
        }
        spent += began.elapsed();
    }
    let grown = memory("VmHWM:").saturating_sub(before);
    println!("{:>11.3} ms {grown:>11} kB", (spent / looks).as_secs_f64() * 1000.0);
}

/// A figure of this process's memory in kB, where the system tells.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
