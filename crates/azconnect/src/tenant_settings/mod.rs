//! A product's settings of its customers' tenants: whether it works in their Azure DevOps, and as whom.

mod acting;
mod keep;
mod sealed;
mod sweep;
mod trial;

use std::fmt;
use std::sync::Arc;

pub(crate) use self::acting::unknown;
use azconnect_core::{DocumentId, Error, SecretStore, TenantId};
use azconnect_credential::{RecordPage, RecordQuery, Records, Revised, TenantSettings, TenantSettingsKeeper};
use time::OffsetDateTime;

use crate::azure::Azure;
use crate::connections::Connections;
use crate::storage::Storage;

/// The integrations of a product with the Azure DevOps of its customers' tenants. Their settings are documents, which hold no
/// secret; a personal access token lies sealed in a store, under a name that is bound to its tenant.
///
/// What is written is safe from a crash between any two writes: a token is sealed before settings name it, and a former one is
/// forgotten after none name it any more. What a crash leaves behind are sealed tokens that no settings name;
/// [`TenantIntegrations::sweep`] finds them.
///
/// ```
/// use std::sync::Arc;
/// use azconnect::core::{Error, Secret};
/// use azconnect::credential::{ActingChoice, NewPersonalToken, TenantSettingsRequest};
/// use azconnect::{Azure, Storage};
/// # use azconnect_emulator::{Emulator, Seed};
/// # use azconnect_testkit::VirtualClock;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Error> {
/// # let clock = Arc::new(VirtualClock::new());
/// # let seed = Seed::from_json(r#"{
/// #     "tenants": [{"id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "domain": "contoso.onmicrosoft.com",
/// #         "users": [{"userPrincipalName": "ann@contoso.com", "displayName": "Ann"}]}],
/// #     "organizations": [{"name": "contoso", "tenant": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
/// #         "members": [{"user": "ann@contoso.com"}], "projects": [{"name": "Web"}],
/// #         "personalAccessTokens": [{"user": "ann@contoso.com", "token": "anns-access-token"}]}]}"#)?;
/// # let emulator = Emulator::from_seed(seed, clock.clone())?;
/// # let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());
/// # let storage = Storage::in_memory(clock);
/// let integrations = azure.tenant_integrations(&storage);
/// let tenant = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?;
///
/// // A form that is filled in by half: everything that blocks it is told at once.
/// let half = TenantSettingsRequest::new(tenant).enabled().with_organization("contoso/");
/// let codes: Vec<_> = integrations.validate(&half).await?.failures().map(|check| check.code.clone()).collect();
/// assert_eq!(codes, ["acting-missing", "organization-name"]);
///
/// // The token is proven at the organization, then sealed, then named in the settings.
/// let token = NewPersonalToken::new(Secret::new("anns-access-token")).with_scope("app_token");
/// let whole = TenantSettingsRequest::new(tenant)
///     .enabled()
///     .with_acting(ActingChoice::PersonalToken(Some(token)))
///     .with_organization("contoso");
/// let saved = integrations.save(whole).await?.saved()?;
/// assert!(saved.value.is_enabled);
/// assert_eq!(integrations.devops(tenant).await?.organization(&"contoso".parse()?)?.name(), "contoso");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TenantIntegrations {
    azure: Azure,
    connections: Connections,
    secrets: Arc<dyn SecretStore>,
    records: Records<TenantSettings>,
}

impl Azure {
    /// The integrations of a product with its customers' Azure DevOps, whose settings and sealed tokens lie in a storage.
    pub fn tenant_integrations(&self, storage: &Storage) -> TenantIntegrations {
        TenantIntegrations {
            azure: self.clone(),
            connections: self.connections(storage),
            secrets: storage.secrets(),
            records: Records::new(storage.documents()),
        }
    }

    /// Validates and keeps the settings of tenants: [`tenant_integrations`](Self::tenant_integrations) behind their port.
    pub fn tenant_settings_keeper(&self, storage: &Storage) -> Arc<dyn TenantSettingsKeeper> {
        Arc::new(self.tenant_integrations(storage))
    }
}

impl TenantIntegrations {
    /// The settings of a tenant, or `None` if there are none. Nothing is opened or sent.
    ///
    /// # Errors
    /// If the store fails, or the settings cannot be read.
    pub async fn get(&self, tenant: TenantId) -> Result<Option<Revised<TenantSettings>>, Error> {
        self.records.get(&name(tenant)?).await
    }

    /// A page of the settings, in order of the tenants' ids. Nothing is opened or sent.
    ///
    /// # Errors
    /// If the store fails. Settings that cannot be read are in [`RecordPage::unreadable`].
    pub async fn list(&self, query: &RecordQuery) -> Result<RecordPage<TenantSettings>, Error> {
        self.records.list(query).await
    }

    fn now(&self) -> OffsetDateTime {
        self.azure.pipeline().clock().now()
    }
}

impl fmt::Debug for TenantIntegrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantIntegrations").field("cloud", &self.azure.cloud().name()).finish_non_exhaustive()
    }
}

fn name(tenant: TenantId) -> Result<DocumentId, Error> {
    DocumentId::new(tenant.to_string())
}
