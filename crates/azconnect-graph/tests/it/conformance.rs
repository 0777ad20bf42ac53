//! The suite that every issuer passes, against the emulator with replicas that lag.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{ClientId, Clock, Error, ErrorKind, KeyId, Scope, Secret};
use azconnect_credential::{CredentialIssuer, Marker, MintRequest};
use azconnect_emulator::{Emulator, Fault, FaultAction, Hidden, Seed, Service, Settings};
use azconnect_graph::{GraphClient, GraphIssuer};
use azconnect_http::Pipeline;
use azconnect_identity::{ClientSecretSource, TokenCache, TokenEndpoint, TokenRequest, TokenSource};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::conformance::credential_issuer::{self, IssuerHarness};
use serde_json::{Value, json};
use time::OffsetDateTime;

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
const APPLICATION: &str = "10000000-0000-4000-8000-000000000002";
const CALLER: &str = "10000000-0000-4000-8000-000000000003";
const CALLER_PRINCIPAL: &str = "30000000-0000-4000-8000-000000000003";

/// Longer than the emulator's replicas need.
const SETTLED: Duration = Duration::from_secs(60);

struct Harness {
    clock: VirtualClock,
    emulator: Emulator,
    issuer: Arc<GraphIssuer>,
    /// How the service principal is kept from the caller.
    hidden: Hidden,
}

impl Harness {
    /// An application, and a caller that owns it and may change what it owns.
    fn new(settings: Settings, application: Value, tenant: Value) -> Self {
        let clock = VirtualClock::new();
        let mut deployer = json!({
            "displayName": "Deployer", "clientId": APPLICATION, "owners": [CALLER_PRINCIPAL],
            "passwords": [{"secret": "made-by-hand", "displayName": "by hand"}],
        });
        merge(&mut deployer, application);
        let mut contoso = json!({
            "id": TENANT,
            "domain": "contoso.onmicrosoft.com",
            "applications": [deployer, {
                "displayName": "Caller", "clientId": CALLER, "servicePrincipalId": CALLER_PRINCIPAL,
                "graphRoles": ["Application.ReadWrite.OwnedBy", "Policy.Read.All"],
                "passwords": [{"secret": "the-callers-secret"}],
            }],
        });
        merge(&mut contoso, tenant);
        let seed = Seed::from_json(&json!({"tenants": [contoso]}).to_string()).unwrap();
        let emulator = Emulator::from_seed(seed, Arc::new(clock.clone())).unwrap().with_settings(settings);
        let source = source(&emulator, &clock, CALLER, Secret::new("the-callers-secret"));
        let pipeline = Pipeline::new(emulator.transport(), Arc::new(clock.clone()));
        let tokens = TokenCache::new(source, Arc::new(clock.clone()));
        let client = GraphClient::new(pipeline, &emulator.cloud(), Arc::new(tokens));
        let issuer = GraphIssuer::new(client, APPLICATION.parse().unwrap()).unwrap();
        Self { clock, emulator, issuer: Arc::new(issuer), hidden: Hidden::Denied }
    }

    /// The same, with a caller that owns the service principal as well.
    fn owning_both(hidden: Hidden) -> Self {
        let mut harness = Self::new(
            lagging(),
            json!({}),
            json!({"applications": [
                {"displayName": "Deployer", "clientId": APPLICATION, "passwords": [{"secret": "made-by-hand", "displayName": "by hand"}]},
                {
                    "displayName": "Caller", "clientId": CALLER, "servicePrincipalId": CALLER_PRINCIPAL,
                    "owns": [APPLICATION], "graphRoles": ["Application.ReadWrite.OwnedBy", "Policy.Read.All"],
                    "passwords": [{"secret": "the-callers-secret"}],
                },
            ]}),
        );
        harness.hidden = hidden;
        harness
    }

    fn fault(&self, action: FaultAction) {
        self.emulator.faults().add(Fault::new(action).with_service(Service::Graph).with_path("addPassword"));
    }
}

fn merge(document: &mut Value, more: Value) {
    let (Value::Object(document), Value::Object(more)) = (document, more) else { panic!("two objects") };
    document.extend(more);
}

fn source(emulator: &Emulator, clock: &VirtualClock, client: &str, secret: Secret) -> ClientSecretSource {
    let pipeline = Pipeline::new(emulator.transport(), Arc::new(clock.clone()));
    let endpoint = TokenEndpoint::new(pipeline, &emulator.cloud(), TENANT.parse().unwrap());
    ClientSecretSource::new(endpoint, client.parse::<ClientId>().unwrap(), secret).unwrap()
}

#[async_trait]
impl IssuerHarness for Harness {
    fn issuer(&self) -> Arc<dyn CredentialIssuer> {
        self.issuer.clone()
    }

    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    async fn settle(&self) {
        self.clock.sleep(SETTLED).await;
    }

    async fn works(&self, secret: &Secret) -> bool {
        let source = source(&self.emulator, &self.clock, APPLICATION, secret.duplicate());
        let scope = Scope::of_resource("https://management.azure.com");
        let mut accepted = 0;
        // Every replica is asked, one after the other.
        for _ in 0..3 {
            accepted += usize::from(source.fetch(TokenRequest::new(&scope)).await.is_ok());
        }
        assert!(accepted == 0 || accepted == 3, "the replicas have not settled");
        accepted == 3
    }

    async fn lose_next_mint(&self) {
        self.fault(FaultAction::LoseAnswer);
    }

    async fn drop_next_mint(&self) {
        self.fault(FaultAction::DropBefore);
    }

    async fn seed_elsewhere(&self) -> Option<KeyId> {
        let end = self.clock.now() + Duration::from_secs(86_400);
        let application = APPLICATION.parse().unwrap();
        Some(self.emulator.person().add_service_principal_password(application, "elsewhere", end).unwrap())
    }

    async fn set_hidden(&self, hidden: bool) {
        let (person, application) = (self.emulator.person(), APPLICATION.parse().unwrap());
        match hidden {
            true => person.hide_service_principal(application, self.hidden).unwrap(),
            false => person.show_service_principal(application).unwrap(),
        }
    }
}

fn lagging() -> Settings {
    let lag = Duration::from_secs(20);
    Settings::default().with_add_lag(lag).with_remove_lag(lag).with_list_lag(lag)
}

#[tokio::test(start_paused = true)]
async fn the_issuer_conforms() {
    for hidden in [Hidden::Denied, Hidden::NotFound] {
        credential_issuer::all(async || Harness::owning_both(hidden)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_needs_no_more_than_owned_by_and_no_request_is_unknown() {
    let harness = Harness::new(Settings::default(), json!({}), json!({"passwordPolicy": {"maxLifetimeDays": 90}}));
    let inventory = harness.issuer.inventory().await.unwrap();
    assert_eq!(inventory.max_lifetime, Some(Duration::from_secs(90 * 86_400)));
    let request = MintRequest::new(Marker::new("azconnect 0001").unwrap(), harness.now() + Duration::from_secs(86_400));
    let minted = harness.issuer.mint(&request).await.unwrap();
    harness.issuer.retire(minted.key).await.unwrap();
    let truth = harness.emulator.truth();
    assert_eq!(truth.unknown_routes, 0, "{:?}", truth.unknown_route_names);
}

#[tokio::test(start_paused = true)]
async fn a_life_beyond_the_policy_is_refused_with_the_field_and_the_remedy() {
    let harness = Harness::new(Settings::default(), json!({}), json!({"passwordPolicy": {"maxLifetimeDays": 90}}));
    let end = harness.now() + Duration::from_secs(91 * 86_400);
    let request = MintRequest::new(Marker::new("azconnect 0001").unwrap(), end);
    let error: Error = harness.issuer.mint(&request).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("ends_at")));
    assert_eq!(error.service_code(), Some("CredentialInvalidLifetimeAsPerAppPolicy"));
}

#[tokio::test(start_paused = true)]
async fn the_third_password_of_a_personal_audience_is_refused_with_the_remedy() {
    let personal = json!({"signInAudience": "AzureADandPersonalMicrosoftAccount"});
    let harness = Harness::new(Settings::default(), personal, json!({}));
    assert_eq!(harness.issuer.inventory().await.unwrap().key_limit, Some(2));
    let request =
        |name: &str| MintRequest::new(Marker::new(name).unwrap(), harness.now() + Duration::from_secs(86_400));
    harness.issuer.mint(&request("azconnect 0001")).await.unwrap();
    let error = harness.issuer.mint(&request("azconnect 0002")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.advice().contains("2 at most"), "{}", error.advice());
}

#[tokio::test(start_paused = true)]
async fn passwords_of_the_service_principal_are_seen_and_can_be_retired_by_its_owner() {
    let on_principal = json!({"servicePrincipalPasswords": [{"secret": "on-the-principal", "displayName": "portal"}],
                              "graphRoles": []});
    let harness = Harness::new(Settings::default(), on_principal, json!({}));
    let inventory = harness.issuer.inventory().await.unwrap();
    let held = inventory.keys.iter().find(|key| key.display_name.as_deref() == Some("portal")).unwrap();
    assert_eq!(held.holder, azconnect_credential::KeyHolder::ServicePrincipal);
    // The caller owns the application only, and Graph refuses the change of the other object.
    let error = harness.issuer.retire(held.key).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(error.operation(), Some("graph.service_principal.remove_password"));
}
