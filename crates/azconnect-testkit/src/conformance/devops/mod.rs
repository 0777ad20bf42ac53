//! What every implementation of the ports for service connections must do: one suite a port, all on one kind of harness.
//!
//! A harness is a world of an organization with two projects, in which the first one has a connection with an application
//! of the customer's own and one that Azure DevOps created. A suite asks for the port of an administrator and of a
//! contributor, and looks behind the port at what is really so.

pub mod directory;
pub mod federation;
pub mod sharing;
pub mod verifier;
pub mod writer;

pub mod connections;

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Secret, SubscriptionId, TenantId};
use azconnect_devops::{
    AzureConnection, AzureCredential, AzureScope, ConnectionAddress, Endpoint, EndpointId, OrganizationName, Project,
    ProjectAddress, ProjectRef,
};
use time::OffsetDateTime;

use super::report::{Failure, fresh};

/// Whose permissions a port under test acts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caller {
    /// Someone who may administer every connection of the organization.
    Administrator,
    /// Someone who may use the connections of the first project in pipelines, and no more.
    Contributor,
}

/// What lies behind a port under test: an emulator, a fake, or a stub of a consumer's own system.
#[async_trait]
pub trait DevOpsHarness: Send + Sync {
    /// The first project, by its name. It owns both connections.
    fn project(&self) -> ProjectAddress;

    /// Another project of the organization, by its name. It sees no connection.
    fn other_project(&self) -> ProjectAddress;

    /// The first project, as the directory describes it.
    fn described(&self) -> Project;

    /// The connection with an application of the customer's own, and a secret that works.
    fn manual(&self) -> EndpointId;

    /// The connection that Azure DevOps created, which can be converted.
    fn automatic(&self) -> EndpointId;

    /// The application of the first connection.
    fn application(&self) -> (TenantId, ClientId);

    /// The subscription to which both connections lead.
    fn subscription(&self) -> SubscriptionId;

    /// Now, by the clock of the port and the service.
    fn now(&self) -> OffsetDateTime;

    /// Another secret of that application, which works everywhere.
    async fn mint(&self) -> Secret;

    /// Lets time pass until the service has finished what it does in the background.
    async fn settle(&self);

    /// The truth: whether a connection holds a secret.
    async fn holds(&self, connection: EndpointId, secret: &Secret) -> bool;

    /// The truth: what a project sees of a connection; `None` if nothing.
    async fn look(&self, connection: &ConnectionAddress) -> Option<Endpoint>;

    /// Changes a connection's description behind the port.
    async fn interfere(&self, connection: EndpointId);

    /// Breaks every connection to the service from now on.
    async fn disconnect(&self);
}

/// A harness with the two ports under test.
pub(crate) struct Case<H, P: ?Sized> {
    harness: H,
    port: Arc<P>,
    contributor: Arc<P>,
}

impl<H: DevOpsHarness, P: ?Sized> Case<H, P> {
    pub(crate) fn new(harness: H, port: impl Fn(&H, Caller) -> Arc<P>) -> Self {
        let (administrator, contributor) = (port(&harness, Caller::Administrator), port(&harness, Caller::Contributor));
        Self { harness, port: administrator, contributor }
    }

    fn manual(&self) -> ConnectionAddress {
        self.harness.project().connection(self.harness.manual())
    }

    fn automatic(&self) -> ConnectionAddress {
        self.harness.project().connection(self.harness.automatic())
    }

    /// A connection that does not exist.
    fn missing(&self) -> ConnectionAddress {
        self.harness.project().connection(EndpointId::from(uuid::Uuid::new_v4()))
    }

    /// A project that does not exist.
    fn missing_project(&self) -> Result<ProjectAddress, Failure> {
        Ok(ProjectAddress::new(self.harness.project().organization, ProjectRef::new("no such project")?))
    }

    /// The first connection, as it really is.
    async fn seen(&self, connection: &ConnectionAddress) -> Result<Endpoint, Failure> {
        let found = self.harness.look(connection).await;
        found.ok_or_else(|| Failure::new(format!("the project does not see connection {connection}")))
    }
}

/// An organization that does not exist.
fn missing_organization() -> Result<OrganizationName, Failure> {
    Ok(OrganizationName::new("no-such-organization")?)
}

/// A connection with the harness's application and a secret, under a name that no other has.
fn azure<'a>(harness: &impl DevOpsHarness, secret: &'a Secret) -> (String, AzureConnection<'a>) {
    let name = fresh("connection").replace('/', " ");
    let (tenant, client) = harness.application();
    let scope = AzureScope::subscription(harness.subscription(), "Conformance");
    let connection = AzureConnection::new(&*name, scope, AzureCredential::Secret { tenant, client, secret });
    (name, connection)
}

/// Whether a connection shows any text where its secret is.
fn shows_secret(endpoint: &Endpoint) -> bool {
    let parameters = endpoint.document().get("authorization").and_then(|own| own.get("parameters"));
    let parameters = parameters.and_then(|own| own.as_object()).into_iter().flatten();
    // A confidential parameter is one that the typed view does not return.
    parameters.into_iter().any(|(key, value)| value.is_string() && endpoint.parameter(key).is_none())
}
