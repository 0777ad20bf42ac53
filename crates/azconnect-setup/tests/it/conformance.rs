//! The orchestrator passes the suite of its port.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::ClientId;
use azconnect_saga::SessionPorts;
use azconnect_setup::{GroupWish, Setup, SetupSpec, Step, SubscriptionAccess};
use azconnect_store::{MemoryJournal, MemoryLease, MemorySecrets};
use azconnect_testkit::conformance::setup::{SetupHarness, all};
use azconnect_testkit::{VirtualClock, fake};

pub(crate) struct Harness {
    pub(crate) customer: fake::Customer,
    pub(crate) secrets: Arc<MemorySecrets>,
    session: SessionPorts,
}

impl Harness {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(VirtualClock::new());
        let lease = Arc::new(MemoryLease::new(clock.clone()));
        let session = SessionPorts::new(Arc::new(MemoryJournal::new()), lease, clock.clone());
        Self { customer: fake::Customer::new(clock), secrets: Arc::new(MemorySecrets::new()), session }
    }
}

#[async_trait]
impl SetupHarness for Harness {
    fn setup(&self) -> Arc<dyn Setup> {
        self.customer.allow(Step::Role, true);
        Arc::new(self.customer.setup(self.session.clone(), self.secrets.clone()))
    }

    fn spec(&self, name: &str) -> SetupSpec {
        let group = GroupWish::create("rg-builds".parse().unwrap(), "westeurope".parse().unwrap());
        let access = SubscriptionAccess::new("20000000-0000-4000-8000-000000000001".parse().unwrap()).with_group(group);
        SetupSpec::new(self.customer.tenant(), name).with_access(access)
    }

    async fn applications(&self, name: &str) -> Vec<ClientId> {
        self.customer.applications(name)
    }

    async fn keys(&self, client: ClientId) -> usize {
        self.customer.keys(client)
    }

    async fn register_by_hand(&self, name: &str) -> ClientId {
        self.customer.register_by_hand(name)
    }

    async fn use_elsewhere(&self, client: ClientId) {
        self.customer.use_elsewhere(client, "a client secret of somebody");
    }

    async fn without_roles(&self) -> Arc<dyn Setup> {
        let setup = self.setup();
        self.customer.allow(Step::Role, false);
        setup
    }
}

#[tokio::test(start_paused = true)]
async fn the_orchestrator_passes_the_suite() {
    all(async || Harness::new()).await;
}
