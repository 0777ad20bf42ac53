//! What a search found.

use azconnect_core::TenantId;
use azconnect_credential::{BoundServiceConnection, Check, CheckReport, SinkId};

use crate::document::Endpoint;
use crate::port::{ConnectionAddress, ProjectAddress};
use crate::sink::{destination_of, sink_id, title};

/// The service connections of every place that could be read, and what could not.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ConnectionScan {
    /// The connections, project by project. One that several projects see is there for each of them.
    pub connections: Vec<ScannedConnection>,
    /// The places that could not be read, and the connections that show nothing of themselves.
    pub checks: CheckReport,
}

/// A service connection, seen from a project.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScannedConnection {
    /// Where it was seen.
    pub address: ConnectionAddress,
    /// Its name as a consumer: that of its [`ServiceConnectionSink`](crate::ServiceConnectionSink).
    pub sink: SinkId,
    /// The connection, without its secret.
    pub endpoint: Endpoint,
}

impl ScannedConnection {
    /// What it is and where, for a person: `service connection "deploy" (azurerm) in contoso/Web`.
    pub fn title(&self) -> String {
        let place = &self.address.project;
        title(&self.endpoint, place.organization.as_str(), &place.project)
    }

    /// The connection as it would be bound now: seen from the project in which it was found, with the host that receives its
    /// secret. The settings of `tenant` say who acts in the organization.
    pub fn bound(&self, tenant: TenantId) -> BoundServiceConnection {
        let (place, endpoint) = (&self.address.project, &self.endpoint);
        BoundServiceConnection::new(tenant, place.organization.as_str(), place.project.to_string(), endpoint.id())
            .with_seen(endpoint.name().unwrap_or_default(), endpoint.type_name().unwrap_or_default())
            .with_destination(destination_of(endpoint))
    }
}

impl ConnectionScan {
    /// What a project lists.
    pub(super) fn of(project: &ProjectAddress, endpoints: Vec<Endpoint>) -> Self {
        let mut scan = Self::default();
        let mut veiled = 0_usize;
        for endpoint in endpoints {
            // With too little permission a connection shows its id and nothing else.
            veiled += usize::from(endpoint.type_name().is_none() || endpoint.authorization().is_none());
            match sink_id(project.organization.as_str(), endpoint.id()) {
                Ok(sink) => {
                    let address = project.connection(endpoint.id());
                    scan.connections.push(ScannedConnection { address, sink, endpoint });
                }
                Err(error) => scan.checks.push(Check::unknown_by("connection-unreadable", project.to_string(), &error)),
            }
        }
        if veiled > 0 {
            scan.checks.push(Check::unknown(
                "connection-unreadable",
                project.to_string(),
                format!("whose secret they hold is not shown of {veiled} of its service connections"),
                "let the caller read the project's service connections, or ask their administrator whose they are",
            ));
        }
        scan
    }

    /// A place that could not be read.
    pub(super) fn unread(check: Check) -> Self {
        Self { connections: Vec::new(), checks: CheckReport::from(vec![check]) }
    }
}
