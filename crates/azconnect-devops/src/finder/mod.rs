//! Finds the service connections that use an application's secret, bound to a rotation or not.

mod scan;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, TenantId};
use azconnect_credential::{Check, CheckReport, ConsumerFinder, FoundConsumer, FoundConsumers};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;

pub use self::scan::{ConnectionScan, ScannedConnection};
use crate::client::DevOpsClient;
use crate::directory::Project;
use crate::endpoint::EndpointQuery;
use crate::name::{OrganizationName, ProjectRef};
use crate::port::{ConnectionDirectory, ProjectAddress, ServiceConnections};

/// How many places are read at the same time, unless the caller says otherwise.
const PARALLELISM: usize = 4;

/// The projects of an organization, or why they could not be listed.
type Listed = (Vec<ProjectAddress>, Option<Check>);

/// A search for service connections over projects, and over organizations with all their projects. Reads only.
///
/// It is tolerant: a place that is closed, missing or cannot be reached is a check in the scan, and the others are read all the same.
/// Cheap to clone.
#[derive(Clone)]
pub struct ConnectionSearch {
    connections: Arc<dyn ServiceConnections>,
    directory: Arc<dyn ConnectionDirectory>,
    organizations: Vec<OrganizationName>,
    projects: Vec<ProjectAddress>,
    parallelism: usize,
}

impl ConnectionSearch {
    /// A search through these ports, still without places.
    pub fn new(connections: Arc<dyn ServiceConnections>, directory: Arc<dyn ConnectionDirectory>) -> Self {
        Self { connections, directory, organizations: Vec::new(), projects: Vec::new(), parallelism: PARALLELISM }
    }

    /// Searches one project.
    #[must_use]
    pub fn with_project(mut self, project: ProjectAddress) -> Self {
        self.projects.push(project);
        self
    }

    /// Searches every project of an organization that the caller may see.
    #[must_use]
    pub fn with_organization(mut self, organization: OrganizationName) -> Self {
        self.organizations.push(organization);
        self
    }

    /// Sets how many places are read at the same time; at least one, 4 unless set.
    #[must_use]
    pub fn with_parallelism(mut self, places: usize) -> Self {
        self.parallelism = places.max(1);
        self
    }

    /// The search as a [`ConsumerFinder`] for the secrets of one application.
    pub fn finder(&self, tenant: TenantId, application: ClientId) -> ServiceConnectionFinder {
        ServiceConnectionFinder { search: self.clone(), tenant, application }
    }

    /// Reads every connection of every place, with what could not be read. Idempotent, without effect; no secret is read.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing changes.
    pub async fn scan(&self) -> ConnectionScan {
        let (mut projects, mut checks) = self.all_projects().await;
        let mut seen = HashSet::new();
        projects.retain(|project| seen.insert(project.clone()));
        let reads: Vec<BoxFuture<'_, ConnectionScan>> =
            projects.iter().map(|project| Box::pin(self.read(project)) as BoxFuture<'_, _>).collect();
        let mut scans = stream::iter(reads).buffered(self.parallelism);
        let mut connections = Vec::new();
        while let Some(scan) = scans.next().await {
            connections.extend(scan.connections);
            checks.extend(scan.checks);
        }
        ConnectionScan { connections, checks }
    }

    /// The projects that were named, and those of the organizations that were.
    async fn all_projects(&self) -> (Vec<ProjectAddress>, CheckReport) {
        let looks: Vec<BoxFuture<'_, Listed>> =
            self.organizations.iter().map(|name| Box::pin(self.projects_of(name)) as BoxFuture<'_, _>).collect();
        let mut looks = stream::iter(looks).buffered(self.parallelism);
        let (mut projects, mut checks) = (self.projects.clone(), CheckReport::new());
        while let Some((listed, unread)) = looks.next().await {
            projects.extend(listed);
            checks.extend(unread);
        }
        (projects, checks)
    }

    async fn projects_of(&self, organization: &OrganizationName) -> Listed {
        match self.directory.projects(organization).await {
            Ok(listed) => {
                // By name where that can be an address, since a person reads it.
                let named = |project: Project| ProjectRef::new(&project.name).unwrap_or(ProjectRef::Id(project.id));
                let address = |project| ProjectAddress::new(organization.clone(), named(project));
                (listed.into_iter().map(address).collect(), None)
            }
            Err(error) => (Vec::new(), Some(unreadable("organization-unreadable", &organization.to_string(), &error))),
        }
    }

    async fn read(&self, project: &ProjectAddress) -> ConnectionScan {
        // A creation that failed may hold the secret as well, and a list leaves it out unless it is asked for.
        match self.connections.list(project, &EndpointQuery::new().with_failed(true)).await {
            Ok(endpoints) => ConnectionScan::of(project, endpoints),
            Err(error) => ConnectionScan::unread(unreadable("project-unreadable", &project.to_string(), &error)),
        }
    }
}

/// The check for a place that could not be read. Its cause is the error's; consumers may be there.
fn unreadable(code: &str, place: &str, error: &Error) -> Check {
    let check = Check::unknown_by(code, place, error);
    check.with_cause(format!("its service connections could not be read: {}", error.message()))
}

impl fmt::Debug for ConnectionSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionSearch")
            .field("organizations", &self.organizations)
            .field("projects", &self.projects)
            .field("parallelism", &self.parallelism)
            .finish_non_exhaustive()
    }
}

impl DevOpsClient {
    /// A search for service connections with what this client may see, still without places.
    pub fn connection_search(&self) -> ConnectionSearch {
        let client = Arc::new(self.clone());
        ConnectionSearch::new(client.clone(), client)
    }
}

/// Finds the service connections that hold a client secret of one application: those that sign in as it with a key, and
/// those whose user name is its client id. One that signs in as it with a certificate is no consumer, and is named in a check
/// that passed.
///
/// A connection that shows nothing but its id may be one of them, so a check says how many there are. The names of
/// what is found are those of [`ServiceConnectionSink`](crate::ServiceConnectionSink)s.
#[derive(Clone, Debug)]
pub struct ServiceConnectionFinder {
    search: ConnectionSearch,
    tenant: TenantId,
    application: ClientId,
}

#[async_trait]
impl ConsumerFinder for ServiceConnectionFinder {
    async fn consumers(&self) -> Result<FoundConsumers, Error> {
        if self.search.projects.is_empty() && self.search.organizations.is_empty() {
            return Err(Error::invalid("projects", "there is no project or organization to look in")
                .with_advice("name the projects or organizations whose connections may hold the secret"));
        }
        let scan = self.search.scan().await;
        let users = scan.connections.iter();
        let users = users.filter(|found| found.endpoint.may_hold_client_secret_of(self.tenant, self.application));
        let found = users.map(|found| FoundConsumer::new(found.sink.clone(), found.title())).collect();
        let mut checks = scan.checks.clone();
        checks.extend(certificates(&scan, self.application));
        Ok(FoundConsumers::new(found).with_checks(checks))
    }
}

/// Each connection that signs in as the application with a certificate: a rotation of the secret neither breaks nor changes
/// it, and whoever reads the plan should not wonder where it is.
fn certificates(scan: &ConnectionScan, application: ClientId) -> Vec<Check> {
    let mut seen = HashSet::new();
    let holders = scan.connections.iter().filter(|found| found.endpoint.certificate_holder() == Some(application));
    let holders = holders.filter(|found| seen.insert(found.sink.clone()));
    let say = |found: &ScannedConnection| {
        let cause = format!("{} signs in with a certificate, and holds no client secret", found.title());
        Check::passed("certificate", "other consumers", cause)
            .with_remedy("nothing is to be done for this rotation; replace its certificate where that is due")
    };
    holders.map(say).collect()
}
