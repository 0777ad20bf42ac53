//! Binding a service connection step by step, as a page shows it.

mod chosen;
mod organizations;
mod picker;
mod project;

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::{ApplicationBindings, Check, CheckReport};
use azconnect_devops::{
    BindingDraft, BindingFlow, BindingStep, BindingSteps, OrganizationName, ProjectAddress, ProjectRef,
};

use self::picker::Place;
use super::Bindings;
use super::build::Acting;
use super::keep::another_tenant;

impl Bindings {
    /// Takes the steps of a binding as far as choices were made, and says of each how it stands. Everything is read anew each
    /// time: nothing is kept between two steps. Idempotent, without effect; no secret is sent or shown.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use azconnect::core::{Error, Secret};
    /// use azconnect::credential::{ActingChoice, TenantSettingsRequest};
    /// use azconnect::devops::BindingDraft;
    /// use azconnect::{Azure, ConnectRequest, Storage};
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
        steps.require()?;
        let Some(binding) = draft.binding() else { return Err(Error::invalid("connection", "is not chosen")) };
        let name = binding.consumer.name(draft.application);
        self.change(draft.application, |found| {
            let held = found.unwrap_or_else(|| ApplicationBindings::new(draft.application, draft.application_tenant));
            if held.tenant != draft.application_tenant {
                return Err(another_tenant(&held, draft.application_tenant));
            }
            // Somebody may have written between the steps and this attempt.
            match draft.overtaken_by(held.of(&name)) {
                Some(check) => Err(check.to_error(ErrorKind::Conflict, "the connection is not bound")),
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
            .map(|error| Check::failed_by("bound-in-another-tenant", "application", &error))
            .into_iter()
            .collect();
        steps.settings = BindingStep::of(acting.settings.clone(), checks);
        Some(acting)
    }
}

#[async_trait]
impl BindingFlow for Bindings {
    async fn steps(&self, draft: &BindingDraft) -> Result<BindingSteps, Error> {
        Self::steps(self, draft).await
    }

    async fn bind_chosen(&self, draft: &BindingDraft) -> Result<ApplicationBindings, Error> {
        Self::bind_chosen(self, draft).await
    }
}
