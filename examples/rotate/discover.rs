//! Finds the service connections, and whose secret each holds.

use std::sync::Arc;

use azconnect::Identity;
use azconnect::core::{ClientId, Error};
use azconnect::credential::{CheckReport, CredentialSink, SinkId};
use azconnect::devops::{Endpoint, EndpointId, EndpointQuery, OrganizationName, ProjectRef, refresh_checks};
use azconnect::rotation::SinkBinding;
use azconnect_examples::product::Product;

/// A service connection as it was found.
pub struct Connection {
    pub id: EndpointId,
    /// Its name as a consumer.
    pub sink: SinkId,
    pub organization: String,
    pub project: String,
    pub name: String,
    pub kind: String,
    /// Whose secret it holds, where it names one.
    pub holder: Option<ClientId>,
    /// What stands in the way of a new secret, and what else is worth knowing.
    pub checks: CheckReport,
}

/// Lists the connections of every project of the product. Reads only.
pub async fn discover(identity: &Identity, product: &Product) -> Result<Vec<Connection>, Error> {
    let mut found = Vec::new();
    for organization in &product.organizations {
        let devops = identity.devops().organization(&OrganizationName::new(&organization.name)?)?;
        for project in &organization.projects {
            let reference = ProjectRef::new(project)?;
            let endpoints = devops.endpoints(reference.clone()).list(&EndpointQuery::new().with_failed(true)).await?;
            for endpoint in endpoints {
                let client = holder(&endpoint).unwrap_or(identity.client());
                let sink = identity.service_connection(&organization.name, project, endpoint.id(), client)?;
                let mut connection = describe((&organization.name, &reference), &endpoint, sink.id().clone());
                if connection.holder.is_some() && connection.can_be_refreshed() {
                    connection.checks = sink.inspect().await?.checks;
                }
                found.push(connection);
            }
        }
    }
    Ok(found)
}

/// Whose secret it holds, where it names one.
fn holder(endpoint: &Endpoint) -> Option<ClientId> {
    let names = ["serviceprincipalid", "username"];
    names.iter().find_map(|name| endpoint.parameter(name)).and_then(|client| client.parse().ok())
}

fn describe(place: (&str, &ProjectRef), endpoint: &Endpoint, sink: SinkId) -> Connection {
    let (organization, project) = place;
    let kind = match endpoint.data("registrytype") {
        Some(registry) => format!("{} {registry}", endpoint.type_name().unwrap_or("?")),
        None => format!("{} {}", endpoint.type_name().unwrap_or("?"), endpoint.scheme().unwrap_or("?")),
    };
    Connection {
        id: endpoint.id(),
        sink,
        organization: organization.to_owned(),
        project: project.as_str().into_owned(),
        name: endpoint.name().unwrap_or("(without a name)").to_owned(),
        kind,
        holder: holder(endpoint),
        checks: refresh_checks(endpoint, project),
    }
}

impl Connection {
    /// Whether a new secret can be put into it.
    pub fn can_be_refreshed(&self) -> bool {
        self.checks.is_clear()
    }

    /// Whether it holds no client secret at all, so that a rotation cannot break it.
    pub fn holds_no_secret(&self) -> bool {
        let without = ["scheme-without-secret", "scheme-not-supported", "certificate"];
        without.iter().any(|code| self.checks.of(code).is_some())
    }

    /// Whether a rotation of an application's secret concerns it: one that holds the secret and cannot take a new one
    /// must stop the rotation, since it would be left with a removed secret.
    pub fn concerns(&self, application: ClientId) -> bool {
        self.holder == Some(application) && !self.holds_no_secret()
    }

    /// The connection as a consumer of an application's secret. Where its secret cannot be verified from here, the
    /// receipt of the push is taken as proof.
    pub fn binding(&self, identity: &Identity, application: ClientId) -> Result<SinkBinding, Error> {
        let sink = identity.service_connection(&self.organization, &self.project, self.id, application)?;
        let binding = SinkBinding::new(Arc::new(sink));
        let unverifiable = self.checks.of("not-verifiable").is_some_and(|check| check.is_advisory);
        Ok(if unverifiable { binding.with_receipt_as_proof() } else { binding })
    }
}
