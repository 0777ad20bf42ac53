//! Puts a part of the product's own in the place of one of azconnect's.
//!
//! The product switches machines off at night. It knows the port `Machines` and nothing behind it, so it runs on three
//! things without a changed line: Azure, a rule of its own in front of Azure, and machines that are not in Azure at all.
//!
//! One would do that because a company's rules belong in one place: here nothing may be stopped outside a change window,
//! whoever asks. A rule that every caller has to remember is a rule that somebody forgets.
//!
//! ```text
//! cargo run --example own_part
//! ```
#![allow(unreachable_pub, reason = "a program's modules are its own")]

mod change_window;
mod rack;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use azconnect::arm::port::{Machines, StopMode};
use azconnect::arm::{GroupChoice, Power, ProvisionId, VmSpec};
use azconnect::core::{Error, ResourceGroupName, Secret, SubscriptionId};
use azconnect::http::SystemClock;
use azconnect::{Azure, Identity, Storage};
use azconnect_emulator::arm::{ArmSettings, RetryAfter};
use azconnect_emulator::{Emulator, Seed, Settings};
use azconnect_examples::end::{Failure, report};

use crate::change_window::ChangeWindow;
use crate::rack::Rack;

const SEED: &str = include_str!("../data/machines.json");

#[tokio::main]
async fn main() -> ExitCode {
    report(run().await.map_err(Failure::from))
}

async fn run() -> Result<(), Error> {
    azconnect_examples::log::start()?;
    let (identity, subscription) = contoso()?;
    build_a_machine(&identity, subscription).await?;
    let azure: Arc<dyn Machines> = identity.machines(subscription);

    say("by day, with the company's rule in front of Azure:\n");
    say(&switch_off(&ChangeWindow::closed(azure.clone())).await?);
    say("\nat night, with the same rule:\n");
    say(&switch_off(&ChangeWindow::open(azure)).await?);
    say("\nin the company's own rack, with no Azure behind the port:\n");
    say(&switch_off(&Rack::with_two_machines()?).await?);
    Ok(())
}

/// The product: switches off what runs, and says what became of each machine. It knows only the port.
async fn switch_off(machines: &dyn Machines) -> Result<String, Error> {
    let mut told = String::new();
    for machine in machines.list().await? {
        if machines.status(&machine.id).await?.power != Power::Running {
            told.push_str(&format!("  - {}: off already\n", machine.name));
            continue;
        }
        match machines.stop(&machine.id, StopMode::Deallocate).await {
            Ok(()) => told.push_str(&format!("  ✓ {}: switched off\n", machine.name)),
            Err(error) => told.push_str(&format!("  ✗ {}: {error}\n    {}\n", machine.name, error.advice())),
        }
    }
    Ok(told)
}

/// An application that may act in a subscription, on an emulator inside the program.
fn contoso() -> Result<(Identity, SubscriptionId), Error> {
    let clock = Arc::new(SystemClock::new());
    // Shorter than in reality, so that nobody waits for a demonstration.
    let settings = ArmSettings::default()
        .with_all_durations(Duration::from_millis(200))
        .with_retry_after(RetryAfter::Fixed(Duration::from_secs(1)));
    let emulator = Emulator::from_seed(Seed::from_json(SEED)?, clock.clone())?
        .with_settings(Settings::default().with_resource_manager(settings));
    let azure = Azure::new(emulator.cloud(), emulator.transport(), clock);
    let identity = azure.identity_with_secret(
        "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?,
        "a1000000-0000-4000-8000-000000000001".parse()?,
        Secret::new("Emu8Q~only.for-the-embedded-emulator_00011"),
    )?;
    Ok((identity, "22222222-2222-4222-8222-222222222222".parse()?))
}

async fn build_a_machine(identity: &Identity, subscription: SubscriptionId) -> Result<(), Error> {
    let provisioning = identity.provisioning(subscription, &Storage::in_memory(Arc::new(SystemClock::new())));
    let group = GroupChoice::Create(ResourceGroupName::new("rg-web")?);
    let spec = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse()?, group)?;
    let plan = provisioning.plan(ProvisionId::new("contoso/web")?, spec).await?;
    provisioning.run(&plan).await.map(drop)
}

fn say(text: &str) {
    // A reader that has gone away is no reason to stop.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
