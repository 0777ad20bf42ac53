//! Who receives an application's secret, kept as data: bind, look at, and make a rotation's target of it.

mod absent;
mod build;
mod everywhere;
mod keep;
mod kind;
mod look;
mod spec;
mod steps;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use azconnect_core::{ClientId, DocumentId, Effect, Error, ErrorKind};
use azconnect_credential::{ApplicationBindings, BindingRecords, Records};
use azconnect_devops::BindingFlow;

pub use self::build::BuiltTarget;
pub use self::kind::ConsumerKind;
pub use self::spec::TargetSpec;
use crate::azure::Azure;
use crate::connections::Connections;
use crate::storage::Storage;
use crate::tenant_settings::TenantIntegrations;

/// The consumers of a product's applications: service connections in any organizations and tenants, the product's own
/// connections, and kinds of its own. Their records are documents, one for each application, which hold no secret.
///
/// ```
/// use std::sync::Arc;
/// use azconnect::core::{Error, Secret};
/// use azconnect::credential::{
///     ActingChoice, Binding, BoundConsumer, BoundServiceConnection, NewPersonalToken, TenantSettingsRequest,
/// };
/// use azconnect::rotation::RotationOutcome;
/// use azconnect::{Azure, ConnectRequest, Storage, TargetSpec};
/// # use azconnect_emulator::{Emulator, Seed};
/// # use azconnect_testkit::VirtualClock;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Error> {
/// # let clock = Arc::new(VirtualClock::new());
/// # let seed = Seed::from_json(include_str!("../../doc/seed.json"))?;
/// # let emulator = Emulator::from_seed(seed, clock.clone())?;
/// # let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());
/// # let storage = Storage::in_memory(clock);
/// # let tenant = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?;
/// # let request = ConnectRequest::new("operator".parse()?, "22222222-2222-4222-8222-222222222222".parse()?, tenant,
/// #     "a0000000-0000-4000-8000-000000000001".parse()?);
/// # azure.connections(&storage).connect(request, Secret::new("Emu8Q~a.secret.of.this.example.only_0001")).await?;
/// // Who acts in the tenant's organizations: here the service principal of a connection, which also mints.
/// let through = ActingChoice::ServicePrincipal(Some("operator".parse()?));
/// let settings = TenantSettingsRequest::new(tenant).enabled().with_acting(through).with_organization("contoso");
/// azure.tenant_integrations(&storage).save(settings).await?.saved()?;
///
/// // Kept: who receives the secret.
/// let bindings = azure.bindings(&storage);
/// let application = "a0000000-0000-4000-8000-000000000002".parse()?;
/// let connection = "c0000000-0000-4000-8000-000000000001".parse()?;
/// let deploy = BoundServiceConnection::new(tenant, "contoso", "Web", connection).with_seen("production", "azurerm");
/// bindings.bind(application, tenant, Binding::new(BoundConsumer::ServiceConnection(deploy))).await?;
/// bindings.adopt(application, &["b0000000-0000-4000-8000-000000000002".parse()?]).await?;
///
/// // Later, when a scheduler finds that it is due.
/// let spec = TargetSpec::new(application).minted_by("operator".parse()?);
/// let built = bindings.target(&spec).await?;
/// let rotator = azure.rotator(&storage).with_patience(std::time::Duration::from_secs(7200));
/// assert!(matches!(rotator.rotate(&built.target).await?, RotationOutcome::Rotated { .. }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Bindings {
    azure: Azure,
    storage: Storage,
    connections: Connections,
    integrations: TenantIntegrations,
    records: Records<ApplicationBindings>,
    kinds: BTreeMap<String, Arc<dyn ConsumerKind>>,
}

impl Azure {
    /// The consumers of a product's applications, whose records lie in a storage.
    pub fn bindings(&self, storage: &Storage) -> Bindings {
        Bindings {
            azure: self.clone(),
            storage: storage.clone(),
            connections: self.connections(storage),
            integrations: self.tenant_integrations(storage),
            records: Records::new(storage.documents()),
            kinds: BTreeMap::new(),
        }
    }

    /// Keeps who receives the secrets of applications: [`bindings`](Self::bindings) behind their port.
    pub fn binding_records(&self, storage: &Storage) -> Arc<dyn BindingRecords> {
        Arc::new(self.bindings(storage))
    }

    /// Leads a person to the binding of a service connection, step by step: [`bindings`](Self::bindings) behind that port.
    pub fn binding_flow(&self, storage: &Storage) -> Arc<dyn BindingFlow> {
        Arc::new(self.bindings(storage))
    }
}

impl Bindings {
    /// Makes consumers of a kind of the product's own. Without, a target that has one is refused by the kind's name.
    #[must_use]
    pub fn with_kind(mut self, name: impl Into<String>, kind: Arc<dyn ConsumerKind>) -> Self {
        self.kinds.insert(name.into(), kind);
        self
    }

    async fn require(&self, application: ClientId) -> Result<ApplicationBindings, Error> {
        self.get(application).await?.ok_or_else(|| unknown(application))
    }
}

impl fmt::Debug for Bindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&String> = self.kinds.keys().collect();
        f.debug_struct("Bindings")
            .field("cloud", &self.azure.cloud().name())
            .field("kinds", &kinds)
            .finish_non_exhaustive()
    }
}

fn name(application: ClientId) -> Result<DocumentId, Error> {
    DocumentId::new(application.to_string())
}

fn unknown(application: ClientId) -> Error {
    Error::new(ErrorKind::NotFound, format!("nothing is bound to the application {application}"))
        .with_field("application")
        .with_effect(Effect::None)
        .with_advice("bind the consumers of its secret first")
}
