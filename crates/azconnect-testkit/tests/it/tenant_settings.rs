//! The fake keeper of settings keeps the promises of the port, and keepers that break one are named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, Secret, TenantId};
use azconnect_credential::{
    ActingChoice, CheckReport, Revised, SettingsOutcome, TenantSettings, TenantSettingsKeeper, TenantSettingsRequest,
};
use azconnect_testkit::conformance::tenant_settings::{self, SettingsHarness};
use azconnect_testkit::fake::{Fault, IntegrationStep, Integrations};

use crate::judged::{named, verdict};

const WORKING: &str = "a-token-that-is-accepted-in-this-test";

/// A fake, behind which stands the keeper under test.
struct Stage<K>(Integrations, fn(Integrations) -> K);

impl<K> Stage<K> {
    fn new(wrap: fn(Integrations) -> K) -> Self {
        let integrations = Integrations::new();
        integrations.accept(Secret::new(WORKING));
        Self(integrations, wrap)
    }
}

#[async_trait]
impl<K: TenantSettingsKeeper + 'static> SettingsHarness for Stage<K> {
    fn keeper(&self) -> Arc<dyn TenantSettingsKeeper> {
        Arc::new((self.1)(self.0.clone()))
    }
    fn tenant(&self) -> TenantId {
        "d1b2c3d4-0000-4000-8000-000000000002".parse().unwrap()
    }
    fn organization(&self) -> String {
        "contoso".to_owned()
    }
    fn working_token(&self) -> Secret {
        Secret::new(WORKING)
    }
    async fn disconnect_service(&self) {
        self.0.faults().break_down(IntegrationStep::SignIn, Fault::Dropped);
    }
    async fn kept(&self) -> usize {
        self.0.kept()
    }
}

#[tokio::test]
async fn the_fake_keeper_of_settings_conforms() {
    tenant_settings::all(async || Stage::new(|keeper| keeper)).await;
}

/// Forgets which revision a page has shown, and drops a kept token when none is given.
struct Careless(Integrations);

#[async_trait]
impl TenantSettingsKeeper for Careless {
    async fn get(&self, tenant: TenantId) -> Result<Option<Revised<TenantSettings>>, Error> {
        self.0.get(tenant).await
    }
    async fn validate(&self, request: &TenantSettingsRequest) -> Result<CheckReport, Error> {
        self.0.validate(request).await
    }
    async fn save(&self, mut request: TenantSettingsRequest) -> Result<SettingsOutcome, Error> {
        request.revision = None;
        if matches!(request.acting, Some(ActingChoice::PersonalToken(None))) {
            request.acting = Some(ActingChoice::ServicePrincipal(Some("any".parse()?)));
        }
        self.0.save(request).await
    }
    async fn forget(&self, tenant: TenantId) -> Result<(), Error> {
        self.0.forget(tenant).await
    }
}

#[tokio::test]
async fn a_careless_keeper_of_settings_is_named() {
    let message = verdict(tenant_settings::all(async || Stage::new(Careless))).await;
    named(&message, &["a kept token stays when none is given", "somebody else's change is not overwritten"]);
}
