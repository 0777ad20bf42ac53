//! Provisions a virtual machine: plan, preflight, live steps, its address, and its deletion.
//!
//! ```text
//! cargo run --example provision                      an emulator inside the program
//! cargo run --example provision -- --plan            only look
//! cargo run --example provision -- --bad-size        a size that does not exist
//! cargo run --example provision -- --no-quota        a region without quota
//! cargo run --example provision -- --group-only      an identity that may act in one resource group only
//! cargo run --example provision -- --failing-agent   an agent whose script fails
//! cargo run --example provision -- --azure --state DIR --subscription ID --ssh-from 203.0.113.7/32
//! ```
#![allow(unreachable_pub, reason = "a program's modules are its own")]

mod arguments;
mod assemble;
mod key;
mod tree;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use azconnect::arm::provision::{AgentFailure, StepProgress, StepStatus};
use azconnect::arm::{Phase, ProvisionId, ProvisionProgress, Provisioner, Step, preflight};
use azconnect::core::{Error, ErrorKind};
use azconnect::credential::{Check, CheckReport, CheckStatus};
use azconnect_examples::end::{Failure, report};
use azconnect_examples::page::hanging;
use azconnect_examples::table::table;
use azconnect_examples::turn::in_turn;
use clap::Parser;

use crate::arguments::Arguments;
use crate::assemble::{Site, assemble};
use crate::tree::Tree;

#[tokio::main]
async fn main() -> ExitCode {
    report(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    azconnect_examples::log::start()?;
    arguments.check()?;
    let tree = Arc::new(Tree::new());
    let site = assemble(&arguments, tree.clone()).await?;
    let provisioner = &site.provisioner;
    let id = arguments.id()?;
    if arguments.delete {
        return delete(&site, &id, &tree).await;
    }
    let plan = provisioner.plan(id.clone(), arguments.spec()?).await?;
    tree.say(&format!("{plan}\n"));
    // What an earlier run began comes before every check: it may have used up the very quota that a check would miss.
    let mut begun = begun(provisioner, &id).await?;
    if let Some(progress) = &begun {
        tree.say(&found(progress));
    }
    if !arguments.plan && begun.as_ref().is_some_and(|progress| progress.phase == Phase::CleaningUp) {
        delete(&site, &id, &tree).await?;
        if !arguments.keep {
            // That was the last thing that the earlier run had to do.
            return Ok(());
        }
        begun = None;
    }
    if begun.is_none() || arguments.plan {
        let report = preflight(provisioner.subscription(), &plan.spec).await;
        tree.say(&checks_as_table(&report));
        if !report.is_clear() && begun.is_none() {
            return Err(Failure::NeedsPerson(blocked(&report)));
        }
    }
    if arguments.plan {
        return Ok(());
    }
    let interrupted = || async {
        // Without a signal handler there is nothing to wait for: the machine is built to its end.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let outcome =
        in_turn(&*site.clock, |pause| held(&tree, pause), || provisioner.run_until(&plan, interrupted())).await;
    tree.finish();
    if let Some(failure) = outcome.as_ref().err().and_then(AgentFailure::of) {
        // No error holds it, since a script may print its secrets; whoever runs this program wrote the script.
        tree.say(&format!("what the agent's script put out:\n{}\n", failure.output()));
    }
    let machine = outcome?;
    let address = machine.address.as_deref();
    tree.say(&format!(
        "{} runs as {} at {}\n  key {}\n",
        machine.machine.name(),
        machine.placement,
        address.unwrap_or("no public address"),
        machine.fingerprint
    ));
    if let Some(path) = arguments.key_file() {
        let path = key::hand_over(provisioner, &id, path).await?;
        let to = address.unwrap_or("ITS-PRIVATE-ADDRESS");
        tree.say(&format!("  ssh -i {} {}@{to}\n", path.display(), machine.admin));
    }
    if let Some(warning) = &machine.warning {
        tree.say(&format!("note: {warning}\n"));
    }
    if !arguments.keep {
        delete(&site, &id, &tree).await?;
        if let Some(emulator) = &site.emulator {
            let left =
                emulator.truth().ledger.iter().filter(|entry| entry.is_live() && entry.created_by.is_some()).count();
            tree.say(&format!("the emulator's ledger: {left} resources are left\n"));
        }
    }
    Ok(())
}

/// What an earlier run of this name began and did not delete, if there is any.
async fn begun(provisioner: &Provisioner, id: &ProvisionId) -> Result<Option<ProvisionProgress>, Error> {
    match provisioner.progress(id).await {
        Ok(progress) if progress.phase == Phase::CleanedUp => Ok(None),
        Ok(progress) => Ok(Some(progress)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn found(progress: &ProvisionProgress) -> String {
    let stands = match progress.phase {
        Phase::CleaningUp => "was deleting its machine, and that goes on first",
        Phase::Finished => "runs already",
        Phase::Failed => "had failed, and is tried again",
        _ => "was not finished, and goes on",
    };
    let ours = |step: &&StepProgress| {
        matches!(step.status, StepStatus::Announced | StepStatus::Creating | StepStatus::Created)
            && !matches!(step.step, Step::Extension | Step::Agent)
    };
    let ours: Vec<&str> = progress.steps.iter().filter(ours).map(|step| step.step.name()).collect();
    let mut text = format!("an earlier run of this name {stands}\n");
    if !ours.is_empty() {
        text += &(hanging("  made by it, and deleted with the machine: ", &ours.join(", ")) + "\n");
    }
    text + "\n"
}

/// Another process has the lease, or had it when it was killed.
fn held(tree: &Tree, pause: Duration) {
    let what = "another process works on it, or did when it was killed; trying again in";
    tree.say(&(hanging("  … ", &format!("{what} {:.1} s", pause.as_secs_f64())) + "\n"));
}

async fn delete(site: &Site, id: &ProvisionId, tree: &Tree) -> Result<(), Failure> {
    let outcome = in_turn(&*site.clock, |pause| held(tree, pause), || site.provisioner.clean_up(id)).await;
    tree.finish();
    match outcome?.kept {
        Some(kept) => tree.say(&format!("deleted, but {kept}\n")),
        None => tree.say("deleted, with everything that was created for it\n"),
    }
    Ok(())
}

fn checks_as_table(report: &CheckReport) -> String {
    // What keeps several checks from being made is said once.
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for check in report.with_status(CheckStatus::Skipped) {
        *skipped.entry(&check.cause).or_default() += 1;
    }
    let alone = |check: &&Check| check.status != CheckStatus::Skipped || skipped.get(&*check.cause) == Some(&1);
    let mut rows: Vec<Vec<String>> = report
        .iter()
        .filter(alone)
        .map(|check| vec![check.subject.clone(), check.status.to_string(), check.cause.clone()])
        .collect();
    for (cause, count) in skipped.into_iter().filter(|(_, count)| *count > 1) {
        rows.push(vec![format!("{count} others"), CheckStatus::Skipped.to_string(), cause.to_owned()]);
    }
    let mut remedies: Vec<String> =
        report.failures().map(|check| hanging(&format!("  {}: ", check.subject), &check.remedy) + "\n").collect();
    for (check, text) in report.iter().filter_map(|check| Some((check, check.service_text.as_ref()?))) {
        remedies.push(hanging(&format!("  {}: the service says: ", check.subject), text) + "\n");
    }
    let table = table(&["check", "status", "what was seen"], &rows);
    if remedies.is_empty() { table } else { format!("{table}\nwhat to do:\n{}", remedies.concat()) }
}

fn blocked(report: &CheckReport) -> Error {
    // Cause and remedy of each stand in the table above.
    let failed: Vec<&str> = report.failures().map(|check| check.subject.as_str()).collect();
    Error::new(ErrorKind::Conflict, format!("the machine cannot be provisioned for its {}", failed.join(", ")))
        .with_advice("do what is said above, and run this again")
}
