//! Binding a service connection step by step, as a page shows it.

mod chosen;
mod draft;
mod organizations;
mod picker;
mod project;
mod step;

use azconnect_core::{Diagnosis, Effect, Error, ErrorKind};
use azconnect_credential::{
    ApplicationBindings, BoundServiceConnection, Check, CheckReport, CheckStatus, TenantSettings,
};
use azconnect_devops::{OrganizationName, PermissionReport, Project, ProjectAddress, ProjectRef, TenantGroup};
use serde::Serialize;

use self::chosen::bound_meanwhile;
pub use self::draft::BindingDraft;
use self::picker::Place;
pub use self::picker::{BindingChoice, BindingPicker};
pub use self::step::BindingStep;
use self::step::check_of;
use super::Bindings;
use super::build::Acting;
use super::keep::another_tenant;

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
    fn skipped() -> Self {
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
}

impl Bindings {
    /// Takes the steps of a binding as far as choices were made, and says of each how it stands. Everything is read anew each
    /// time: nothing is kept between two steps. Idempotent, without effect; no secret is sent or shown.
    ///
    /// # Errors
    /// If the record of the application's bindings cannot be read. What else stands in the way is in the steps.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing changes.
    pub async fn steps(&self, draft: &BindingDraft) -> Result<BindingSteps, Error> {
        let held = self.get(draft.application).await?;
        let mut steps = BindingSteps::skipped();
        let acting = self.settings_step(draft, held.as_ref(), &mut steps).await;
        let Some(acting) = acting.filter(|_| steps.settings.passed()) else { return Ok(steps) };

        steps.organizations = organizations::look(&acting, draft.organization.as_deref()).await;
        let organization = draft.organization.as_ref().and_then(|name| OrganizationName::new(name).ok());
        let Some(organization) = organization.filter(|_| steps.organizations.passed()) else { return Ok(steps) };

        let (projects, project) = project::look(&acting, &organization, draft.project.as_deref()).await;
        steps.projects = projects;
        let Some(project) = project else { return Ok(steps) };

        let address = ProjectAddress::new(organization.clone(), ProjectRef::Id(project.id));
        steps.permission = project::permission(&acting, &address).await;
        if !steps.permission.passed() {
            return Ok(steps);
        }

        let place = Place { draft, organization: &organization, project: &project, held: held.as_ref() };
        steps.connections = self.pick(&acting, &place).await;
        if let Some(connection) = draft.connection.as_ref().filter(|_| steps.connections.passed()) {
            steps.chosen = self.look_again(&acting, &place, connection).await;
        }
        Ok(steps)
    }

    /// Saves what was chosen, after all steps were taken once more. Written is only over the binding that the picker showed:
    /// [`BindingDraft::bound`]. Idempotent: who saves twice has saved. No secret is sent.
    ///
    /// # Errors
    /// The first check that stands in the way, with effect [`None`](Effect::None): [`Conflict`](ErrorKind::Conflict) with the
    /// field `connection` for a connection that was renamed, removed, made again, led elsewhere or bound otherwise since the
    /// picker showed it, [`Unavailable`](ErrorKind::Unavailable) for what could not be found out;
    /// [`InvalidInput`](ErrorKind::InvalidInput) if nothing is chosen; else if the store fails.
    pub async fn bind_chosen(&self, draft: &BindingDraft) -> Result<ApplicationBindings, Error> {
        let steps = self.steps(draft).await.map_err(|error| error.with_effect(Effect::None))?;
        let Some(binding) = draft.binding().filter(|_| steps.can_save()) else { return Err(refusal(&steps)) };
        let name = binding.consumer.name(draft.application);
        self.change(draft.application, |found| {
            let held = found.unwrap_or_else(|| ApplicationBindings::new(draft.application, draft.application_tenant));
            if held.tenant != draft.application_tenant {
                return Err(another_tenant(&held, draft.application_tenant));
            }
            // Somebody may have written between the steps and this attempt.
            match bound_meanwhile(Some(&binding), draft.bound.as_ref(), held.of(&name)) {
                Some(check) => Err(check.to_error(ErrorKind::Conflict, NOT_BOUND)),
                None => Ok(held.with(binding.clone())),
            }
        })
        .await
    }

    async fn settings_step(
        &self,
        draft: &BindingDraft,
        held: Option<&ApplicationBindings>,
        steps: &mut BindingSteps,
    ) -> Option<Acting> {
        let acting = match self.acting_in(draft.tenant).await {
            Ok(acting) => acting,
            Err(error) => {
                steps.settings = BindingStep::ended("integration", "settings", &error);
                return None;
            }
        };
        // One record holds all consumers of an application, so the last step could not be saved.
        let elsewhere = held.filter(|held| held.tenant != draft.application_tenant);
        let checks: CheckReport = elsewhere
            .map(|held| another_tenant(held, draft.application_tenant))
            .map(|error| check_of("bound-in-another-tenant", "application", &error))
            .into_iter()
            .collect();
        steps.settings = BindingStep::of(acting.settings.clone(), checks);
        Some(acting)
    }
}

const NOT_BOUND: &str = "the connection is not bound";

/// The first thing that stands in the way.
fn refusal(steps: &BindingSteps) -> Error {
    let Some(check) = steps.blocker() else {
        return Error::invalid("connection", "is not chosen, or a choice before it is not made")
            .with_effect(Effect::None)
            .with_advice("choose the organization, the project and the connection");
    };
    let otherwise = match check.status {
        CheckStatus::Unknown => ErrorKind::Unavailable,
        _ => ErrorKind::Unsupported,
    };
    check.to_error(check.diagnosis.as_ref().map_or(otherwise, Diagnosis::kind), NOT_BOUND)
}
