//! A product with two customers' tenants and organizations, over stores that a test can look into.

use std::sync::Arc;

use azconnect::core::{Secret, SecretId, SecretStore, TenantId};
use azconnect::credential::{ActingChoice, NewPersonalToken, Records, Revised, TenantSettings, TenantSettingsRequest};
use azconnect::store::{MemoryDocuments, MemoryJournal, MemoryLease, MemorySecrets};
use azconnect::{Azure, Storage, TenantIntegrations};
use azconnect_emulator::{Emulator, Seed};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

/// The tenant of the applications and of the organization contoso.
pub(crate) const CONTOSO: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
/// The tenant of the organization fabrikam.
pub(crate) const FABRIKAM: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d02";
/// Ann's token for contoso, with all scopes.
pub(crate) const TOKEN: &str = "anns-token-for-contoso";
/// Ann's token for fabrikam.
pub(crate) const FABRIKAM_TOKEN: &str = "anns-token-for-fabrikam";
/// A token of Ann's that may read code, and nothing else.
pub(crate) const CODE_TOKEN: &str = "anns-token-for-code";
/// A token of Ann's that has ended.
pub(crate) const ENDED_TOKEN: &str = "anns-token-of-last-year";
/// A token of Bob's, who is a member and administers nothing.
pub(crate) const BOBS_TOKEN: &str = "bobs-token-for-contoso";

/// A product and the world around it.
pub(crate) struct Product {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) emulator: Emulator,
    pub(crate) azure: Azure,
    pub(crate) secrets: MemorySecrets,
    pub(crate) documents: MemoryDocuments,
    pub(crate) storage: Storage,
}

impl Product {
    pub(crate) fn new() -> Self {
        Self::with_seed(|_| ())
    }

    /// A product in a world that is changed before it begins.
    pub(crate) fn with_seed(change: impl FnOnce(&mut Value)) -> Self {
        let clock = Arc::new(VirtualClock::new());
        let mut seed = seed();
        change(&mut seed);
        let emulator = Emulator::from_seed(Seed::from_json(&seed.to_string()).unwrap(), clock.clone()).unwrap();
        let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());
        let (secrets, documents) = (MemorySecrets::new(), MemoryDocuments::new());
        let storage = Storage::new(
            Arc::new(MemoryJournal::new()),
            Arc::new(secrets.clone()),
            Arc::new(MemoryLease::new(clock.clone())),
            Arc::new(documents.clone()),
        );
        Self { clock, emulator, azure, secrets, documents, storage }
    }

    pub(crate) fn integrations(&self) -> TenantIntegrations {
        self.azure.tenant_integrations(&self.storage)
    }

    /// The names of all sealed tokens.
    pub(crate) async fn tokens(&self) -> Vec<SecretId> {
        self.secrets.list("tenant-settings/", None).await.unwrap()
    }

    pub(crate) async fn save(&self, request: TenantSettingsRequest) -> Revised<TenantSettings> {
        self.integrations().save(request).await.unwrap().saved().unwrap()
    }

    /// Settings that say what those of contoso do, and something else.
    pub(crate) async fn overwrite(&self, change: impl FnOnce(&mut TenantSettings)) {
        let records = Records::<TenantSettings>::new(Arc::new(self.documents.clone()));
        let mut held = records.get(&CONTOSO.parse().unwrap()).await.unwrap().unwrap();
        change(&mut held.value);
        records.replace(&held.value, held.revision).await.unwrap();
    }
}

pub(crate) fn contoso() -> TenantId {
    CONTOSO.parse().unwrap()
}

/// Settings of contoso in which a token acts.
pub(crate) fn by_token(token: &str) -> TenantSettingsRequest {
    let given = NewPersonalToken::new(Secret::new(token));
    TenantSettingsRequest::new(contoso())
        .enabled()
        .with_acting(ActingChoice::PersonalToken(Some(given)))
        .with_organization("contoso")
}

/// The seed of the crate's documentation, with people, tokens and another organization.
fn seed() -> Value {
    let mut seed: Value = serde_json::from_str(include_str!("../../doc/seed.json")).unwrap();
    seed["tenants"][0]["users"] = json!([
        {"userPrincipalName": "ann@contoso.com", "displayName": "Ann"},
        {"userPrincipalName": "bob@contoso.com", "displayName": "Bob"}]);
    seed["tenants"].as_array_mut().unwrap().push(json!({
        "id": FABRIKAM, "domain": "fabrikam.onmicrosoft.com",
        "users": [{"userPrincipalName": "ann@fabrikam.com", "displayName": "Ann", "guestOf": "ann@contoso.com"}]}));
    let organization = &mut seed["organizations"][0];
    organization["members"] = json!([
        {"user": "ann@contoso.com", "groups": ["[contoso]\\Project Collection Administrators"]},
        {"user": "bob@contoso.com"}]);
    organization["personalAccessTokens"] = json!([
        {"user": "ann@contoso.com", "displayName": "all", "token": TOKEN},
        {"user": "ann@contoso.com", "displayName": "code", "scope": "vso.code", "token": CODE_TOKEN},
        {"user": "ann@contoso.com", "displayName": "ended", "startsInDays": -365, "endsInDays": -1, "token": ENDED_TOKEN},
        {"user": "bob@contoso.com", "displayName": "bob", "token": BOBS_TOKEN}]);
    let registry = json!({"id": "c0000000-0000-4000-8000-000000000002", "secret": {"application":
        "a0000000-0000-4000-8000-000000000002", "password": "old"}, "document": {
        "name": "images", "type": "dockerregistry", "url": "https://hub.docker.com/",
        "data": {"registrytype": "Others"},
        "authorization": {"scheme": "UsernamePassword", "parameters": {
            "registry": "https://images.contoso.example", "username": "a0000000-0000-4000-8000-000000000002"}}}});
    organization["projects"][0]["connections"].as_array_mut().unwrap().push(registry);
    let production = organization["projects"][0]["connections"][0].clone();
    let mut of_fabrikam = production;
    of_fabrikam["id"] = json!("c0000000-0000-4000-8000-000000000003");
    seed["organizations"].as_array_mut().unwrap().push(json!({
        "name": "fabrikam", "tenant": FABRIKAM,
        "members": [{"user": "ann@fabrikam.com", "groups": ["[fabrikam]\\Project Collection Administrators"]}],
        "personalAccessTokens": [{"user": "ann@fabrikam.com", "token": FABRIKAM_TOKEN}],
        "projects": [{"name": "Shop", "connections": [of_fabrikam]}]}));
    seed
}
