//! Binding service connections step by step, over other fakes.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::{
    ApplicationBindings, BoundConsumer, BoundServiceConnection, Check, CheckReport, TenantSettings,
    TenantSettingsKeeper as _,
};
use azconnect_devops::{
    BindingChoice, BindingDraft, BindingFlow, BindingPicker, BindingStep, BindingSteps, ConnectionDirectory as _,
    Endpoint, EndpointQuery, OrganizationName, Project, ProjectAddress, ProjectRef, ServiceConnections as _,
    refresh_checks, secret_destination,
};

use super::{BindingBook, DevOpsCaller, Integrations};

/// Leads to bindings that a [`BindingBook`] keeps, by the settings of [`Integrations`], through what somebody sees of a
/// [`DevOps`](super::DevOps). Their faults are its own. Clones are the same.
#[derive(Clone, Debug)]
pub struct Binder {
    integrations: Integrations,
    acting: Arc<Mutex<Arc<DevOpsCaller>>>,
    book: BindingBook,
}

impl Binder {
    /// A flow in which somebody acts in every tenant whose integration is on.
    pub fn new(integrations: Integrations, acting: Arc<DevOpsCaller>, book: BindingBook) -> Self {
        Self { integrations, acting: Arc::new(Mutex::new(acting)), book }
    }

    /// Lets somebody else act from now on.
    pub fn let_act(&self, acting: Arc<DevOpsCaller>) {
        *self.acting.lock().unwrap_or_else(PoisonError::into_inner) = acting;
    }

    fn acting(&self) -> Arc<DevOpsCaller> {
        self.acting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn settings(&self, draft: &BindingDraft, held: Option<&ApplicationBindings>) -> BindingStep<TenantSettings> {
        let found = match self.integrations.get(draft.tenant).await {
            Ok(found) => found.map(|found| found.value).filter(|settings| settings.is_enabled),
            Err(error) => return BindingStep::ended("integration", "settings", &error),
        };
        let Some(settings) = found else {
            return blocked("integration", "settings", "the integration is off", "turn the integration on");
        };
        let elsewhere = held.filter(|held| held.tenant != draft.application_tenant);
        let checks = elsewhere.map(|_| Check::failed_by("bound-in-another-tenant", "application", &another_tenant()));
        BindingStep::of(settings, checks.into_iter().collect())
    }

    /// The steps below the settings, as far as choices were made.
    async fn below(
        &self,
        draft: &BindingDraft,
        settings: &TenantSettings,
        held: Option<&ApplicationBindings>,
        steps: &mut BindingSteps,
    ) {
        let acting = self.acting();
        let names: Vec<_> = settings.organizations.iter().filter_map(|name| OrganizationName::new(name).ok()).collect();
        let search = match acting.organizations(&names).await {
            Ok(search) => search,
            Err(error) => {
                steps.organizations = BindingStep::ended("organizations-not-read", "organizations", &error);
                return;
            }
        };
        let wanted = draft.organization.as_deref();
        let is_wanted =
            |name: &OrganizationName| wanted.is_some_and(|wanted| name.as_str().eq_ignore_ascii_case(wanted));
        let organization = names.iter().find(|name| is_wanted(name));
        let missing = wanted.filter(|_| organization.is_none());
        steps.organizations = BindingStep::of(search.groups, not_offered("organization", missing));
        let Some(organization) = organization else { return };

        let projects = match acting.projects(organization).await {
            Ok(projects) => projects,
            Err(error) => {
                steps.projects = BindingStep::ended("projects-not-read", "projects", &error);
                return;
            }
        };
        let wanted = draft.project.as_deref();
        let project = wanted.and_then(|wanted| find(&projects, wanted).cloned());
        let missing = wanted.filter(|_| project.is_none());
        steps.projects = BindingStep::of(projects, not_offered("project", missing));
        let Some(project) = project else { return };

        let address = ProjectAddress::new(organization.clone(), ProjectRef::Id(project.id));
        steps.permission = permission(&acting, &address).await;
        if !steps.permission.passed() {
            return;
        }
        let picker = match picker(&acting, &address, draft, held).await {
            Ok(picker) => picker,
            Err(error) => {
                steps.connections = BindingStep::ended("connections-not-read", "connections", &error);
                return;
            }
        };
        if let Some(chosen) = &draft.connection {
            steps.chosen = chosen_step(draft, chosen, &picker, held);
        }
        steps.connections = BindingStep::of(picker, CheckReport::new());
    }
}

#[async_trait]
impl BindingFlow for Binder {
    async fn steps(&self, draft: &BindingDraft) -> Result<BindingSteps, Error> {
        let held = self.book.held(draft.application)?;
        let mut steps = BindingSteps::skipped();
        steps.settings = self.settings(draft, held.as_ref()).await;
        if let Some(settings) = steps.settings.offered.clone().filter(|_| steps.settings.passed()) {
            self.below(draft, &settings, held.as_ref(), &mut steps).await;
        }
        Ok(steps)
    }

    async fn bind_chosen(&self, draft: &BindingDraft) -> Result<ApplicationBindings, Error> {
        self.steps(draft).await?.require()?;
        let Some(binding) = draft.binding() else { return Err(Error::invalid("connection", "is not chosen")) };
        let name = binding.consumer.name(draft.application);
        self.book.change(draft.application, |found| {
            let held = found.unwrap_or_else(|| ApplicationBindings::new(draft.application, draft.application_tenant));
            match draft.overtaken_by(held.of(&name)) {
                _ if held.tenant != draft.application_tenant => Err(another_tenant()),
                Some(check) => Err(check.to_error(ErrorKind::Conflict, "the connection is not bound")),
                None => Ok(held.with(binding)),
            }
        })
    }
}

async fn permission(
    acting: &DevOpsCaller,
    address: &ProjectAddress,
) -> BindingStep<azconnect_devops::PermissionReport> {
    match acting.permission(address).await {
        Ok(report) => {
            let refused = report.require().err();
            let refused = refused.map(|error| Check::failed_by("not-endpoint-administrator", "permission", &error));
            BindingStep::of(report, refused.into_iter().collect())
        }
        Err(error) => BindingStep::ended("permission-not-read", "permission", &error),
    }
}

async fn picker(
    acting: &DevOpsCaller,
    address: &ProjectAddress,
    draft: &BindingDraft,
    held: Option<&ApplicationBindings>,
) -> Result<BindingPicker, Error> {
    let endpoints = acting.list(address, &EndpointQuery::new()).await?;
    Ok(BindingPicker::of(endpoints.iter().map(|endpoint| {
        let project = draft.project.as_deref().unwrap_or_default();
        let connection =
            BoundServiceConnection::new(draft.tenant, address.organization.as_str(), project, endpoint.id())
                .with_seen(endpoint.name().unwrap_or_default(), endpoint.type_name().unwrap_or_default())
                .with_destination(secret_destination(endpoint));
        let name = BoundConsumer::ServiceConnection(connection.clone()).name(draft.application);
        let bound = held.and_then(|held| held.of(&name)).cloned();
        BindingChoice::new(connection, checks(draft, address, endpoint)).with_bound(bound)
    })))
}

fn checks(draft: &BindingDraft, address: &ProjectAddress, endpoint: &Endpoint) -> CheckReport {
    let mut checks = refresh_checks(endpoint, &address.project);
    if checks.is_clear() && endpoint.client_secret_holder() != Some(draft.application) {
        let remedy = "choose a connection that signs in as the application";
        checks.push(Check::failed("other-application", "application", "it signs in as another application", remedy));
    }
    checks
}

/// The chosen connection, if it still is what was shown.
fn chosen_step(
    draft: &BindingDraft,
    chosen: &BoundServiceConnection,
    picker: &BindingPicker,
    held: Option<&ApplicationBindings>,
) -> BindingStep<BoundServiceConnection> {
    let all = || picker.choices.iter().chain(&picker.others);
    let Some(now) = all().find(|choice| choice.connection == *chosen) else {
        let what = match all().any(|choice| choice.connection.id == chosen.id) {
            true => "changed since it was shown",
            false => "is gone since it was shown",
        };
        let error = Error::new(ErrorKind::Conflict, format!("the connection {:?} {what}", chosen.name))
            .with_field("connection")
            .with_effect(Effect::None)
            .with_advice("look at it again, and choose what is there now");
        return BindingStep::ended("connection-changed", "connection", &error);
    };
    let mut checks = now.checks.clone();
    let name = BoundConsumer::ServiceConnection(chosen.clone()).name(draft.application);
    checks.extend(draft.overtaken_by(held.and_then(|held| held.of(&name))));
    BindingStep::of(now.connection.clone(), checks)
}

fn find<'a>(projects: &'a [Project], wanted: &str) -> Option<&'a Project> {
    let wanted = ProjectRef::new(wanted).ok()?;
    projects.iter().find(|project| wanted.means(Some(&project.id.to_string()), Some(&project.name)))
}

fn not_offered(what: &str, missing: Option<&str>) -> CheckReport {
    let code = format!("{what}-not-offered");
    let check = |name: &str| Check::failed(&*code, what, format!("there is no {what} {name:?}"), "choose another one");
    missing.map(check).into_iter().collect()
}

fn blocked<T>(code: &str, subject: &str, cause: &str, remedy: &str) -> BindingStep<T> {
    BindingStep::blocked(CheckReport::from(vec![Check::failed(code, subject, cause, remedy)]))
}

fn another_tenant() -> Error {
    Error::new(ErrorKind::Conflict, "the application is bound in another tenant")
        .with_field("tenant")
        .with_effect(Effect::None)
        .with_advice("bind it in the tenant in which its secrets are minted")
}
