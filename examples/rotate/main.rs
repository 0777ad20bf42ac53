//! Rotates the client secrets of a product's applications, with live progress and a table of evidence.
//!
//! ```text
//! cargo run --example rotate                  an emulator inside the program
//! cargo run --example rotate -- --plan        only look
//! cargo run --example rotate -- --state DIR   may be killed at any moment: run it again, and it goes on
//! cargo run --example rotate -- --azure --product FILE --state DIR
//! ```
#![allow(unreachable_pub, reason = "a program's modules are its own")]

mod arguments;
mod assemble;
mod discover;
mod narrator;
mod show;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use azconnect::core::{Error, ErrorKind, Retry};
use azconnect::rotation::{RotationOutcome, RotationPlan, Rotator, Target};
use azconnect_examples::end::{Failure, report};
use clap::Parser;
use futures_util::future::join_all;

use crate::arguments::Arguments;
use crate::assemble::{Workshop, assemble};
use crate::narrator::Narrator;

/// How often a run waits for another process to give a subject free.
const PATIENCE_WITH_OTHERS: u32 = 20;

#[tokio::main]
async fn main() -> ExitCode {
    report(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    arguments.check()?;
    let narrator = Arc::new(Narrator::new(arguments.json));
    let workshop = assemble(&arguments, narrator.clone()).await?;
    let plans = join_all(workshop.targets.iter().map(|target| plan(&workshop, target, arguments.force))).await;
    let plans: Vec<RotationPlan> = plans.into_iter().collect::<Result<_, _>>()?;
    narrator.planned(&plans, &workshop.connections);
    if arguments.plan {
        return Ok(());
    }
    let runs = workshop.targets.iter().zip(&plans).map(|(target, plan)| work(&workshop, target, plan, arguments.force));
    let outcomes = join_all(runs).await;
    narrator.finish();
    let mut all_done = true;
    for ((target, plan), outcome) in workshop.targets.iter().zip(&plans).zip(&outcomes) {
        all_done &= narrator.ended(target.subject(), &plan.title, outcome);
    }
    narrator.evidence(&workshop.rotator, &plans).await?;
    if let Some(emulator) = &workshop.emulator {
        narrator.truth(&emulator.truth());
    }
    if all_done { Ok(()) } else { Err(Failure::Told) }
}

async fn plan(workshop: &Workshop, target: &Target, force: bool) -> Result<RotationPlan, Error> {
    if force { workshop.rotator.plan_now(target).await } else { workshop.rotator.plan(target).await }
}

/// Rotates one target. A subject that another process holds, or held when it was killed, is waited for.
async fn work(
    workshop: &Workshop,
    target: &Target,
    plan: &RotationPlan,
    force: bool,
) -> Result<RotationOutcome, Error> {
    let mut waits = 0;
    loop {
        let outcome = rotate(&workshop.rotator, target, force).await;
        let pause = match &outcome {
            Err(error) if error.kind() == ErrorKind::Conflict && waits < PATIENCE_WITH_OTHERS => match error.retry() {
                Retry::After(pause) => pause,
                _ => return outcome,
            },
            _ => return outcome,
        };
        waits += 1;
        workshop.narrator.held_elsewhere(target.subject(), &plan.title, pause);
        workshop.clock.sleep(pause.max(Duration::from_millis(100))).await;
    }
}

async fn rotate(rotator: &Rotator, target: &Target, force: bool) -> Result<RotationOutcome, Error> {
    if force { rotator.rotate_now(target).await } else { rotator.rotate(target).await }
}
