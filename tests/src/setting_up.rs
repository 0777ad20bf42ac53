//! A tenant on the emulator in which applications are set up, and the processes that do it.

use std::sync::Arc;
use std::time::Duration;

use azconnect::core::{ClientId, Clock, Journal, Lease, PrincipalObjectId, Secret, SecretStore, TenantId};
use azconnect::http::Transport;
use azconnect::setup::{
    ApiPermission, ApplicationSetup, GroupWish, Platform, SetupAudience, SetupId, SetupSpec, SubscriptionAccess,
};
use azconnect::store::{MemoryDocuments, MemoryJournal, MemoryLease, MemorySecrets};
use azconnect::{Azure, Identity, Storage};
use azconnect_emulator::{Emulator, Seed};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

/// The tenant.
pub const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
/// The operator's client id.
pub const OPERATOR: &str = "a0000000-0000-4000-8000-000000000001";
/// The operator's secret.
pub const OPERATOR_SECRET: &str = "Emu8Q~a.secret.of.this.example.only_0001";
/// The client id of an operator who may not give roles.
pub const POOR: &str = "a0000000-0000-4000-8000-000000000003";
/// The subscription.
pub const SUBSCRIPTION: &str = "20000000-0000-4000-8000-000000000001";
/// Who is made an owner.
pub const OWNER: &str = "30000000-0000-4000-8000-000000000009";

/// What the operator may do at Graph for a whole setup.
pub const ALL_ROLES: [&str; 4] = [
    "Application.ReadWrite.OwnedBy",
    "Application.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.Read.All",
];

/// A tenant, its emulator, and what outlives a process.
pub struct Tenant {
    /// The services.
    pub emulator: Emulator,
    /// The time.
    pub clock: Arc<VirtualClock>,
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// The sealed secrets.
    pub secrets: Arc<dyn SecretStore>,
    /// The leases.
    pub lease: Arc<dyn Lease>,
}

impl Tenant {
    /// One whose operator has these roles at Graph, and this role in the subscription.
    pub fn with(graph_roles: &[&str], role: &str) -> Self {
        Self::seeded(graph_roles, role, json!([]), json!({}))
    }

    /// One with more applications, and with settings of the emulator.
    pub fn seeded(graph_roles: &[&str], role: &str, more: Value, settings: Value) -> Self {
        let mut applications = vec![
            json!({"displayName": "Operator", "clientId": OPERATOR, "graphRoles": graph_roles,
                   "passwords": [{"displayName": "operator", "secret": OPERATOR_SECRET}]}),
            json!({"displayName": "Helpdesk", "clientId": "a0000000-0000-4000-8000-000000000009",
                   "servicePrincipalId": OWNER}),
        ];
        let all: Vec<&str> = ALL_ROLES.into_iter().chain(["Application.ReadWrite.All"]).collect();
        applications.push(json!({"displayName": "Poor", "clientId": POOR, "graphRoles": all,
                                 "passwords": [{"secret": "Emu8Q~a.secret.of.this.example.only_0003"}]}));
        applications.extend(more.as_array().cloned().unwrap_or_default());
        let seed = json!({
            "settings": settings,
            "tenants": [{"id": TENANT, "domain": "contoso.onmicrosoft.com", "applications": applications}],
            "subscriptions": [{"id": SUBSCRIPTION, "name": "Contoso", "tenant": TENANT,
                               "roleAssignments": [{"principal": OPERATOR, "role": role}, {"principal": POOR, "role": "Contributor"}]}],
        });
        let clock = Arc::new(VirtualClock::new());
        let seed = Seed::from_json(&seed.to_string()).unwrap_or_else(|fault| panic!("{fault}"));
        let emulator = Emulator::from_seed(seed, clock.clone()).unwrap_or_else(|fault| panic!("{fault}"));
        let lease = Arc::new(MemoryLease::new(clock.clone()));
        let (journal, secrets) = (Arc::new(MemoryJournal::new()), Arc::new(MemorySecrets::new()));
        Self { emulator, clock, journal, secrets, lease }
    }

    /// One whose operator may do everything.
    pub fn new() -> Self {
        Self::with(&ALL_ROLES, "Owner")
    }

    /// The operator, over a transport.
    pub fn operator(&self, transport: Arc<dyn Transport>) -> Identity {
        self.identity(transport, OPERATOR, OPERATOR_SECRET)
    }

    /// An operator who may not give roles.
    pub fn poor(&self) -> Identity {
        self.identity(self.emulator.transport(), POOR, "Emu8Q~a.secret.of.this.example.only_0003")
    }

    fn identity(&self, transport: Arc<dyn Transport>, client: &str, secret: &str) -> Identity {
        let azure = Azure::new(self.emulator.cloud(), transport, self.clock.clone());
        azure
            .identity_with_secret(parsed(TENANT), parsed(client), Secret::new(secret))
            .unwrap_or_else(|e| panic!("{e}"))
    }

    /// Where this tenant's product keeps what outlives a process.
    pub fn storage(&self) -> Storage {
        let documents = Arc::new(MemoryDocuments::new());
        Storage::new(self.journal.clone(), self.secrets.clone(), self.lease.clone(), documents)
    }

    /// A process's part that sets up, over a transport and a journal.
    pub fn setup(&self, transport: Arc<dyn Transport>, journal: Arc<dyn Journal>) -> ApplicationSetup {
        let documents = Arc::new(MemoryDocuments::new());
        let storage = Storage::new(journal, self.secrets.clone(), self.lease.clone(), documents);
        self.operator(transport).application_setup(&storage)
    }

    /// One without disturbances.
    pub fn calm(&self) -> ApplicationSetup {
        self.setup(self.emulator.transport(), self.journal.clone())
    }

    /// Waits until the lease of a process that died has run out.
    pub async fn outlive_the_dead(&self) {
        self.clock.sleep(Duration::from_secs(61)).await;
    }

    /// The client ids of the applications of a name.
    pub fn named(&self, name: &str) -> Vec<ClientId> {
        let truth = self.emulator.truth();
        let of_name = truth.applications.iter().filter(|application| application.display_name == name);
        of_name.map(|application| application.client_id).collect()
    }

    /// How many passwords of an application are alive.
    pub fn live_keys(&self, client: ClientId) -> usize {
        let truth = self.emulator.truth();
        let application = truth.application(client);
        application.map_or(0, |one| one.passwords.iter().filter(|password| password.live).count())
    }

    /// The names of the resource groups.
    pub async fn groups(&self) -> Vec<String> {
        let arm = self.operator(self.emulator.transport()).arm();
        let groups = arm.subscription(parsed(SUBSCRIPTION)).groups().await.unwrap_or_else(|e| panic!("{e}"));
        groups.into_iter().map(|group| group.name).collect()
    }

    /// How many roles a principal has in the subscription.
    pub async fn roles(&self, principal: PrincipalObjectId) -> usize {
        let arm = self.operator(self.emulator.transport()).arm();
        let scope = arm.subscription(parsed(SUBSCRIPTION)).scope().clone();
        arm.roles_of(&scope, principal).await.unwrap_or_else(|e| panic!("{e}")).len()
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self::new()
    }
}

/// A setup with every step in it.
pub fn whole() -> SetupSpec {
    let group = GroupWish::create(parsed("rg-builds"), parsed("westeurope"));
    SetupSpec::new(parsed::<TenantId>(TENANT), "Contoso builds")
        .with_audience(SetupAudience::AnyTenant)
        .with_redirect_uri(Platform::Web, "https://builds.example/signed-in")
        .with_permission(ApiPermission::devops_user_impersonation())
        .without_user_read()
        .with_owner(parsed(OWNER))
        .with_access(SubscriptionAccess::new(parsed(SUBSCRIPTION)).with_group(group))
        .with_admin_consent()
}

/// The name of the setup.
pub fn id() -> SetupId {
    parsed("contoso")
}

/// An id of these tests.
pub fn parsed<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text} is no such id"))
}
