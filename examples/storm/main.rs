//! Kills `rotate` with SIGKILL at random moments, again and again, and judges by the emulator's truth what that did.
//!
//! ```text
//! scripts/storm                 a thousand kills
//! scripts/storm 100 --lanes 2
//! ```
//!
//! Each lane has an emulator of its own, in another process, and a folder for journal and secrets. One `rotate` after the
//! other works there, on one rotation after the other; most are killed. All the while the truth is looked at: every consumer
//! holds a secret that every replica accepts, never more than three secrets are ours, and nothing that is not ours changes.
//! In the end every lane is left in peace, and has to finish what is under way.
#![allow(unreachable_pub, reason = "a program's modules are its own")]

mod aim;
mod judge;
mod lane;
mod tally;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use azconnect::core::{Clock, Error};
use azconnect::http::SystemClock;
use azconnect_examples::end::{EXIT_CODES, Ending, Failure, report};
use clap::Parser;
use futures_util::future::join_all;

use crate::aim::Aim;
use crate::lane::Lane;
use crate::tally::Tally;

/// Kill the program `rotate` again and again, and look all the while whether anybody is served badly.
#[derive(Debug, Parser)]
#[command(name = "storm", version, max_term_width = 80, after_help = EXIT_CODES)]
struct Arguments {
    /// How often to kill.
    #[arg(default_value_t = 1000, value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    kills: i64,
    /// How many emulators are worked on at once.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=64))]
    lanes: u64,
    /// What the moments of the kills are drawn from; from the clock unless given.
    #[arg(long)]
    seed: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    report(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    azconnect_examples::log::start()?;
    let clock = SystemClock::new();
    let seed = arguments.seed.unwrap_or_else(|| clock.now().unix_timestamp_nanos() as u64);
    say(&format!("{} kills in {} lanes, seed {seed}", arguments.kills, arguments.lanes));
    let left = Arc::new(AtomicI64::new(arguments.kills));
    let lanes = (0..arguments.lanes).map(|number| weather(number, left.clone(), seed));
    let mut tally = Tally::default();
    for one in join_all(lanes).await {
        tally.add(one?);
    }
    say(&tally.shown(clock.elapsed()));
    if tally.violations.is_empty() { Ok(()) } else { Err(Failure::Told(Ending::Failed)) }
}

/// One lane, from its first process to its last.
async fn weather(number: u64, left: Arc<AtomicI64>, seed: u64) -> Result<Tally, Error> {
    let lane = Lane::open(number).await?;
    lane.storm(&left, Aim::new(seed, number)).await
}

/// A reader that went away needs no more text.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
