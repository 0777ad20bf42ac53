//! The connections of a project: those that can receive the application's secret, and why the others cannot.

use azconnect_core::Error;
use azconnect_credential::{ApplicationBindings, Binding, BoundConsumer, BoundServiceConnection, Check, CheckReport};
use azconnect_devops::{
    BindingChoice, BindingDraft, BindingPicker, BindingStep, Endpoint, EndpointId, EndpointQuery, Endpoints,
    OrganizationName, Project, ProjectRef, ServiceConnectionSink, secret_destination,
};

use super::super::Bindings;
use super::super::build::Acting;
use super::project::means;

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
        let (mut found, mut checks, mut unreadable) = (Vec::new(), CheckReport::new(), 0);
        for endpoint in place.endpoints(acting)?.scan(&query).await? {
            let Ok(endpoint) = endpoint else {
                unreadable += 1;
                continue;
            };
            let judged = self.candidate(acting, place, endpoint.id())?.checks(&endpoint);
            found.push(choice(place, &endpoint, judged));
        }
        let picker = BindingPicker::of(found);
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
    let bound = place.bound(&connection).cloned();
    BindingChoice::new(connection, checks).with_bound(bound)
}
