//! Rotates the client secrets of a product's applications: a summary, live progress, and a table of evidence.
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
mod customer;
mod discover;
mod evidence;
mod narrator;
mod outcome;
mod pace;
mod resolve;
mod show;
mod standing;
mod summary;
mod truth;

use std::process::ExitCode;
use std::sync::Arc;

use azconnect::core::Error;
use azconnect::rotation::{Resolution, RotationOutcome, RotationPlan, Rotator, Target};
use azconnect_examples::end::{Ending, Failure, report};
use azconnect_examples::stop::Stop;
use azconnect_examples::turn::in_turn;
use clap::Parser;
use futures_util::future::join_all;

use crate::arguments::Arguments;
use crate::assemble::{Workshop, assemble};
use crate::narrator::Narrator;
use crate::standing::Standing;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let narrator = Arc::new(Narrator::new(arguments.json));
    let stop = Stop::new();
    let outcome = stop.guard(run(&arguments, narrator.clone(), &stop)).await;
    report(outcome.unwrap_or_else(|| {
        narrator.stopped(arguments.state.is_some());
        Err(Failure::Told(Ending::RunAgain))
    }))
}

async fn run(arguments: &Arguments, narrator: Arc<Narrator>, stop: &Stop) -> Result<(), Failure> {
    azconnect_examples::log::start()?;
    arguments.check()?;
    let workshop = assemble(arguments, narrator.clone(), stop).await?;
    let looks = workshop.targets.iter().map(|target| Standing::of(&workshop.rotator, target, arguments.force));
    let all: Vec<Standing> = join_all(looks).await.into_iter().collect::<Result<_, _>>()?;
    let order = Order::of(arguments, &workshop).await?;
    narrator.planned(&all, &workshop.connections, workshop.clock.now(), arguments.plan);
    if arguments.plan {
        return Ok(());
    }
    let plans: Vec<_> = all.into_iter().map(|one| one.plan).collect();
    let runs = workshop.targets.iter().zip(&plans).map(|(target, plan)| work(&workshop, target, plan, &order));
    let outcomes = join_all(runs).await;
    narrator.finish();
    for plan in &plans {
        narrator.evidence(plan, &workshop.rotator.events(&plan.subject).await?);
    }
    if let Some(emulator) = &workshop.emulator {
        narrator.truth(&emulator.truth());
    }
    narrator.results_begin();
    let now = workshop.clock.now();
    let endings = plans.iter().zip(&outcomes).map(|(plan, outcome)| narrator.ended(plan, outcome, now));
    match endings.max() {
        None | Some(Ending::Done) => Ok(()),
        Some(ending) => Err(Failure::Told(ending)),
    }
}

/// What is to be done with every target.
enum Order {
    IfDue,
    Now,
    Resolve(Resolution),
}

impl Order {
    async fn of(arguments: &Arguments, workshop: &Workshop) -> Result<Self, Error> {
        // One application is named beside a way out.
        let (Some(way), Some(target)) = (&arguments.resolve, workshop.targets.first()) else {
            return Ok(if arguments.force { Self::Now } else { Self::IfDue });
        };
        let (state, _) = workshop.rotator.state(target.subject()).await?;
        Ok(Self::Resolve(way.resolution(&state)?))
    }
}

/// Rotates one target. A subject that another process holds, or held when it was killed, is waited for.
async fn work(
    workshop: &Workshop,
    target: &Target,
    plan: &RotationPlan,
    order: &Order,
) -> Result<RotationOutcome, Error> {
    let tell = |pause| workshop.narrator.held_elsewhere(target.subject(), &plan.title, pause);
    in_turn(&*workshop.clock, tell, || rotate(&workshop.rotator, target, order)).await
}

async fn rotate(rotator: &Rotator, target: &Target, order: &Order) -> Result<RotationOutcome, Error> {
    match order {
        Order::IfDue => rotator.rotate(target).await,
        Order::Now => rotator.rotate_now(target).await,
        Order::Resolve(resolution) => rotator.resolve(target, resolution.clone()).await,
    }
}
