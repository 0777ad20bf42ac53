//! Puts the program together: the place, who signs in, and where the journal is.

use std::path::Path;
use std::sync::Arc;

use azconnect::arm::Fleet;
use azconnect::core::{Clock, Error, Secret};
use azconnect::store::SqliteStore;
use azconnect::{Azure, Storage};
use azconnect_emulator::{Emulator, Fault, FaultAction, Seed};
use azconnect_examples::end::{environment, read_file};
use azconnect_examples::key_file::key_file;
use azconnect_examples::place::Place;
use azconnect_testkit::VirtualClock;

use crate::arguments::Arguments;
use crate::say;

/// The seed of the emulator inside the program. Its applications also sign in at a running emulator.
const MACHINES: &str = include_str!("../data/machines.json");

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";

/// Everything that the program works with.
pub(crate) struct Site {
    pub(crate) fleet: Fleet,
    /// The emulator inside the program, if that is the place.
    emulator: Option<Emulator>,
    /// The machine whose connection breaks there.
    unlucky: String,
}

impl Site {
    /// Lets nobody hear what becomes of the second machine, on the emulator inside the program.
    pub(crate) fn break_one_connection(&self) {
        if let Some(emulator) = &self.emulator {
            let path = format!("/virtualMachines/{}?", self.unlucky);
            emulator.faults().add(Fault::new(FaultAction::LoseAnswer).with_path(&path).forever());
        }
    }

    pub(crate) fn mend_connections(&self) {
        if let Some(emulator) = &self.emulator {
            emulator.faults().clear();
        }
    }

    /// Tells from the emulator's own books what is there.
    pub(crate) fn tell_what_is_there(&self) {
        let Some(emulator) = &self.emulator else { return };
        let ledger = emulator.truth().ledger;
        let live = ledger.iter().filter(|entry| entry.is_live() && entry.created_by.is_some());
        let names = live.clone().filter(|entry| entry.kind.eq_ignore_ascii_case("Microsoft.Compute/virtualMachines"));
        let names: Vec<&str> = names.filter_map(|entry| entry.id.rsplit('/').next()).collect();
        let machines = if names.is_empty() { String::new() } else { format!(", the machines {}", names.join(", ")) };
        say(&format!("the emulator's ledger: {} resources{machines}\n", live.count()));
    }
}

pub(crate) async fn assemble(arguments: &Arguments) -> Result<Site, Error> {
    let place = place(arguments).await?;
    let (tenant, client, secret) = who(arguments)?;
    let azure = Azure::new(place.cloud.clone(), place.transport.clone(), place.clock.clone());
    let identity = azure.identity_with_secret(tenant.parse()?, client.parse()?, Secret::new(secret))?;
    let storage = match &arguments.state {
        Some(folder) => Storage::of(Arc::new(open(folder, place.clock.clone()).await?)),
        None => Storage::in_memory(place.clock.clone()),
    };
    let fleet = identity.fleet(arguments.subscription.parse()?, &storage);
    Ok(Site { fleet, emulator: place.embedded, unlucky: format!("{}-2", arguments.name) })
}

/// The place, with machines to work with and hours that pass at once if it is the emulator inside the program.
async fn place(arguments: &Arguments) -> Result<Place, Error> {
    if arguments.place.azure || arguments.place.emulator.is_some() {
        return arguments.place.find().await;
    }
    let seed = match &arguments.place.seed {
        Some(path) => Seed::from_json(&read_file("--seed", path)?)?,
        None => Seed::from_json(MACHINES)?,
    };
    tokio::time::pause();
    let clock = Arc::new(VirtualClock::new());
    let emulator = Emulator::from_seed(seed, clock.clone())?;
    let (cloud, transport) = (emulator.cloud(), emulator.transport());
    Ok(Place { cloud, transport, clock, embedded: Some(emulator), is_azure: false })
}

fn who(arguments: &Arguments) -> Result<(String, String, String), Error> {
    if arguments.place.azure {
        let variable = |name: &str| environment(name);
        return Ok((variable("AZURE_TENANT_ID")?, variable("AZURE_CLIENT_ID")?, variable("AZURE_CLIENT_SECRET")?));
    }
    let (client, secret) = ("a1000000-0000-4000-8000-000000000001", "Emu8Q~only.for-the-embedded-emulator_00011");
    Ok((TENANT.to_owned(), client.to_owned(), secret.to_owned()))
}

/// Opens the database in the folder, sealed with the key beside it. The key is made with the folder.
async fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<SqliteStore, Error> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Error::invalid("--state", format!("cannot make {}: {}", folder.display(), error.kind()))
            .with_advice("give the path of a folder that can be written")
    })?;
    SqliteStore::open_with_key_file(folder.join("fleet.db"), key_file(folder)?, clock).await
}
