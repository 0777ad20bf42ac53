//! Connects a customer's subscription, from the form to the end: checked, saved, listed, tested, rotated, disconnected.
//!
//! ```text
//! cargo run --example connect                         an emulator inside the program
//! cargo run --example connect -- --ask                be asked for every value
//! cargo run --example connect -- --expired            a secret that has ended
//! cargo run --example connect -- --wrong-subscription a subscription that is not theirs
//! cargo run --example connect -- --no-role            an application without a role
//! cargo run --example connect -- --group-only         an application that may act in one resource group
//! cargo run --example connect -- --state DIR --keep   the connection stays, and the next run goes on with it
//! cargo run --example connect -- --state DIR --disconnect   end what was kept, whatever became of its secret
//! cargo run --example connect -- --azure --tenant ID --client ID --subscription ID
//! ```
#![allow(unreachable_pub, reason = "a program's modules are its own")]

mod arguments;
mod assemble;
mod form;
mod known;
mod life;
mod offered;
mod show;

use std::process::ExitCode;

use azconnect::core::{Error, ErrorKind};
use azconnect_examples::end::{Failure, report};
use clap::Parser;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    // On the emulator inside the program hours pass at once, as long as nothing outlives it.
    let runtime = builder.enable_all().start_paused(arguments.is_virtual()).build();
    report(match runtime {
        Ok(runtime) => runtime.block_on(life::live(&arguments)),
        Err(error) => Err(Failure::Failed(
            Error::new(ErrorKind::Unexpected, "the runtime of the program cannot be started").with_source(error),
        )),
    })
}
