//! The connections of a product to its customers' Azure, as a port.

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, ResourceGroupName, Secret, SubscriptionId, TenantId};
use time::OffsetDateTime;

use crate::assessment::Assessment;
use crate::record::{ConnectionId, ConnectionRecord, Region};

/// What a customer enters to connect a subscription with a client secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectRequest {
    /// The name that the product gives the connection.
    pub id: ConnectionId,
    /// The customer's subscription.
    pub subscription: SubscriptionId,
    /// The tenant that the subscription trusts.
    pub tenant: TenantId,
    /// The client id of the application that signs in.
    pub client: ClientId,
    /// When the secret ends, if the customer says so.
    pub ends_at: Option<OffsetDateTime>,
    /// The region in which new resources are created.
    pub region: Option<Region>,
    /// The one resource group it may act in, if it is limited to one.
    pub resource_group: Option<ResourceGroupName>,
}

impl ConnectRequest {
    /// A connection to a subscription, not limited to a group.
    pub fn new(id: ConnectionId, subscription: SubscriptionId, tenant: TenantId, client: ClientId) -> Self {
        Self { id, subscription, tenant, client, ends_at: None, region: None, resource_group: None }
    }

    /// Sets when the secret ends.
    #[must_use]
    pub fn with_ends_at(mut self, ends_at: OffsetDateTime) -> Self {
        self.ends_at = Some(ends_at);
        self
    }

    /// Sets the region in which new resources are created.
    #[must_use]
    pub fn with_region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Limits it to one resource group.
    #[must_use]
    pub fn with_resource_group(mut self, group: ResourceGroupName) -> Self {
        self.resource_group = Some(group);
        self
    }
}

/// Keeps the secrets of a product's connections. The records, which hold no secret, are the product's to keep.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::connection_keeper` checks:
/// - `connect` proves a secret before it keeps it. What cannot be a secret is
///   [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `client_secret`, before anything is sent; a
///   secret that is refused is [`Unauthenticated`](azconnect_core::ErrorKind::Unauthenticated); if that cannot be found
///   out, the error is [`Unavailable`](azconnect_core::ErrorKind::Unavailable). Each has effect
///   [`None`](azconnect_core::Effect::None), and nothing is kept;
/// - the record says what was asked for;
/// - connecting again keeps another secret, and the former record goes on working until it is disconnected;
/// - `test` changes nothing, and is inconclusive while the service does not answer;
/// - `disconnect` forgets the secret of that record only, and may be repeated; testing it afterwards is
///   [`NotFound`](azconnect_core::ErrorKind::NotFound);
/// - no secret is in a record, an error or a log.
#[async_trait]
pub trait ConnectionKeeper: Send + Sync {
    /// Proves a secret, keeps it, and returns the record for the product to store.
    ///
    /// # Cancel safety
    /// Not cancel safe: a secret may be kept of which no record tells. It can be connected again.
    async fn connect(&self, request: ConnectRequest, secret: Secret) -> Result<ConnectionRecord, Error>;

    /// Proves the secret of a record again.
    ///
    /// # Errors
    /// If the secret cannot be read. What the service says of it is in the assessment.
    async fn test(&self, record: &ConnectionRecord) -> Result<Assessment, Error>;

    /// Forgets the secret of a record. The customer's resources, and the secret at the service, stay as they are.
    async fn disconnect(&self, record: &ConnectionRecord) -> Result<(), Error>;
}
