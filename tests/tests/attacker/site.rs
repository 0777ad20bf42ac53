//! A product with one SQLite database, and the clouds it works in.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use azconnect::arm::{GroupChoice, ProvisionId, Provisioner, VmSpec};
use azconnect::core::{Error, Secret};
use azconnect::credential::ConnectRequest;
use azconnect::rotation::{Rotator, Target};
use azconnect::store::SqliteStore;
use azconnect::{Azure, Storage};
use azconnect_emulator::{Emulator, Seed, Settings};
use azconnect_tests::contoso::{Contoso, deploy, old_key};
use rusqlite::Connection;
use tempfile::TempDir;

/// The example's machines.
const MACHINES: &str = include_str!("../../../examples/data/machines.json");
const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";

/// Contoso, its machines, and the product's database in a folder.
pub struct Site {
    pub contoso: Contoso,
    pub machines: Emulator,
    folder: TempDir,
}

impl Site {
    pub fn new() -> Self {
        let contoso = Contoso::with(Settings::default());
        let clock = Arc::new(contoso.clock.clone());
        let machines = Emulator::from_seed(Seed::from_json(MACHINES).unwrap(), clock).unwrap();
        Self { contoso, machines, folder: tempfile::tempdir().unwrap() }
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("azconnect.db")
    }

    /// The product starts: it opens its database with the key that lies elsewhere.
    pub async fn starts(&self) -> Result<Product<'_>, Error> {
        let key = self.folder.path().join("elsewhere.key");
        let clock = Arc::new(self.contoso.clock.clone());
        let store = Arc::new(SqliteStore::open_with_key_file(self.database(), key, clock).await?);
        Ok(Product { site: self, storage: Storage::of(store.clone()), store })
    }

    /// What the attacker does to the file, without the key.
    pub fn writes(&self, sql: &str) {
        let database = Connection::open(self.database()).unwrap();
        database.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
        drop(database);
    }

    /// One value of the file.
    pub fn reads<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        Connection::open(self.database()).unwrap().query_row(sql, (), |row| row.get(0)).unwrap()
    }

    /// The file as it is now, with everything that its log still holds.
    pub fn copy(&self) -> Vec<u8> {
        self.writes("PRAGMA wal_checkpoint(TRUNCATE)");
        std::fs::read(self.database()).unwrap()
    }

    /// Puts a copy of the file in its place.
    pub fn put_back(&self, copy: &[u8]) {
        for ending in ["-wal", "-shm"] {
            let mut path = self.database().into_os_string();
            path.push(ending);
            std::fs::remove_file(path).ok();
        }
        std::fs::write(self.database(), copy).unwrap();
    }

    /// Everything that the clouds hold, and how often they were asked: an attack that fails leaves it as it is.
    pub fn standing(&self) -> String {
        let (truth, machines) = (self.contoso.emulator.truth(), self.machines.truth());
        let passwords = truth.applications.iter().flat_map(|application| &application.passwords);
        let live: Vec<_> = passwords.filter(|password| password.live).map(|password| password.key_id).collect();
        let held: Vec<_> = truth.connections.iter().map(|connection| format!("{:?}", connection.holds)).collect();
        let exchanges = (truth.exchanges, machines.exchanges);
        let alive = machines.ledger.iter().filter(|entry| entry.is_live()).count();
        format!("{live:?} {held:?} {exchanges:?} {alive}")
    }
}

/// A process of the product.
pub struct Product<'a> {
    site: &'a Site,
    pub storage: Storage,
    pub store: Arc<SqliteStore>,
}

impl Product<'_> {
    fn azure(&self, emulator: &Emulator) -> Azure {
        Azure::new(emulator.cloud(), emulator.transport(), Arc::new(self.site.contoso.clock.clone()))
    }

    /// Contoso's identity service, as the product uses it.
    pub fn contoso(&self) -> Azure {
        self.azure(&self.site.contoso.emulator)
    }

    pub fn target(&self) -> Target {
        self.site.contoso.target(self.site.contoso.emulator.transport())
    }

    /// A rotator that leaves in the grace.
    pub fn rotator(&self) -> Rotator {
        self.contoso().rotator(&self.storage).with_patience(Duration::from_secs(60))
    }

    pub fn provisioner(&self) -> Provisioner {
        let client = "a1000000-0000-4000-8000-000000000001".parse().unwrap();
        let secret = Secret::new("Emu8Q~only.for-the-embedded-emulator_00011");
        let azure = self.azure(&self.site.machines);
        let identity = azure.identity_with_secret(TENANT.parse().unwrap(), client, secret).unwrap();
        identity.provisioner(subscription(), &self.storage)
    }
}

pub fn subscription() -> azconnect::core::SubscriptionId {
    "22222222-2222-4222-8222-222222222222".parse().unwrap()
}

pub fn machine() -> ProvisionId {
    ProvisionId::new("contoso/web").unwrap()
}

pub fn spec() -> VmSpec {
    let group = GroupChoice::Create("rg-web".parse().unwrap());
    VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap()
}

/// The connection of a customer, with the secret that was made by hand.
pub fn request(name: &str) -> ConnectRequest {
    let subscription = "22222222-2222-4222-8222-222222222222".parse().unwrap();
    ConnectRequest::new(name.parse().unwrap(), subscription, TENANT.parse().unwrap(), deploy())
}

pub fn handed_over(site: &Site) -> Secret {
    site.contoso.emulator.secret_of(old_key()).unwrap()
}
