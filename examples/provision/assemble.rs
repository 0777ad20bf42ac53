//! Puts the program together: the place, who signs in, and where the journal is.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use azconnect::arm::Provisioner;
use azconnect::core::{Clock, Error, Secret};
use azconnect::http::SystemClock;
use azconnect::store::SqliteStore;
use azconnect::{Azure, Storage};
use azconnect_emulator::arm::{AgentOutcome, AgentScript, ArmSettings, RetryAfter};
use azconnect_emulator::{Emulator, Seed, Settings};
use azconnect_examples::end::{environment, read_file};
use azconnect_examples::journal::JournalArguments;
use azconnect_examples::key_file::key_file;
use azconnect_examples::place::Place;

use crate::arguments::Arguments;
use crate::tree::Tree;

/// The seed of the emulator inside the program. Its applications also sign in at a running emulator.
const MACHINES: &str = include_str!("../data/machines.json");

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";

/// Everything that the program works with.
pub(crate) struct Site {
    pub(crate) provisioner: Provisioner,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) emulator: Option<Emulator>,
}

pub(crate) async fn assemble(arguments: &Arguments, tree: Arc<Tree>) -> Result<Site, Error> {
    let place = place(arguments).await?;
    let (tenant, client, secret) = who(arguments)?;
    let azure = Azure::new(place.cloud.clone(), place.transport.clone(), place.clock.clone());
    let identity = azure.identity_with_secret(tenant.parse()?, client.parse()?, Secret::new(secret))?;
    let storage = match &arguments.state {
        Some(folder) => {
            let store = open(arguments, folder).await?;
            arguments.journal.set_aside_in(&store).await?;
            Storage::of(Arc::new(store))
        }
        None => Storage::in_memory(place.clock.clone()),
    };
    let provisioner = identity.provisioner(arguments.subscription.parse()?, &storage);
    let provisioner = provisioner.with_observer(move |event| tree.show(event));
    let provisioner = provisioner.with_lease_term(arguments.lease_term());
    Ok(Site { provisioner, clock: place.clock, emulator: place.embedded })
}

/// The place, with machines to work with if it is the emulator inside the program.
async fn place(arguments: &Arguments) -> Result<Place, Error> {
    if arguments.place.azure || arguments.place.emulator.is_some() {
        return arguments.place.find().await;
    }
    let seed = match &arguments.place.seed {
        Some(path) => Seed::from_json(&read_file("--seed", path)?)?,
        None => Seed::from_json(MACHINES)?,
    };
    let clock = Arc::new(SystemClock::new());
    // Shorter than in reality, so that nobody waits for a demonstration.
    let settings = ArmSettings::default()
        .with_all_durations(Duration::from_secs(2))
        .with_retry_after(RetryAfter::Fixed(Duration::from_secs(1)));
    let emulator =
        Emulator::from_seed(seed, clock.clone())?.with_settings(Settings::default().with_resource_manager(settings));
    let outcome = if arguments.failing_agent { AgentOutcome::Fails(100) } else { AgentOutcome::Succeeds };
    let script = AgentScript::new(outcome)
        .with_run(Duration::from_secs(2))
        .with_output("E: Unable to locate package contoso-agent\n");
    emulator.resource_manager().on_machines("", script);
    let (cloud, transport) = (emulator.cloud(), emulator.transport());
    Ok(Place { cloud, transport, clock, embedded: Some(emulator), is_azure: false })
}

fn who(arguments: &Arguments) -> Result<(String, String, String), Error> {
    if arguments.place.azure {
        let variable = |name: &str| environment(name);
        return Ok((variable("AZURE_TENANT_ID")?, variable("AZURE_CLIENT_ID")?, variable("AZURE_CLIENT_SECRET")?));
    }
    let number = if arguments.group_only { 2 } else { 1 };
    let client = format!("a1000000-0000-4000-8000-00000000000{number}");
    Ok((TENANT.to_owned(), client, format!("Emu8Q~only.for-the-embedded-emulator_0001{number}")))
}

/// Opens the database in the folder, sealed with the key beside it. The key is made with the folder.
async fn open(arguments: &Arguments, folder: &Path) -> Result<SqliteStore, Error> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Error::invalid("--state", format!("cannot make {}: {}", folder.display(), error.kind()))
            .with_advice("give the path of a folder that can be written")
    })?;
    let (database, clock) = (folder.join("machines.db"), Arc::new(SystemClock::new()));
    let opened = arguments.journal.options().open_with_key_file(database, key_file(folder)?, clock).await;
    opened.map_err(JournalArguments::explain)
}
