//! What a page sends with each step: what was chosen so far.

use azconnect_core::{ClientId, TenantId};
use azconnect_credential::{Binding, BoundConsumer, BoundServiceConnection};
use serde::{Deserialize, Serialize};

use super::picker::BindingChoice;

/// What was chosen so far on the way to a binding. A page sends all of it each time: nothing of it is kept until it is saved.
/// It holds no secret.
///
/// ```
/// use std::sync::Arc;
/// use azconnect::core::{Error, Secret};
/// use azconnect::credential::{ActingChoice, TenantSettingsRequest};
/// use azconnect::{Azure, BindingDraft, ConnectRequest, Storage};
/// # use azconnect_emulator::{Emulator, Seed};
/// # use azconnect_testkit::VirtualClock;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Error> {
/// # let clock = Arc::new(VirtualClock::new());
/// # let seed = Seed::from_json(include_str!("../../../doc/seed.json"))?;
/// # let emulator = Emulator::from_seed(seed, clock.clone())?;
/// # let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());
/// # let storage = Storage::in_memory(clock);
/// # let tenant = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse()?;
/// # let request = ConnectRequest::new("operator".parse()?, "22222222-2222-4222-8222-222222222222".parse()?, tenant,
/// #     "a0000000-0000-4000-8000-000000000001".parse()?);
/// # azure.connections(&storage).connect(request, Secret::new("Emu8Q~a.secret.of.this.example.only_0001")).await?;
/// let bindings = azure.bindings(&storage);
/// let draft = BindingDraft::new("a0000000-0000-4000-8000-000000000002".parse()?, tenant);
///
/// // Before the integration is on, the first step says what to do.
/// let steps = bindings.steps(&draft).await?;
/// assert!(steps.blocker().is_some_and(|check| check.remedy.contains("save the settings")));
/// let through = ActingChoice::ServicePrincipal(Some("operator".parse()?));
/// let settings = TenantSettingsRequest::new(tenant).enabled().with_acting(through).with_organization("contoso");
/// azure.tenant_integrations(&storage).save(settings).await?.saved()?;
///
/// // Each choice leads one step on: the organization, the project, the connection.
/// let draft = draft.with_organization("contoso").with_project("Web");
/// let picker = bindings.steps(&draft).await?.connections.offered.unwrap_or_default();
/// let production = picker.choices.first().ok_or_else(|| Error::invalid("connection", "none fits"))?;
/// assert_eq!(production.connection.name, "production");
/// let draft = draft.with_connection(production);
///
/// // Saved as it was shown, or refused by name: everything is looked at once more.
/// assert_eq!(bindings.bind_chosen(&draft).await?.consumers.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BindingDraft {
    /// The application whose secret the connection is to receive.
    pub application: ClientId,
    /// The tenant in which the application's secrets are minted.
    pub application_tenant: TenantId,
    /// The tenant whose settings say who acts in the organization. It need not be the application's.
    pub tenant: TenantId,
    /// The organization, once it is chosen.
    #[serde(default)]
    pub organization: Option<String>,
    /// The project, once it is chosen: by its id, which survives a new name, or by its name. It is bound as it is written here.
    #[serde(default)]
    pub project: Option<String>,
    /// The connection, once it is chosen, as the picker showed it. One that is not so any more is not bound.
    #[serde(default)]
    pub connection: Option<BoundServiceConnection>,
    /// How the connection was bound already when the picker showed it. Another binding by then is not replaced.
    #[serde(default)]
    pub bound: Option<Binding>,
    /// Whether the old secret must stay while this connection has no proof for the new one.
    #[serde(default = "required")]
    pub required: bool,
    /// Whether the receipt of a push counts as proof where the connection cannot be verified (the check `not-verifiable`).
    #[serde(default)]
    pub accept_receipt: bool,
}

fn required() -> bool {
    true
}

impl BindingDraft {
    /// A draft for an application of this tenant, in whose own organizations the connection lies, with nothing chosen.
    pub fn new(application: ClientId, tenant: TenantId) -> Self {
        Self {
            application,
            application_tenant: tenant,
            tenant,
            organization: None,
            project: None,
            connection: None,
            bound: None,
            required: required(),
            accept_receipt: false,
        }
    }

    /// Says that another tenant's settings say who acts in the organization.
    #[must_use]
    pub fn through(mut self, tenant: TenantId) -> Self {
        self.tenant = tenant;
        self
    }

    /// Chooses an organization.
    #[must_use]
    pub fn with_organization(mut self, name: impl Into<String>) -> Self {
        self.organization = Some(name.into());
        self
    }

    /// Chooses a project, by id or name.
    #[must_use]
    pub fn with_project(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }

    /// Chooses a connection, as the picker shows it.
    #[must_use]
    pub fn with_connection(mut self, choice: &BindingChoice) -> Self {
        (self.connection, self.bound) = (Some(choice.connection.clone()), choice.bound.clone());
        self
    }

    /// Says that a rotation may finish without it. The connection may then be left with a removed secret.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// Takes the receipt of a push as proof where verification is inconclusive.
    #[must_use]
    pub fn with_receipt_as_proof(mut self) -> Self {
        self.accept_receipt = true;
        self
    }

    /// The binding that is saved in the end, once a connection is chosen.
    pub(super) fn binding(&self) -> Option<Binding> {
        let mut binding = Binding::new(BoundConsumer::ServiceConnection(self.connection.clone()?));
        (binding.required, binding.accept_receipt) = (self.required, self.accept_receipt);
        Some(binding)
    }
}
