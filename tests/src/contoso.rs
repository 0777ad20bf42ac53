//! The example's world: Contoso, its applications and its service connections, on the emulator under virtual time.

use std::sync::Arc;
use std::time::Duration;

use azconnect::core::{ClientId, Clock, Journal, KeyId, Lease, Secret, SecretStore};
use azconnect::http::Transport;
use azconnect::rotation::{Policy, Ports, Rotator, SinkBinding, Target};
use azconnect::store::{MemoryJournal, MemoryLease, MemorySecrets};
use azconnect::{Azure, Identity};
use azconnect_emulator::{Emulator, Seed, Settings};
use azconnect_testkit::VirtualClock;
use uuid::Uuid;

/// The example's seed.
pub const SEED: &str = include_str!("../../examples/data/contoso.json");
/// How long a dead process keeps its lease.
pub const TERM: Duration = Duration::from_secs(60);

/// Contoso, and the product that keeps its secrets fresh.
pub struct Contoso {
    /// What time it is, for everybody.
    pub clock: VirtualClock,
    /// The cloud.
    pub emulator: Emulator,
    /// The product's journal.
    pub journal: Arc<dyn Journal>,
    /// The product's sealed secrets.
    pub secrets: Arc<dyn SecretStore>,
    /// The product's leases.
    pub lease: Arc<dyn Lease>,
}

/// The application whose secret is due.
pub fn deploy() -> ClientId {
    "a0000000-0000-4000-8000-000000000002".parse().unwrap()
}

/// The application the product itself signs in with.
pub fn operator() -> ClientId {
    "a0000000-0000-4000-8000-000000000001".parse().unwrap()
}

/// The secret that was made by hand and handed over.
pub fn old_key() -> KeyId {
    "b0000000-0000-4000-8000-000000000002".parse().unwrap()
}

/// The secret of another team on the same application.
pub fn foreign_key() -> KeyId {
    "b0000000-0000-4000-8000-000000000003".parse().unwrap()
}

/// The operator's own secret.
pub fn operator_key() -> KeyId {
    "b0000000-0000-4000-8000-000000000001".parse().unwrap()
}

/// The two service connections that hold the deploy secret.
pub fn connections() -> [Uuid; 2] {
    ["c0000000-0000-4000-8000-000000000001", "c0000000-0000-4000-8000-000000000011"].map(|id| id.parse().unwrap())
}

/// The terms of every test.
pub fn policy() -> Policy {
    Policy::default().with_settle(Duration::from_secs(30)).with_grace(Duration::from_secs(900))
}

impl Contoso {
    /// Contoso with the lags that people report.
    pub fn new() -> Self {
        Self::with(Settings::realistic())
    }

    /// Contoso with other lags.
    pub fn with(settings: Settings) -> Self {
        Self::of(Seed::from_json(SEED).unwrap(), settings)
    }

    /// Contoso where something is different from the example.
    pub fn of(seed: Seed, settings: Settings) -> Self {
        let clock = VirtualClock::new();
        let emulator = Emulator::from_seed(seed, Arc::new(clock.clone())).unwrap().with_settings(settings);
        let lease = Arc::new(MemoryLease::new(Arc::new(clock.clone())));
        let (journal, secrets) = (Arc::new(MemoryJournal::new()), Arc::new(MemorySecrets::new()));
        Self { clock, emulator, journal, secrets, lease }
    }

    /// The operator's secret, as its configuration holds it.
    pub fn operator_secret(&self) -> Secret {
        self.emulator.secret_of(operator_key()).unwrap()
    }

    /// The operator, signed in over a transport.
    pub fn operator(&self, transport: Arc<dyn Transport>) -> Identity {
        let azure = Azure::new(self.emulator.cloud(), transport, Arc::new(self.clock.clone()));
        let tenant = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap();
        azure.identity_with_secret(tenant, operator(), self.operator_secret()).unwrap()
    }

    /// The rotation of the deploy secret: pushed to a connection of Azure Resource Manager, and to one of a private
    /// registry that cannot be reached from here.
    pub fn target(&self, transport: Arc<dyn Transport>) -> Target {
        let operator = self.operator(transport);
        let [production, images] = connections();
        let production = operator.service_connection("contoso", "Web", production.into(), deploy()).unwrap();
        let images = operator.service_connection("fabrikam", "Shop", images.into(), deploy()).unwrap();
        operator
            .target(deploy())
            .unwrap()
            .with_policy(policy())
            .with_adopted(old_key())
            .with_sink(SinkBinding::new(Arc::new(production)))
            .with_sink(SinkBinding::new(Arc::new(images)).with_receipt_as_proof())
    }

    /// The product's ports.
    pub fn ports(&self) -> Ports {
        Ports::new(self.journal.clone(), self.secrets.clone(), self.lease.clone(), Arc::new(self.clock.clone()))
    }

    /// A process of the product.
    pub fn rotator(&self, ports: Ports) -> Rotator {
        Rotator::new(ports).with_lease_term(TERM).with_patience(Duration::from_secs(30 * 86_400))
    }

    /// Lets the lease of a dead process run out.
    pub async fn outlive_the_dead(&self) {
        self.clock.sleep(TERM).await;
    }
}

impl Default for Contoso {
    fn default() -> Self {
        Self::new()
    }
}
