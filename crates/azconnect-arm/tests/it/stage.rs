//! An emulator with one subscription, and a provisioner that works in it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_arm::{
    AgentInstall, Arm, GroupChoice, InboundRule, ProvisionId, ProvisionPlan, Provisioner, Subscription, VmSpec,
};
use azconnect_core::{Clock, Error, ResourceGroupName, Scope, Secret, SubscriptionId};
use azconnect_credential::entra::{EntraCode, TokenRefusal};
use azconnect_credential::{AccessToken, TokenProvider};
use azconnect_emulator::arm::ArmSettings;
use azconnect_emulator::{Emulator, Seed, Settings};
use azconnect_http::{Pipeline, Transport};
use azconnect_store::{MemoryJournal, MemoryLease, MemorySecrets};
use azconnect_testkit::VirtualClock;
use bytes::Bytes;
use serde_json::json;

pub(crate) const SUBSCRIPTION: &str = "20000000-0000-4000-8000-000000000001";
pub(crate) const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
pub(crate) const CLIENT: &str = "10000000-0000-4000-8000-000000000002";
/// Another application of the same tenant, with no role unless a test gives it one.
pub(crate) const SUCCESSOR: &str = "10000000-0000-4000-8000-0000000000aa";
pub(crate) const SECRET: &str = "from the seed";

pub(crate) struct Stage {
    pub(crate) emulator: Emulator,
    pub(crate) clock: VirtualClock,
    pub(crate) journal: MemoryJournal,
    pub(crate) secrets: MemorySecrets,
    pub(crate) lease: MemoryLease,
}

/// Signs in at the emulator.
pub(crate) struct SignIn {
    client: &'static str,
    pub(crate) tenant: &'static str,
    transport: Arc<dyn Transport>,
    clock: VirtualClock,
}

#[async_trait]
impl TokenProvider for SignIn {
    async fn token(&self, scope: &Scope) -> Result<Arc<AccessToken>, Error> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("grant_type", "client_credentials"),
                ("client_id", self.client),
                ("client_secret", SECRET),
                ("scope", scope.as_str()),
            ])
            .finish();
        let address = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", self.tenant);
        let request = http::Request::post(address).body(Bytes::from(form)).unwrap();
        let answer = self.transport.send(request).await?;
        if !answer.status().is_success() {
            let codes = TokenRefusal::read(answer.body()).codes;
            return Err(EntraCode::most_telling(&codes).expect("a number of Entra ID").explain());
        }
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        let token = body["access_token"].as_str().unwrap_or_else(|| panic!("no token: {body}"));
        let expires = self.clock.now() + Duration::from_secs(3000);
        Ok(Arc::new(AccessToken::new(Secret::new(token), expires, expires)))
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}

/// Keeps the first token, so that a crash can be counted in exchanges of Azure Resource Manager alone.
pub(crate) struct OneToken(pub(crate) Arc<AccessToken>);

#[async_trait]
impl TokenProvider for OneToken {
    async fn token(&self, _: &Scope) -> Result<Arc<AccessToken>, Error> {
        Ok(self.0.clone())
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}

impl Stage {
    /// With durations as measured, in virtual time, and the role of a contributor in the subscription.
    pub(crate) fn new() -> Self {
        Self::with(ArmSettings::default(), json!([{"principal": CLIENT, "role": "Contributor"}]))
    }

    /// For an identity that may act in the group `rg-web` only, which exists.
    pub(crate) fn for_group_only() -> Self {
        Self::with(
            ArmSettings::default(),
            json!([{"principal": CLIENT, "role": "Contributor", "resourceGroup": "rg-web"}]),
        )
    }

    pub(crate) fn with(settings: ArmSettings, roles: serde_json::Value) -> Self {
        let group_only = roles[0].get("resourceGroup").is_some();
        let groups = if group_only { json!([{"name": "rg-web", "location": "westeurope"}]) } else { json!([]) };
        let seed = json!({
            "tenants": [{
                "id": TENANT,
                "domain": "contoso.onmicrosoft.com",
                "applications": [
                    {"displayName": "Deployer", "clientId": CLIENT, "passwords": [{"secret": SECRET}]},
                    {"displayName": "Successor", "clientId": SUCCESSOR, "passwords": [{"secret": SECRET}]}
                ]
            }],
            "subscriptions": [{
                "id": SUBSCRIPTION,
                "tenant": TENANT,
                "name": "Contoso",
                "roleAssignments": roles,
                "resourceGroups": groups
            }]
        });
        let clock = VirtualClock::new();
        let seed = Seed::from_json(&seed.to_string()).unwrap();
        let emulator = Emulator::from_seed(seed, Arc::new(clock.clone()))
            .unwrap()
            .with_settings(Settings::default().with_resource_manager(settings));
        let lease = MemoryLease::new(Arc::new(clock.clone()));
        Self { emulator, clock, journal: MemoryJournal::new(), secrets: MemorySecrets::new(), lease }
    }

    pub(crate) fn sign_in(&self) -> Arc<SignIn> {
        self.sign_in_as(CLIENT)
    }

    /// Gives an application a role at a scope, now.
    pub(crate) fn grant(&self, client: &str, role: &str, scope: &str) {
        let truth = self.emulator.truth();
        let principal = truth.application(client.parse().unwrap()).unwrap().service_principal_id.unwrap();
        self.emulator.resource_manager().grant(principal.as_uuid(), role, scope).unwrap();
    }

    pub(crate) fn sign_in_in(&self, tenant: &'static str) -> Arc<SignIn> {
        Arc::new(SignIn { client: CLIENT, tenant, transport: self.emulator.transport(), clock: self.clock.clone() })
    }

    pub(crate) fn sign_in_as(&self, client: &'static str) -> Arc<SignIn> {
        Arc::new(SignIn { client, tenant: TENANT, transport: self.emulator.transport(), clock: self.clock.clone() })
    }

    pub(crate) fn subscription_as(&self, client: &'static str) -> Subscription {
        self.arm_with(self.sign_in_as(client)).subscription(subscription_id())
    }

    pub(crate) fn arm_with(&self, tokens: Arc<dyn TokenProvider>) -> Arm {
        let pipeline = Pipeline::new(self.emulator.transport(), Arc::new(self.clock.clone()));
        Arm::new(pipeline, &self.emulator.cloud(), tokens)
    }

    pub(crate) fn subscription(&self) -> Subscription {
        self.arm_with(self.sign_in()).subscription(subscription_id())
    }

    pub(crate) fn provisioner(&self) -> Provisioner {
        self.provisioner_in(self.subscription())
    }

    pub(crate) fn provisioner_in(&self, subscription: Subscription) -> Provisioner {
        Provisioner::new(
            subscription,
            Arc::new(self.journal.clone()),
            Arc::new(self.secrets.clone()),
            Arc::new(self.lease.clone()),
        )
    }

    /// What exists at the emulator and no seed put there.
    pub(crate) fn live(&self) -> Vec<String> {
        let truth = self.emulator.truth();
        assert_eq!(truth.unknown_routes, 0, "the client used a route that the emulator does not know");
        truth
            .ledger
            .iter()
            .filter(|entry| entry.is_live() && entry.created_by.is_some())
            .map(|entry| entry.id.clone())
            .collect()
    }

    /// How many of a type were ever created.
    pub(crate) fn ever(&self, kind: &str) -> usize {
        self.emulator.truth().ledger.iter().filter(|entry| entry.kind.eq_ignore_ascii_case(kind)).count()
    }
}

pub(crate) fn subscription_id() -> SubscriptionId {
    SUBSCRIPTION.parse().unwrap()
}

pub(crate) fn group_name() -> ResourceGroupName {
    ResourceGroupName::new("rg-web").unwrap()
}

pub(crate) fn id() -> ProvisionId {
    ProvisionId::new("contoso/web").unwrap()
}

pub(crate) fn spec() -> VmSpec {
    let image = "Ubuntu2404".parse().unwrap();
    VmSpec::new("web", "westeurope", "Standard_B2s", image, GroupChoice::Create(group_name()))
        .unwrap()
        .with_rule(InboundRule::ssh(vec!["203.0.113.7/32".parse().unwrap()]))
}

pub(crate) fn agent() -> AgentInstall {
    AgentInstall::cloud_init("#!/bin/sh\necho agent\n")
}

pub(crate) fn plan(spec: VmSpec) -> ProvisionPlan {
    ProvisionPlan::new(id(), subscription_id(), spec).unwrap()
}
