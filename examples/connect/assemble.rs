//! Puts the program together: the place, and where records and secrets are kept.

use std::path::Path;
use std::sync::Arc;

use azconnect::core::{Clock, Error};
use azconnect::http::SystemClock;
use azconnect::store::SqliteStore;
use azconnect::{Azure, Storage};
use azconnect_emulator::{Emulator, Seed};
use azconnect_examples::alone::Alone;
use azconnect_examples::end::read_file;
use azconnect_examples::journal::JournalArguments;
use azconnect_examples::key_file::key_file;
use azconnect_examples::recorded::RecordedEmulator;
use azconnect_testkit::VirtualClock;

use crate::arguments::Arguments;

/// The emulator's world: a subscription, and applications of which some cannot be connected.
const SEED: &str = include_str!("../data/connect.json");

/// What the program works with.
pub struct Site {
    pub azure: Azure,
    pub storage: Storage,
    pub clock: Arc<dyn Clock>,
}

pub async fn assemble(arguments: &Arguments) -> Result<Site, Error> {
    if arguments.is_virtual() {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new());
        let emulator = Emulator::from_seed(seed(arguments)?, clock.clone())?;
        let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());
        return Ok(Site { azure, storage: Storage::in_memory(clock.clone()), clock });
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    if let Some(folder) = &arguments.state {
        std::fs::create_dir_all(folder).map_err(|error| {
            Error::invalid("--state", format!("cannot make the folder {}: {}", folder.display(), error.kind()))
                .with_advice("name a folder that can be written")
        })?;
    }
    let azure = match &arguments.state {
        Some(folder) if arguments.is_embedded() => {
            let alone = Alone::in_folder(folder)?;
            let store = Arc::new(open(arguments, folder, "emulator.db").await?);
            let recorded = RecordedEmulator::open(seed(arguments)?, store, alone).await?;
            Azure::new(recorded.emulator().cloud(), recorded, clock.clone())
        }
        _ => {
            let place = arguments.place.find().await?;
            Azure::new(place.cloud, place.transport, clock.clone())
        }
    };
    let storage = match &arguments.state {
        Some(folder) => {
            let store = open(arguments, folder, "connect.db").await?;
            arguments.journal.set_aside_in(&store).await?;
            Storage::of(Arc::new(store))
        }
        None => Storage::in_memory(clock.clone()),
    };
    Ok(Site { azure, storage, clock })
}

fn seed(arguments: &Arguments) -> Result<Seed, Error> {
    Ok(match &arguments.place.seed {
        Some(path) => Seed::from_json(&read_file("--seed", path)?)?,
        None => Seed::from_json(SEED)?,
    })
}

/// Opens a database in the folder, sealed with the key beside it.
async fn open(arguments: &Arguments, folder: &Path, name: &str) -> Result<SqliteStore, Error> {
    let (database, clock) = (folder.join(name), Arc::new(SystemClock::new()));
    let opened = arguments.journal.options().open_with_key_file(database, key_file(folder)?, clock).await;
    opened.map_err(JournalArguments::explain)
}
