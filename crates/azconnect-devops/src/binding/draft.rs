//! What a page sends with each step: what was chosen so far.

use azconnect_core::{ClientId, Diagnosis, ErrorKind, TenantId};
use azconnect_credential::{Binding, BoundConsumer, BoundServiceConnection, Check};
use serde::{Deserialize, Serialize};

use super::choice::BindingChoice;

/// What was chosen so far on the way to a binding. A page sends all of it each time: nothing of it is kept until it is saved.
/// It holds no secret.
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
    pub fn binding(&self) -> Option<Binding> {
        let mut binding = Binding::new(BoundConsumer::ServiceConnection(self.connection.clone()?));
        (binding.required, binding.accept_receipt) = (self.required, self.accept_receipt);
        Some(binding)
    }

    /// Refuses what another binding would replace, unless the page showed that binding, or it is the same one: whoever saves
    /// twice has saved. `now` is how the connection is bound now.
    pub fn overtaken_by(&self, now: Option<&Binding>) -> Option<Check> {
        if now == self.bound.as_ref() || now == self.binding().as_ref() {
            return None;
        }
        let how = match now {
            Some(now) if now.required => "it is bound as required now",
            Some(_) => "it is bound as optional now",
            None => "it is not bound any more",
        };
        let check = Check::failed(
            "bound-meanwhile",
            "binding",
            format!("somebody changed how it is bound: {how}"),
            "look at it again, and save it if it is still to be bound so",
        );
        let known = Diagnosis::new(ErrorKind::Conflict, check.cause.clone()).with_field("connection");
        Some(check.with_diagnosis(known))
    }
}
