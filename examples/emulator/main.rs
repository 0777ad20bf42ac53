//! Serves the emulator on loopback.
//!
//! ```text
//! cargo run --example emulator -- --http 127.0.0.1:0 --seed FILE
//! ```
//!
//! Prints one JSON line with the origins. Each serves the ground truth at `/_emulator/state`, and takes fault scripts at
//! `/_emulator/faults`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use azconnect::http::SystemClock;
use azconnect_emulator::{Emulator, server};
use azconnect_examples::end::{EXIT_CODES, Failure, report};
use azconnect_examples::place::read_seed;
use clap::Parser;
use serde_json::json;

/// Serve Microsoft Entra ID, Graph, Azure Resource Manager and Azure DevOps on this machine, for tests.
#[derive(Debug, Parser)]
#[command(name = "emulator", version, max_term_width = 80, after_help = EXIT_CODES)]
struct Arguments {
    /// Where to listen: a loopback address, with port 0 for free ports, or the first of six ports in a row.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    http: SocketAddr,
    /// What to start with; Contoso, unless given.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    report(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    azconnect_examples::log::start()?;
    let seed = read_seed(arguments.seed.as_deref())?;
    let emulator = Emulator::from_seed(seed, Arc::new(SystemClock::new()))?;
    let server = server::serve(emulator, arguments.http).await?;
    // A reader that went away is not our failure: the emulator serves on.
    let _ = writeln!(std::io::stdout().lock(), "{}", json!({"origins": server.origins()}));
    let stop = async {
        // Without a signal to wait for, it serves until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Ok(server.run_until(stop).await?)
}
