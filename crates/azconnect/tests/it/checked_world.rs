//! A customer's Azure in which every check of a connection passes, and what a test changes in it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{Clock as _, Secret, SecretStore as _};
use azconnect::credential::{
    CheckReport, CheckStatus, CheckedConnection, ConnectRequest, ConnectionChecks, ConnectionForm, ConnectionKeeper,
    ConnectionRecords,
};
use azconnect::store::{MemoryDocuments, MemoryJournal, MemoryLease, MemorySecrets};
use azconnect::{Azure, Connections, Storage};
use azconnect_emulator::{CannedAnswer, Emulator, Fault, FaultAction, Seed, Service};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::conformance::connection_checks::ChecksHarness;
use azconnect_testkit::conformance::connection_keeper::KeeperHarness;
use serde_json::{Value, json};

pub(crate) const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
pub(crate) const OTHER_TENANT: &str = "7b5e8a6f-1d6d-4a7d-9e1a-2c0b4b1d2e02";
pub(crate) const CLIENT: &str = "10000000-0000-4000-8000-000000000002";
pub(crate) const SUBSCRIPTION: &str = "20000000-0000-4000-8000-000000000001";
pub(crate) const OTHER_SUBSCRIPTION: &str = "20000000-0000-4000-8000-000000000002";
pub(crate) const SECRET: &str = "Emu8Q~a.secret.of.this.example.only_0002";

/// The world as a seed.
pub(crate) fn seed() -> Value {
    json!({
        "tenants": [
            {"id": TENANT, "domain": "contoso.onmicrosoft.com", "applications": [{
                "displayName": "Deployer", "clientId": CLIENT, "devopsOrganizations": ["contoso"],
                "passwords": [{"secret": SECRET}],
            }]},
            {"id": OTHER_TENANT, "domain": "fabrikam.onmicrosoft.com", "applications": []},
        ],
        "subscriptions": [
            {"id": SUBSCRIPTION, "name": "Production", "tenant": TENANT,
             "resourceGroups": [{"name": "rg-web", "location": "westeurope"}],
             "roleAssignments": [{"principal": CLIENT, "role": "Contributor"}]},
            {"id": OTHER_SUBSCRIPTION, "name": "Elsewhere", "tenant": OTHER_TENANT},
        ],
        "organizations": [
            {"name": "contoso", "tenant": TENANT, "projects": [{"name": "Web"}]},
            {"name": "fabrikam", "tenant": OTHER_TENANT, "projects": [{"name": "Web"}]},
        ],
    })
}

pub(crate) struct World {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) emulator: Emulator,
    pub(crate) secrets: MemorySecrets,
    pub(crate) documents: MemoryDocuments,
    pub(crate) connections: Connections,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(seed())
    }

    /// The world after a change of its seed.
    pub(crate) fn changed(change: impl FnOnce(&mut Value)) -> Self {
        let mut seed = seed();
        change(&mut seed);
        Self::of(seed)
    }

    fn of(seed: Value) -> Self {
        let clock = Arc::new(VirtualClock::new());
        let emulator = Emulator::from_seed(Seed::from_json(&seed.to_string()).unwrap(), clock.clone()).unwrap();
        let (secrets, documents) = (MemorySecrets::new(), MemoryDocuments::new());
        let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());
        let storage = Storage::new(
            Arc::new(MemoryJournal::new()),
            Arc::new(secrets.clone()),
            Arc::new(MemoryLease::new(clock.clone())),
            Arc::new(documents.clone()),
        );
        let connections = azure.connections(&storage);
        Self { clock, emulator, secrets, documents, connections }
    }

    /// The world, in which something goes wrong from now on.
    pub(crate) fn with(self, fault: Fault) -> Self {
        self.emulator.faults().add(fault.forever());
        self
    }

    pub(crate) async fn connect(&self, form: &ConnectionForm) -> CheckedConnection {
        self.connections.connect_checked(form).await.unwrap()
    }
}

/// A form that is filled in right.
pub(crate) fn form() -> ConnectionForm {
    ConnectionForm::new(Secret::new(SECRET))
        .with_id("shop")
        .with_display_name("Shop")
        .with_tenant(TENANT)
        .with_client(CLIENT)
        .with_subscription(SUBSCRIPTION)
        .with_region("westeurope")
        .with_resource_group("rg-web")
        .with_organization("contoso")
}

/// What something other than the service answers to requests with a path.
pub(crate) fn page(service: Service, path: &str) -> Fault {
    answer(service, path, 200, json!("<html><body>Sign in to the proxy</body></html>"))
}

pub(crate) fn answer(service: Service, path: &str, status: u16, body: Value) -> Fault {
    at(service, path, FaultAction::Answer(CannedAnswer::new(status).with_body(body)))
}

pub(crate) fn hang(service: Service, path: &str) -> Fault {
    at(service, path, FaultAction::Hang { applied: false })
}

pub(crate) fn at(service: Service, path: &str, action: FaultAction) -> Fault {
    Fault::new(action).with_service(service).with_path(path)
}

/// The codes of the checks that turned out so, in order.
pub(crate) fn codes(report: &CheckReport, status: CheckStatus) -> Vec<&str> {
    report.with_status(status).map(|check| check.code.as_str()).collect()
}

#[async_trait]
impl KeeperHarness for World {
    fn keeper(&self) -> Arc<dyn ConnectionKeeper> {
        Arc::new(self.connections.clone())
    }
    fn records(&self) -> Arc<dyn ConnectionRecords> {
        Arc::new(self.connections.clone())
    }
    fn request(&self) -> ConnectRequest {
        ConnectRequest::new(
            "shop".parse().unwrap(),
            SUBSCRIPTION.parse().unwrap(),
            TENANT.parse().unwrap(),
            CLIENT.parse().unwrap(),
        )
    }
    fn working_secret(&self) -> Secret {
        Secret::new(SECRET)
    }
    async fn end_secrets(&self) {
        self.clock.sleep(Duration::from_secs(10 * 365 * 86_400)).await;
    }
    async fn disconnect_service(&self) {
        self.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(Service::Login).forever());
    }
    async fn kept(&self) -> usize {
        self.secrets.list("", None).await.unwrap().len()
    }
}

#[async_trait]
impl ChecksHarness for World {
    fn checks(&self) -> Arc<dyn ConnectionChecks> {
        Arc::new(self.connections.clone())
    }
    fn form(&self, secret: Secret) -> ConnectionForm {
        let mut form = form();
        form.client_secret = secret;
        form
    }
    async fn disable_subscription(&self) {
        let view = json!({"subscriptionId": SUBSCRIPTION, "tenantId": TENANT, "displayName": "Production", "state": "Disabled"});
        self.emulator.faults().add(answer(Service::ResourceManager, "/subscriptions/{id}", 200, view).forever());
    }
    async fn hide_regions(&self) {
        self.emulator.faults().add(hang(Service::ResourceManager, "/locations").forever());
    }
}
