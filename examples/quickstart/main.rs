//! One application, one service connection, one rotation: the shortest whole program.
//!
//! It runs on an emulator inside the program, whose hours pass at once: `cargo run --example quickstart`.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use azconnect::core::{Error, Secret};
use azconnect::rotation::{HistoryEntry, SinkBinding};
use azconnect::{Azure, Storage};
use azconnect_emulator::{Emulator, Seed};
use azconnect_examples::{short::Ids, table::table, when::clock as clock_time};
use azconnect_testkit::VirtualClock;

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Error> {
    // On the real cloud: `Cloud::public()`, `ReqwestTransport::new()?` and `SystemClock::new()`.
    let clock = Arc::new(VirtualClock::new());
    let emulator =
        Emulator::from_seed(Seed::from_json(include_str!("../../crates/azconnect/doc/seed.json"))?, clock.clone())?;
    let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());

    // Who acts, whose secret is rotated, who uses that secret, and which old one may go.
    let operator = azure.identity_with_secret(
        "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?,
        "a0000000-0000-4000-8000-000000000001".parse()?,
        Secret::new("Emu8Q~a.secret.of.this.example.only_0001"),
    )?;
    let application = "a0000000-0000-4000-8000-000000000002".parse()?;
    let connection = "c0000000-0000-4000-8000-000000000001".parse()?;
    let production = operator.service_connection("contoso", "Web", connection, application)?;
    let target = operator
        .target(application)?
        .with_sink(SinkBinding::new(Arc::new(production)))
        .with_adopted("b0000000-0000-4000-8000-000000000002".parse()?);

    // In memory here; `SqliteStore` keeps journal and sealed secrets in a file, and its key belongs somewhere else.
    let rotator = azure.rotator(&Storage::in_memory(clock)).with_patience(Duration::from_secs(7200));
    let plan = rotator.plan(&target).await?;
    say(&format!("{}: {:?}, {} old key to retire\n", plan.title, plan.decision, plan.retire().len()));
    rotator.rotate(&target).await?;
    let history = rotator.history(target.subject()).await?;
    let mut ids = Ids::default();
    history.iter().for_each(|entry| ids.learn(&entry.proof));
    let row = |entry: &HistoryEntry| vec![clock_time(entry.at), entry.step.to_owned(), ids.shortened(&entry.proof)];
    say(&table(&["UTC", "step", "proof"], &history.iter().map(row).collect::<Vec<_>>()));
    Ok(())
}

fn say(text: &str) {
    // A reader that has gone away is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{text}");
}
