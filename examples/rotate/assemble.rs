//! Puts a rotation together from its parts.

use std::path::Path;
use std::sync::Arc;

use azconnect::core::{ClientId, Clock, Error};
use azconnect::http::SystemClock;
use azconnect::rotation::{Rotator, Target};
use azconnect::store::SqliteStore;
use azconnect::store::seal::{SealingKey, SealingKeyError};
use azconnect::{Azure, Storage};
use azconnect_emulator::Emulator;
use azconnect_examples::alone::Alone;
use azconnect_examples::end::read_file;
use azconnect_examples::journal::JournalArguments;
use azconnect_examples::key_file::key_file;
use azconnect_examples::place::Place;
use azconnect_examples::product::{CONTOSO_PRODUCT, KeptApplication, Product};
use azconnect_examples::recorded::RecordedEmulator;
use azconnect_examples::stop::Stop;

use crate::arguments::Arguments;
use crate::customer::Customer;
use crate::discover::{Connection, discover, projects};
use crate::narrator::Narrator;
use crate::pace::Pace;

/// Everything a run needs: the ports, the target and the place they lead to.
pub struct Workshop {
    pub rotator: Rotator,
    pub targets: Vec<Target>,
    pub connections: Vec<Connection>,
    pub narrator: Arc<Narrator>,
    pub clock: Arc<dyn Clock>,
    pub emulator: Option<Emulator>,
}

/// Finds the place, keeps the customer, finds the service connections, and binds those that hold the secrets.
pub async fn assemble(arguments: &Arguments, narrator: Arc<Narrator>, stop: &Stop) -> Result<Workshop, Error> {
    let product = match &arguments.product {
        Some(path) => Product::from_json(&read_file("--product", path)?)?,
        None => Product::from_json(CONTOSO_PRODUCT)?,
    };
    let kept = kept(&product, arguments.application.as_deref())?;
    let place = find(arguments).await?;
    let place = Place { transport: stop.transport(place.transport.clone()), ..place };
    let operator = product.operator(&place)?;
    let azure = Azure::new(place.cloud.clone(), place.transport.clone(), place.clock.clone());
    let storage = stoppable(storage(arguments, &place).await?, stop);
    let customer = Customer::keep(&azure, &storage, &product, operator).await?;
    let projects = projects(&product)?;
    let connections = discover(&customer.identity, &projects).await?;
    let pace = Pace::of(arguments, &place);
    let mut targets = Vec::new();
    for application in &kept {
        let target = customer.target(&product, application, (&connections, pace.policy())).await?;
        // Each plan looks in all projects, also where nothing is bound yet: a connection may be made between two runs.
        let finder = customer.identity.consumer_finder(application.client, projects.clone());
        targets.push(target.with_finder(finder));
    }
    let rotator = azure.rotator(&storage).with_observer(narrator.clone()).with_lease_term(pace.lease_term());
    Ok(Workshop { rotator, targets, connections, narrator, clock: place.clock, emulator: place.embedded })
}

/// The product's applications, or the one that was asked for.
fn kept(product: &Product, only: Option<&str>) -> Result<Vec<KeptApplication>, Error> {
    let Some(only) = only else { return Ok(product.applications.clone()) };
    let client: ClientId = only.parse().map_err(|error: Error| error.with_field("--application"))?;
    let found = product.applications.iter().find(|application| application.client == client).cloned();
    found.map(|application| vec![application]).ok_or_else(|| {
        Error::invalid("--application", format!("{client} is not an application of the product"))
            .with_advice("name one of the product's file")
    })
}

/// The place. With a folder for the state, the emulator inside the program survives it as well.
async fn find(arguments: &Arguments) -> Result<Place, Error> {
    let (Some(folder), false, None) = (&arguments.state, arguments.place.azure, &arguments.place.emulator) else {
        return arguments.place.find().await;
    };
    let seed = arguments.place.seed()?;
    make(folder)?;
    let alone = Alone::in_folder(folder)?;
    let store = open(arguments, folder, "emulator.db").await?;
    let recorded = RecordedEmulator::open(seed, Arc::new(store), alone).await?;
    let emulator = recorded.emulator().clone();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    Ok(Place { cloud: emulator.cloud(), transport: recorded, clock, embedded: Some(emulator), is_azure: false })
}

/// Journal, sealed secrets and leases: in SQLite if they are to be kept, else in memory.
async fn storage(arguments: &Arguments, place: &Place) -> Result<Storage, Error> {
    match &arguments.state {
        Some(folder) => {
            let store = open(arguments, folder, "rotate.db").await?;
            arguments.journal.set_aside_in(&store).await?;
            Ok(Storage::of(Arc::new(store)))
        }
        None => Ok(Storage::in_memory(place.clock.clone())),
    }
}

/// The same storage, whose leases are given back when somebody asks to stop.
fn stoppable(storage: Storage, stop: &Stop) -> Storage {
    Storage::new(storage.journal(), storage.secrets(), stop.lease(storage.lease()), storage.documents())
}

/// The variable with the key that seals the databases, as base64. Without it the key lies beside them.
const SEALING_KEY: &str = "AZCONNECT_SEALING_KEY";

/// Opens a database in the folder.
async fn open(arguments: &Arguments, folder: &Path, name: &str) -> Result<SqliteStore, Error> {
    make(folder)?;
    let (database, clock) = (folder.join(name), Arc::new(SystemClock::new()));
    let options = arguments.journal.options();
    let opened = match SealingKey::from_env(SEALING_KEY) {
        Err(SealingKeyError::NotInEnvironment { .. }) => {
            options.open_with_key_file(database, key_file(folder)?, clock).await
        }
        key => options.open(database, key?, clock).await,
    };
    opened.map_err(JournalArguments::explain)
}

fn make(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Error::invalid("--state", format!("cannot make the folder {}: {}", folder.display(), error.kind()))
            .with_advice("name a folder that can be written")
    })
}
