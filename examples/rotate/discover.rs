//! Finds the service connections, and whose secret each holds.

use azconnect::Identity;
use azconnect::core::{ClientId, Diagnosis, Error, ErrorKind, TenantId};
use azconnect::credential::{Binding, BoundConsumer, Check, CheckReport, CredentialSink, SinkId};
use azconnect::devops::{
    ConnectionSearch, EndpointId, OrganizationName, ProjectAddress, ProjectRef, ScannedConnection, refresh_checks,
};
use azconnect_examples::product::Product;

/// A service connection as it was found.
pub struct Connection {
    found: ScannedConnection,
    pub id: EndpointId,
    /// Its name as a consumer.
    pub sink: SinkId,
    pub organization: String,
    pub project: String,
    pub name: String,
    pub kind: String,
    /// The application that it names.
    pub holder: Option<ClientId>,
    /// Whether it holds a client secret of that application.
    pub holds_its_secret: bool,
    /// What stands in the way of a new secret, and what else is worth knowing.
    pub checks: CheckReport,
}

/// The projects of the product.
pub fn projects(product: &Product) -> Result<Vec<ProjectAddress>, Error> {
    let mut projects = Vec::new();
    for organization in &product.organizations {
        for project in &organization.projects {
            let name = OrganizationName::new(&organization.name)?;
            projects.push(ProjectAddress::new(name, ProjectRef::new(project)?));
        }
    }
    Ok(projects)
}

/// Finds the connections of these projects. Reads only.
pub async fn discover(identity: &Identity, projects: &[ProjectAddress]) -> Result<Vec<Connection>, Error> {
    let search = identity.devops().connection_search();
    let scan = projects.iter().cloned().fold(search, ConnectionSearch::with_project).scan().await;
    // Here everybody who is found is bound, so whoever is not found would be left with a removed secret.
    if let Some(check) = scan.checks.of("project-unreadable") {
        let kind = check.diagnosis.as_ref().map_or(ErrorKind::Unavailable, Diagnosis::kind);
        return Err(check.to_error(kind, &format!("the project {} is closed to us", check.subject)));
    }
    let mut found = Vec::new();
    for connection in &scan.connections {
        let mut described = describe(connection);
        if let (Some(client), true) = (described.holder, described.can_be_refreshed()) {
            let sink =
                identity.service_connection(&described.organization, &described.project, described.id, client)?;
            // What cannot be looked at is said, and does not keep the others from being shown.
            match sink.inspect().await {
                Ok(report) => described.checks = report.checks,
                Err(error) => described.checks.push(Check::unknown_by("not-inspected", "connection", &error)),
            }
        }
        found.push(described);
    }
    Ok(found)
}

fn describe(found: &ScannedConnection) -> Connection {
    let (endpoint, place) = (&found.endpoint, &found.address.project);
    let names = ["serviceprincipalid", "username"];
    let kind = match endpoint.data("registrytype") {
        Some(registry) => format!("{} {registry}", endpoint.type_name().unwrap_or("?")),
        None => format!("{} {}", endpoint.type_name().unwrap_or("?"), endpoint.scheme().unwrap_or("?")),
    };
    Connection {
        found: found.clone(),
        id: endpoint.id(),
        sink: found.sink.clone(),
        organization: place.organization.to_string(),
        project: place.project.to_string(),
        name: endpoint.name().unwrap_or("(without a name)").to_owned(),
        kind,
        holder: names.iter().find_map(|name| endpoint.parameter(name)).and_then(|client| client.parse().ok()),
        holds_its_secret: endpoint.client_secret_holder().is_some(),
        checks: refresh_checks(endpoint, &place.project),
    }
}

impl Connection {
    /// Whether a new secret can be put into it.
    pub fn can_be_refreshed(&self) -> bool {
        self.checks.is_clear()
    }

    /// Whether a rotation of an application's secret concerns it: one that holds the secret and cannot take a new one
    /// must stop the rotation, since it would be left with a removed secret.
    pub fn concerns(&self, application: ClientId) -> bool {
        self.holder == Some(application) && self.holds_its_secret
    }

    /// The connection as a consumer of its application's secret, as it is kept. Where its secret cannot be verified from here,
    /// the receipt of the push is taken as proof.
    pub fn binding(&self, tenant: TenantId) -> Binding {
        let binding = Binding::new(BoundConsumer::ServiceConnection(self.found.bound(tenant)));
        let unverifiable = self.checks.of("not-verifiable").is_some_and(|check| check.is_advisory);
        if unverifiable { binding.with_receipt_as_proof() } else { binding }
    }
}
