//! Kills a program with SIGKILL at random moments, again and again, and judges by the emulator's truth what that did.
//!
//! ```text
//! scripts/storm                             a thousand kills of `rotate`
//! scripts/storm 200 --program provision     two hundred of `provision`
//! scripts/storm 100 --lanes 2
//! ```
//!
//! Each lane has an emulator of its own, in another process, and a folder for journal and secrets. One process after the
//! other works there; most are killed. All the while the truth is looked at. Of rotations: every consumer holds a secret that
//! every replica accepts, never more than three secrets are ours, and nothing that is not ours changes. Of machines: nothing
//! that is not ours is deleted, and never more exists than one machine is made of. In the end every lane is left in peace,
//! and has to finish what is under way; of the machines nothing may be left then.
#![allow(unreachable_pub, reason = "a program's modules are its own")]

mod aim;
mod lane;
mod provisioning;
mod rotating;
mod tally;
mod work;

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
use crate::provisioning::Provisioning;
use crate::rotating::Rotating;
use crate::tally::Tally;
use crate::work::Work;

/// Kill a program again and again, and look all the while whether anybody is served badly.
#[derive(Debug, Parser)]
#[command(name = "storm", version, max_term_width = 80, after_help = EXIT_CODES)]
struct Arguments {
    /// How often to kill.
    #[arg(default_value_t = 1000, value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    kills: i64,
    /// What is killed.
    #[arg(long, value_enum, default_value_t = Program::Rotate)]
    program: Program,
    /// How many emulators are worked on at once.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(1..=64))]
    lanes: u64,
    /// What the moments of the kills are drawn from; from the clock unless given.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Program {
    /// Rotations, in which nobody may be served badly.
    Rotate,
    /// Machines that are built and deleted, of which nothing may be left.
    Provision,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    report(match arguments.program {
        Program::Rotate => run::<Rotating>(arguments).await,
        Program::Provision => run::<Provisioning>(arguments).await,
    })
}

async fn run<W: Work>(arguments: Arguments) -> Result<(), Failure> {
    azconnect_examples::log::start()?;
    let clock = SystemClock::new();
    let seed = arguments.seed.unwrap_or_else(|| clock.now().unix_timestamp_nanos() as u64);
    say(&format!("{} kills of {} in {} lanes, seed {seed}", arguments.kills, W::PROGRAM, arguments.lanes));
    let left = Arc::new(AtomicI64::new(arguments.kills));
    let lanes = (0..arguments.lanes).map(|number| weather::<W>(number, left.clone(), seed));
    let mut tally = Tally::default();
    for one in join_all(lanes).await {
        tally.add(one?);
    }
    let figures = W::figures(&tally);
    say(&tally.shown(figures, clock.elapsed()));
    if tally.violations.is_empty() { Ok(()) } else { Err(Failure::Told(Ending::Failed)) }
}

/// One lane, from its first process to its last.
async fn weather<W: Work>(number: u64, left: Arc<AtomicI64>, seed: u64) -> Result<Tally, Error> {
    let lane = Lane::<W>::open(number).await?;
    lane.storm(&left, Aim::new(seed, number, W::REACH)).await
}

/// A reader that went away needs no more text.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
