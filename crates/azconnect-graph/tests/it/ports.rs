//! The suites of the ports that a product calls, against the emulator with replicas that lag.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{ClientId, Clock, Error, PrincipalObjectId, Secret};
use azconnect_credential::TokenProvider;
use azconnect_emulator::{Emulator, Fault, FaultAction, Seed, Service, Settings};
use azconnect_graph::{
    Application, ApplicationOwners, ApplicationRef, ApplicationRegistrar, ApplicationTrust, Applications,
    ConsentKeeper, GraphClient, PermissionId, PrincipalRegistrar,
};
use azconnect_http::{Bearer, Call, Dialect, Pipeline, Response};
use azconnect_identity::{ClientSecretSource, TokenCache, TokenEndpoint};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::conformance::application_trust::{self, ApplicationTrustHarness};
use azconnect_testkit::conformance::applications::{self, ApplicationsHarness};
use azconnect_testkit::conformance::registration::{self, RegistrationHarness};
use serde_json::{Value, json};
use uuid::Uuid;

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
const CALLER: &str = "10000000-0000-4000-8000-000000000003";

struct Harness {
    clock: VirtualClock,
    emulator: Emulator,
    client: GraphClient,
    tokens: Arc<dyn TokenProvider>,
}

impl Harness {
    fn new() -> Self {
        let clock = VirtualClock::new();
        let seed = json!({"tenants": [{
            "id": TENANT, "domain": "contoso.onmicrosoft.com",
            "applications": [{
                "displayName": "Caller", "clientId": CALLER, "graphRoles": ["Application.ReadWrite.All", "Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All",
                               "AppRoleAssignment.ReadWrite.All"],
                "passwords": [{"secret": "the-callers-secret"}],
            }],
        }]});
        let lag = Duration::from_secs(20);
        // What is created is known everywhere within the time for which `ensure` looks for it.
        let settings = Settings::default().with_create_lag(Duration::from_secs(10));
        let settings = settings.with_add_lag(lag).with_remove_lag(lag).with_list_lag(lag);
        let seed = Seed::from_json(&seed.to_string()).unwrap();
        let emulator = Emulator::from_seed(seed, Arc::new(clock.clone())).unwrap().with_settings(settings);
        let pipeline = Pipeline::new(emulator.transport(), Arc::new(clock.clone()));
        let endpoint = TokenEndpoint::new(pipeline.clone(), &emulator.cloud(), TENANT.parse().unwrap());
        let source =
            ClientSecretSource::new(endpoint, CALLER.parse().unwrap(), Secret::new("the-callers-secret")).unwrap();
        let tokens: Arc<dyn TokenProvider> = Arc::new(TokenCache::new(source, Arc::new(clock.clone())));
        let client = GraphClient::new(pipeline, &emulator.cloud(), tokens.clone());
        Self { clock, emulator, client, tokens }
    }

    fn fault(&self, fault: Fault) {
        self.emulator.faults().add(fault.with_service(Service::Graph));
    }
}

/// Takes every answer: what a test sets up is looked at by the suite.
struct Anything;

impl Dialect for Anything {
    fn judge(&self, _: &Response) -> Result<(), Error> {
        Ok(())
    }
}

impl Harness {
    async fn post(&self, path: &str, body: &Value) -> Value {
        let cloud = self.emulator.cloud();
        let url = cloud.graph().join(path).unwrap();
        let call = Call::post("test.set_up", url)
            .with_authorizer(Arc::new(Bearer::new(self.tokens.clone(), cloud.graph_scope())))
            .with_json(body)
            .unwrap();
        let pipeline = Pipeline::new(self.emulator.transport(), Arc::new(self.clock.clone()));
        serde_json::from_slice(pipeline.execute(call, &Anything).await.unwrap().body()).unwrap()
    }

    async fn pass_lag(&self) {
        self.clock.sleep(Duration::from_secs(60)).await;
    }

    /// A client for a set-up, which goes on with what it made a moment ago.
    fn patient(&self) -> GraphClient {
        self.client.clone().with_settling_time(Duration::from_secs(60))
    }

    fn break_down(&self) {
        self.fault(Fault::new(FaultAction::Refuse).forever());
    }
}

#[async_trait]
impl ApplicationsHarness for Harness {
    fn applications(&self) -> Arc<dyn Applications> {
        Arc::new(self.client.clone())
    }
    async fn register(&self, display_name: &str) -> ClientId {
        let made = self.post("v1.0/applications", &json!({"displayName": display_name})).await;
        self.pass_lag().await;
        let client = made["appId"].as_str().unwrap();
        self.post("v1.0/servicePrincipals", &json!({"appId": client})).await;
        let path = format!("v1.0/applications(appId='{client}')/addPassword");
        self.post(&path, &json!({"passwordCredential": {"displayName": "by hand"}})).await;
        client.parse().unwrap()
    }
    async fn settle(&self) {
        self.pass_lag().await;
    }
    async fn disconnect(&self) {
        self.break_down();
    }
}

#[async_trait]
impl ApplicationTrustHarness for Harness {
    fn trust(&self) -> Arc<dyn ApplicationTrust> {
        Arc::new(self.client.clone())
    }
    fn application(&self) -> ApplicationRef {
        CALLER.parse::<ClientId>().unwrap().into()
    }
    async fn settle(&self) {
        self.pass_lag().await;
    }
    async fn disconnect(&self) {
        self.break_down();
    }
    async fn lose_next_change(&self) {
        self.fault(Fault::new(FaultAction::LoseAnswer).with_method("POST"));
    }
}

#[async_trait]
impl RegistrationHarness for Harness {
    fn registrar(&self) -> Arc<dyn ApplicationRegistrar> {
        Arc::new(self.patient())
    }
    fn principals(&self) -> Arc<dyn PrincipalRegistrar> {
        Arc::new(self.patient())
    }
    fn owners(&self) -> Arc<dyn ApplicationOwners> {
        Arc::new(self.patient())
    }
    fn consents(&self) -> Arc<dyn ConsentKeeper> {
        Arc::new(self.patient())
    }
    fn applications(&self) -> Arc<dyn Applications> {
        Arc::new(self.client.clone())
    }
    fn resource(&self) -> (PrincipalObjectId, [PermissionId; 2]) {
        let tenant: Uuid = TENANT.parse().unwrap();
        let graph: Uuid = "00000003-0000-0000-c000-000000000000".parse().unwrap();
        let role = |id: &str| id.parse().unwrap();
        let roles = ["18a4783c-866b-4cc7-a460-3d5e5662c884", "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"].map(role);
        (Uuid::new_v5(&tenant, graph.as_bytes()).into(), roles)
    }
    async fn settle(&self) {
        self.pass_lag().await;
    }
    async fn lose_next_change(&self) {
        self.fault(Fault::new(FaultAction::LoseAnswer).with_method("POST"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_client_conforms_as_a_tenant_in_which_applications_are_registered() {
    registration::all(async || Harness::new()).await;
}

#[tokio::test(start_paused = true)]
async fn the_client_conforms_as_applications() {
    applications::all(async || Harness::new()).await;
}

#[tokio::test(start_paused = true)]
async fn the_client_conforms_as_application_trust() {
    application_trust::all(async || Harness::new()).await;
}

#[test]
fn what_a_page_shows_has_stable_names_and_no_text_of_a_password() {
    let document = json!({
        "id": CALLER, "appId": CALLER, "displayName": "Deployer", "signInAudience": "AzureADMyOrg",
        "createdDateTime": "2026-11-21T10:00:00Z",
        "passwordCredentials": [{"keyId": CALLER, "displayName": "by hand", "hint": "[6g", "secretText": "never",
                                 "endDateTime": "2027-11-21T10:00:00Z"}],
    });
    let application: Application = serde_json::from_value(document).unwrap();
    let shown = json!({
        "id": CALLER, "client_id": CALLER, "display_name": "Deployer", "audience": "AzureADMyOrg",
        "created_at": "2026-11-21T10:00:00Z", "disabled_by_microsoft_status": null,
        "passwords": [{"key": CALLER, "display_name": "by hand", "starts_at": null, "ends_at": "2027-11-21T10:00:00Z"}],
        "certificates": null,
    });
    assert_eq!(serde_json::to_value(application).unwrap(), shown);
}
