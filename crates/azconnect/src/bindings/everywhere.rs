//! A search for consumers in several tenants, each in the name of whoever acts there, and among the product's own connections.

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, TenantId};
use azconnect_credential::{
    BoundConsumer, Check, CheckReport, ConnectionQuery, ConsumerFinder, FoundConsumer, FoundConsumers, SinkId,
};

use crate::connections::Connections;

/// Finds what several finders find.
pub(super) struct Everywhere(pub(super) Vec<Box<dyn ConsumerFinder>>);

#[async_trait]
impl ConsumerFinder for Everywhere {
    async fn consumers(&self) -> Result<FoundConsumers, Error> {
        let (mut consumers, mut checks) = (Vec::new(), CheckReport::new());
        for finder in &self.0 {
            let found = finder.consumers().await?;
            consumers.extend(found.consumers);
            checks.extend(found.checks);
        }
        Ok(FoundConsumers::new(consumers).with_checks(checks))
    }
}

/// Finds the product's own connections that sign in as one application.
pub(super) struct OwnConnections {
    connections: Connections,
    tenant: TenantId,
    application: ClientId,
}

impl OwnConnections {
    pub(super) fn new(connections: Connections, tenant: TenantId, application: ClientId) -> Self {
        Self { connections, tenant, application }
    }

    async fn found(&self) -> Result<FoundConsumers, Error> {
        let (mut found, mut checks) = (Vec::new(), CheckReport::new());
        let mut query = ConnectionQuery::new().with_client(self.application).with_tenant(self.tenant);
        loop {
            let page = self.connections.list(&query).await?;
            for record in page.connections {
                let consumer = BoundConsumer::Connection(record.id);
                found.push(FoundConsumer::new(SinkId::new(consumer.name(self.application))?, consumer.title()));
            }
            for (name, error) in page.unreadable {
                checks.push(Check::unknown_by("connection-unreadable", format!("connection {name}"), &error));
            }
            let Some(next) = page.next else { return Ok(FoundConsumers::new(found).with_checks(checks)) };
            query = query.with_after(Some(next));
        }
    }
}

#[async_trait]
impl ConsumerFinder for OwnConnections {
    async fn consumers(&self) -> Result<FoundConsumers, Error> {
        // What could not be looked at does not hide what others find.
        Ok(self.found().await.unwrap_or_else(|error| {
            let check = Check::unknown_by("connections-unreadable", "connections of this product", &error);
            FoundConsumers::new(Vec::new()).with_checks([check].into_iter().collect())
        }))
    }
}
