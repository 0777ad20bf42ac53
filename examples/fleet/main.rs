//! Builds several machines that share a network: plan, preflight, what became of each, what is left when one stops half-way, and
//! how that is finished and deleted.
//!
//! ```text
//! cargo run --example fleet                      an emulator inside the program, on which one machine's connection breaks
//! cargo run --example fleet -- --plan            only look
//! cargo run --example fleet -- --machines 5
//! cargo run --example fleet -- --azure --state DIR --subscription ID --ssh-from 203.0.113.7/32
//! ```
#![allow(unreachable_pub, reason = "a program's modules are its own")]

mod arguments;
mod assemble;

use std::io::Write;
use std::process::ExitCode;

use azconnect::arm::provision::{FleetMachine, FleetOutcome, Provisioned};
use azconnect::arm::{FleetPlan, preflight_fleet};
use azconnect::core::{Effect, Error, ErrorKind};
use azconnect::credential::CheckReport;
use azconnect_examples::end::{Ending, Failure, report};
use azconnect_examples::page::hanging;
use azconnect_examples::table::table;
use clap::Parser;

use crate::arguments::Arguments;
use crate::assemble::{Site, assemble};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    report(run(&Arguments::parse()).await)
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    azconnect_examples::log::start()?;
    arguments.check()?;
    let site = assemble(arguments).await?;
    let fleet = &site.fleet;
    let spec = arguments.spec()?;
    let plan = fleet.plan(arguments.id()?, spec.clone()).await?;
    say(&format!("{plan}\n\n"));
    let begun = !fleet.machines(&plan.id).await?.is_empty();
    if !begun {
        let checks = preflight_fleet(fleet.subscription(), &spec).await;
        say(&checks_as_table(&checks));
        if !checks.is_clear() {
            return Err(Failure::NeedsPerson(blocked(&checks)));
        }
    }
    if arguments.plan {
        return Ok(());
    }
    let outcome = build(&site, &plan).await?;
    if arguments.keep {
        return match outcome.failures().count() {
            0 => Ok(()),
            _ => Err(Failure::Told(Ending::RunAgain)),
        };
    }
    clean_up(&site, &plan).await
}

/// Builds the fleet. What is not finished after that is resumed once: the outcome of a machine whose connection broke is found
/// out then, and nobody builds it twice.
async fn build(site: &Site, plan: &FleetPlan) -> Result<FleetOutcome, Failure> {
    site.break_one_connection();
    say("\nbuilding\n");
    let outcome = site.fleet.run(plan).await?;
    say(&told(&outcome));
    site.tell_what_is_there();
    let is_open = |machine: &FleetMachine<Provisioned>| {
        machine.outcome.as_ref().is_err_and(|error| error.effect() != Effect::None)
    };
    if !outcome.machines.iter().any(is_open) {
        return Ok(outcome);
    }
    site.mend_connections();
    say("\nresuming\n");
    let outcome = site.fleet.resume(&plan.id).await?;
    say(&told(&outcome));
    Ok(outcome)
}

async fn clean_up(site: &Site, plan: &FleetPlan) -> Result<(), Failure> {
    say("\ncleaning up\n");
    let done = site.fleet.clean_up(&plan.id).await?;
    for machine in &done.machines {
        match &machine.outcome {
            Ok(_) => say(&format!("  ✓ {} deleted\n", machine.name)),
            Err(error) => say(&failed(&machine.name, error)),
        }
    }
    match done.foundation {
        None => return Err(Failure::Told(Ending::RunAgain)),
        Some(foundation) => match foundation.kept {
            Some(kept) => say(&(hanging("  ✓ what they shared is deleted, but ", &kept) + "\n")),
            None => say("  ✓ what they shared deleted\n"),
        },
    }
    site.tell_what_is_there();
    Ok(())
}

/// What became of each machine, by its name.
fn told(outcome: &FleetOutcome) -> String {
    let one = |machine: &FleetMachine<Provisioned>| match &machine.outcome {
        Ok(runs) => {
            let address = runs.address.as_deref().unwrap_or("no public address");
            format!("  ✓ {} runs as {} at {address}\n", machine.name, runs.placement)
        }
        Err(error) => failed(&machine.name, error),
    };
    let mut text: String = outcome.machines.iter().map(one).collect();
    if !outcome.others.is_empty() {
        text += &(hanging("  of the fleet, and not in this plan: ", &outcome.others.join(", ")) + "\n");
    }
    text
}

fn failed(name: &str, error: &Error) -> String {
    hanging(&format!("  ✗ {name}: "), &error.to_string()) + "\n" + &hanging("    ", error.advice()) + "\n"
}

fn checks_as_table(report: &CheckReport) -> String {
    let rows: Vec<Vec<String>> =
        report.iter().map(|check| vec![check.subject.clone(), check.status.to_string(), check.cause.clone()]).collect();
    let remedies: Vec<String> =
        report.failures().map(|check| hanging(&format!("  {}: ", check.subject), &check.remedy) + "\n").collect();
    let table = table(&["check", "status", "what was seen"], &rows);
    if remedies.is_empty() { table } else { format!("{table}\nwhat to do:\n{}", remedies.concat()) }
}

fn blocked(report: &CheckReport) -> Error {
    let causes: Vec<&str> = report.failures().map(|check| check.cause.as_str()).collect();
    let remedies: Vec<&str> = report.failures().map(|check| check.remedy.as_str()).collect();
    Error::new(ErrorKind::Conflict, format!("the fleet cannot be built: {}", causes.join("; ")))
        .with_advice(remedies.join("; "))
}

pub(crate) fn say(text: &str) {
    // A reader that has gone away is no reason to stop.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
