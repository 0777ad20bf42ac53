//! The steps of a binding, as a page shows them.

use azconnect_core::{Diagnosis, Effect, Error, ErrorKind};
use azconnect_credential::{BoundServiceConnection, Check, CheckStatus, TenantSettings};
use serde::Serialize;

use super::choice::BindingPicker;
use super::step::BindingStep;
use crate::directory::{Project, TenantGroup};
use crate::permission::PermissionReport;

/// The steps of a binding, in their order.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct BindingSteps {
    /// Whether the integration of the tenant is on, and who acts can be found.
    pub settings: BindingStep<TenantSettings>,
    /// The organizations, grouped by the tenant behind each, the tenant's own first.
    pub organizations: BindingStep<Vec<TenantGroup>>,
    /// The projects of the chosen organization.
    pub projects: BindingStep<Vec<Project>>,
    /// Whether who acts may administer the connections of the chosen project; if not, the group to be added to.
    pub permission: BindingStep<PermissionReport>,
    /// The connections of the chosen project: those that can be bound, and why the others cannot.
    pub connections: BindingStep<BindingPicker>,
    /// The chosen connection as it is now: with it, everything was looked at, and it can be saved.
    pub chosen: BindingStep<BoundServiceConnection>,
}

impl BindingSteps {
    /// Steps of which none was taken.
    pub fn skipped() -> Self {
        Self {
            settings: BindingStep::skipped(),
            organizations: BindingStep::skipped(),
            projects: BindingStep::skipped(),
            permission: BindingStep::skipped(),
            connections: BindingStep::skipped(),
            chosen: BindingStep::skipped(),
        }
    }

    /// Whether all steps passed, so that the binding can be saved.
    pub fn can_save(&self) -> bool {
        self.chosen.passed()
    }

    /// How each step stands, in their order.
    pub fn statuses(&self) -> [CheckStatus; 6] {
        [
            self.settings.status,
            self.organizations.status,
            self.projects.status,
            self.permission.status,
            self.connections.status,
            self.chosen.status,
        ]
    }

    /// Why the binding cannot be saved: the first check that stands in the way, in the order of the steps. None if it can, or
    /// if nothing was chosen yet on the way.
    pub fn blocker(&self) -> Option<&Check> {
        self.settings
            .blocker()
            .or_else(|| self.organizations.blocker())
            .or_else(|| self.projects.blocker())
            .or_else(|| self.permission.blocker())
            .or_else(|| self.connections.blocker())
            .or_else(|| self.chosen.blocker())
    }

    /// Refuses unless the binding can be saved.
    ///
    /// # Errors
    /// The [`blocker`](Self::blocker) with the kind that it knows, or [`InvalidInput`](ErrorKind::InvalidInput) with the field
    /// `connection` if nothing is chosen yet; each with effect [`None`](Effect::None).
    pub fn require(&self) -> Result<(), Error> {
        if self.can_save() {
            return Ok(());
        }
        let Some(check) = self.blocker() else {
            return Err(Error::invalid("connection", "is not chosen, or a choice before it is not made")
                .with_effect(Effect::None)
                .with_advice("choose the organization, the project and the connection"));
        };
        let otherwise = match check.status {
            CheckStatus::Unknown => ErrorKind::Unavailable,
            _ => ErrorKind::Unsupported,
        };
        let kind = check.diagnosis.as_ref().map_or(otherwise, Diagnosis::kind);
        Err(check.to_error(kind, "the connection is not bound"))
    }
}
