//! The parts of the program: the emulator inside it, where it keeps things, and who acts.

use std::path::Path;
use std::sync::Arc;

use azconnect::core::{Clock, Error, Secret};
use azconnect::http::SystemClock;
use azconnect::setup::ApplicationSetup;
use azconnect::store::{SqliteOptions, SqliteStore};
use azconnect::{Azure, Storage};
use azconnect_emulator::{Emulator, Seed};
use azconnect_examples::alone::Alone;
use azconnect_examples::key_file::key_file;
use azconnect_examples::recorded::RecordedEmulator;

use crate::Arguments;

/// The emulator's world: an operator who may do everything.
const SEED: &str = include_str!("../data/setup.json");

/// The setup, on the emulator inside the program; with a folder for the state it survives the program.
pub async fn assemble(arguments: &Arguments) -> Result<ApplicationSetup, Error> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let seed = Seed::from_json(SEED)?;
    let (azure, storage) = match &arguments.state {
        None => {
            let emulator = Emulator::from_seed(seed, clock.clone())?;
            (Azure::new(emulator.cloud(), emulator.transport(), clock.clone()), Storage::in_memory(clock))
        }
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| {
                Error::invalid("--state", format!("cannot make the folder {}: {}", folder.display(), error.kind()))
                    .with_advice("name a folder that can be written")
            })?;
            let alone = Alone::in_folder(folder)?;
            let recorded = RecordedEmulator::open(seed, Arc::new(open(folder, "emulator.db").await?), alone).await?;
            let azure = Azure::new(recorded.emulator().cloud(), recorded, clock);
            (azure, Storage::of(Arc::new(open(folder, "setup.db").await?)))
        }
    };
    let operator = azure.identity_with_secret(
        "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?,
        "a0000000-0000-4000-8000-000000000001".parse()?,
        Secret::new("Emu8Q~only.for-the-embedded-emulator_00021"),
    )?;
    Ok(operator.application_setup(&storage))
}

/// Opens a database in the folder. Its key lies beside it, since the emulator's secrets open nothing.
async fn open(folder: &Path, name: &str) -> Result<SqliteStore, Error> {
    let (database, clock) = (folder.join(name), Arc::new(SystemClock::new()));
    SqliteOptions::new().open_with_key_file(database, key_file(folder)?, clock).await
}
