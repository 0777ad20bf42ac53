//! The connections of a project: those that can receive the application's secret, and why the others cannot.

use azconnect_core::Error;
use azconnect_credential::{ApplicationBindings, Binding, BoundConsumer, BoundServiceConnection, Check, CheckReport};
use azconnect_devops::{
    Endpoint, EndpointId, EndpointQuery, Endpoints, OrganizationName, Project, ProjectRef, ServiceConnectionSink,
    secret_destination,
};
use serde::Serialize;

use super::super::Bindings;
use super::super::build::Acting;
use super::draft::BindingDraft;
use super::project::means;
use super::step::BindingStep;

/// The connections of the chosen project, each list in order of their names.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct BindingPicker {
    /// Those that can receive the secret of the application.
    pub choices: Vec<BindingChoice>,
    /// Those that cannot, each with the reason in its checks: its scheme holds no secret, it signs in as another application.
    pub others: Vec<BindingChoice>,
}

/// A connection in the picker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BindingChoice {
    /// The connection as it would be bound: its name, its type, and the host that receives the secret.
    pub connection: BoundServiceConnection,
    /// How it is bound to this application already.
    pub bound: Option<Binding>,
    /// What stands against it, and what is worth knowing.
    pub checks: CheckReport,
    /// In words for a person: why it cannot be chosen. Empty if it can.
    pub reason: String,
}

/// Where connections are looked for, and for whom.
pub(super) struct Place<'a> {
    pub(super) draft: &'a BindingDraft,
    pub(super) organization: &'a OrganizationName,
    pub(super) project: &'a Project,
    pub(super) held: Option<&'a ApplicationBindings>,
}

impl Place<'_> {
    /// The connections of the project, which is named by its id: by that the owner of a shared connection is recognised.
    fn endpoints(&self, acting: &Acting) -> Result<Endpoints, Error> {
        Ok(acting.client.organization(self.organization)?.endpoints(ProjectRef::Id(self.project.id)))
    }

    /// A connection as it would be bound now.
    pub(super) fn seen(&self, endpoint: &Endpoint) -> BoundServiceConnection {
        let project = self.draft.project.as_deref().unwrap_or_default();
        BoundServiceConnection::new(self.draft.tenant, self.organization.as_str(), project, endpoint.id())
            .with_seen(endpoint.name().unwrap_or_default(), endpoint.type_name().unwrap_or_default())
            .with_destination(secret_destination(endpoint))
    }

    /// How a connection is bound already.
    pub(super) fn bound(&self, connection: &BoundServiceConnection) -> Option<&Binding> {
        let name = BoundConsumer::ServiceConnection(connection.clone()).name(self.draft.application);
        self.held?.of(&name)
    }

    /// A warning, if another connection of the same name is bound here: people delete a connection and make it again.
    pub(super) fn same_name(&self, connection: &BoundServiceConnection) -> Option<Check> {
        let is_here = |bound: &BoundServiceConnection| {
            bound.organization.eq_ignore_ascii_case(&connection.organization)
                && ProjectRef::new(&bound.project).is_ok_and(|project| means(&project, self.project))
                && bound.id != connection.id
                && !bound.name.is_empty()
                && bound.name.eq_ignore_ascii_case(&connection.name)
        };
        let former = self.held?.consumers.iter().find_map(|binding| match &binding.consumer {
            BoundConsumer::ServiceConnection(bound) => is_here(bound).then_some(bound.id),
            _ => None,
        });
        former.map(|former| {
            Check::unknown(
                "name-bound-already",
                "name",
                format!("another connection, {former}, is bound under the name {:?}", connection.name),
                "if this one was made in its place, unbind the former one: nothing can prove a secret there any more",
            )
            .as_warning()
        })
    }
}

impl Bindings {
    /// The consumer that a connection would be for the application.
    pub(super) fn candidate(
        &self,
        acting: &Acting,
        place: &Place<'_>,
        id: EndpointId,
    ) -> Result<ServiceConnectionSink, Error> {
        let draft = place.draft;
        Ok(ServiceConnectionSink::new(place.endpoints(acting)?, id)?
            .with_application(draft.application_tenant, draft.application)
            .with_cloud(self.azure.cloud().name()))
    }

    pub(super) async fn pick(&self, acting: &Acting, place: &Place<'_>) -> BindingStep<BindingPicker> {
        match self.listed(acting, place).await {
            Ok((picker, checks)) => BindingStep::of(picker, checks),
            Err(error) => BindingStep::ended("connections-not-read", "connections", &error),
        }
    }

    async fn listed(&self, acting: &Acting, place: &Place<'_>) -> Result<(BindingPicker, CheckReport), Error> {
        // A creation that failed is left out of a list unless it is asked for, and people look for it.
        let query = EndpointQuery::new().with_failed(true).with_details(true);
        let (mut picker, mut checks, mut unreadable) = (BindingPicker::default(), CheckReport::new(), 0);
        for endpoint in place.endpoints(acting)?.scan(&query).await? {
            let Ok(endpoint) = endpoint else {
                unreadable += 1;
                continue;
            };
            let judged = self.candidate(acting, place, endpoint.id())?.checks(&endpoint);
            let choice = choice(place, &endpoint, judged);
            if choice.checks.is_clear() { &mut picker.choices } else { &mut picker.others }.push(choice);
        }
        for list in [&mut picker.choices, &mut picker.others] {
            list.sort_by_key(|choice| choice.connection.name.to_lowercase());
        }
        if unreadable > 0 {
            let cause = format!("{unreadable} records of the list cannot be read");
            let remedy = "look at the project's connections in the portal";
            checks.push(Check::unknown("connections-unreadable", "connections", cause, remedy).as_warning());
        }
        // Of one that was chosen, the last step says what became of it.
        if picker.choices.is_empty() && place.draft.connection.is_none() {
            checks.push(Check::failed(
                "no-connection",
                "connections",
                format!("no connection of {:?} can receive this application's secret", place.project.name),
                "choose another project, or create a connection that signs in as the application with a client secret",
            ));
        }
        Ok((picker, checks))
    }
}

fn choice(place: &Place<'_>, endpoint: &Endpoint, mut checks: CheckReport) -> BindingChoice {
    let connection = place.seen(endpoint);
    checks.extend(place.same_name(&connection));
    let causes: Vec<&str> = checks.failures().map(|check| check.cause.as_str()).collect();
    let reason = causes.join("; ");
    BindingChoice { bound: place.bound(&connection).cloned(), connection, checks, reason }
}
