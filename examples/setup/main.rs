//! Sets an application up at a customer's: what a person would have clicked, done in one flow, and taken back again.
//!
//! ```text
//! cargo run --example setup                    an emulator inside the program
//! cargo run --example setup -- --plan          only look
//! cargo run --example setup -- --guide         the same for a person, with commands
//! cargo run --example setup -- --state DIR     may be killed at any moment: run it again, and it goes on
//! cargo run --example setup -- --state DIR --undo
//! ```
#![allow(unreachable_pub, reason = "a program's modules are its own")]

mod assemble;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use azconnect::core::{Cloud, Error};
use azconnect::setup::{
    ApiPermission, CredentialWish, GroupWish, PlannedStep, Platform, Setup, SetupAudience, SetupGuide, SetupId,
    SetupPlan, SetupSpec, SubscriptionAccess, TakenBack,
};
use azconnect_examples::end::{EXIT_CODES, Ending, Failure, report};
use azconnect_examples::page::hanging;
use azconnect_examples::table::table;
use clap::Parser;

use crate::assemble::assemble;

/// Sets an application up at a customer's, on an emulator inside the program: application, service principal, secret,
/// resource group, role, consent.
#[derive(Parser)]
#[command(name = "setup", version, max_term_width = 80, after_help = EXIT_CODES)]
pub struct Arguments {
    /// Keep the journal, the sealed secret and the emulator in this folder.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Only look at what is there, and at what would be made.
    #[arg(long)]
    plan: bool,
    /// Take back what was set up.
    #[arg(long, requires = "state")]
    undo: bool,
    /// Print how a person does the same by hand, with commands.
    #[arg(long)]
    guide: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    report(run(&Arguments::parse()).await)
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    azconnect_examples::log::start()?;
    let (id, spec) = (SetupId::new("contoso")?, spec()?);
    let guide = SetupGuide::new(&spec, &Cloud::public())?;
    if arguments.guide {
        // As they are: a command that was wrapped cannot be copied.
        say(&guide.to_string());
        return Ok(());
    }
    let setup = assemble(arguments).await?;
    if arguments.undo {
        say(&taken_back(&setup.undo(&id).await?));
        return Ok(());
    }
    let plan = setup.plan(id, spec).await?;
    say(&planned(&plan));
    if !plan.checks.is_clear() {
        say(&format!("{}\n", plan.checks));
        return Err(Failure::Told(Ending::NeedsPerson));
    }
    if arguments.plan {
        return Ok(());
    }
    let done = setup.run(&plan).await?;
    say(&format!("\nset up: the application {}\n", done.client));
    for (name, value) in [
        ("secret sealed as", done.secret.map(|name| name.to_string())),
        ("its ID", done.key.map(|key| key.to_string())),
    ] {
        say(&hanging(&format!("  {name} "), &value.unwrap_or_else(|| "none".to_owned())));
        say("\n");
    }
    say("\nwhat a person would have had to do by hand (--guide has the commands):\n\n");
    for step in &guide.steps {
        say(&format!("{}\n", hanging(&format!("{:>2}. ", step.number), &format!("{} ({})", step.title, step.who))));
        for click in &step.portal {
            say(&format!("{}\n", hanging("    - ", click)));
        }
    }
    if arguments.state.is_none() {
        // What only this process remembers would stay behind it.
        say("\ntaking it back, since nothing was kept (--state DIR keeps it)\n");
        say(&taken_back(&setup.undo(&done.id).await?));
    }
    Ok(())
}

/// What is set up: Contributor in a group of its own, and sign-in for people with their permissions at Azure DevOps.
fn spec() -> Result<SetupSpec, Error> {
    let access = SubscriptionAccess::new("22222222-2222-4222-8222-222222222222".parse()?)
        .with_group(GroupWish::create("rg-builds".parse()?, "westeurope".parse()?));
    Ok(SetupSpec::new("6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?, "Contoso builds")
        .with_audience(SetupAudience::AnyTenant)
        .with_redirect_uri(Platform::Web, "https://builds.example/signed-in")
        .with_permission(ApiPermission::devops_user_impersonation())
        .with_credential(CredentialWish::Secret { lifetime: Duration::from_secs(90 * 86_400) })
        .with_access(access)
        .with_admin_consent())
}

fn planned(plan: &SetupPlan) -> String {
    let row = |step: &PlannedStep| {
        let exists = match step.exists {
            Some(true) => "is there",
            Some(false) => "will be made",
            None => "not known",
        };
        vec![step.step.to_string(), step.what.clone(), exists.to_owned()]
    };
    let rows: Vec<_> = plan.steps.iter().map(row).collect();
    format!("{}\n", table(&["step", "what", "now"], &rows))
}

fn taken_back(taken: &TakenBack) -> String {
    let mut told = String::new();
    for removed in &taken.removed {
        told.push_str(&format!("{}\n", hanging("  removed ", removed)));
    }
    for left in &taken.left {
        told.push_str(&format!("{}\n", hanging("  left ", left)));
    }
    told
}

fn say(text: &str) {
    // A reader that has gone away is no reason to stop.
    let _ = write!(std::io::stdout(), "{text}");
}
