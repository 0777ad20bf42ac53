//! The port that connects a product to its customers' Azure.

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, KeyId, Labels, ResourceGroupName, Secret, SubscriptionId, TenantId};
use time::OffsetDateTime;

use crate::assessment::Assessment;
use crate::record::{ConnectionId, ConnectionRecord};
use crate::region::Region;

/// What a customer enters to connect a subscription with a client secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectRequest {
    /// The name that the product gives the connection.
    pub id: ConnectionId,
    /// What people call it, if that is another name.
    pub display_name: Option<String>,
    /// What the product finds it by.
    pub labels: Labels,
    /// The customer's subscription.
    pub subscription: SubscriptionId,
    /// The tenant that the subscription trusts.
    pub tenant: TenantId,
    /// The client id of the application that signs in.
    pub client: ClientId,
    /// The public id of the secret (the portal's *Secret ID*), if the customer says it: the first rotation retires this key.
    pub key: Option<KeyId>,
    /// When the secret was made, if that is known: Entra ID does not know a new one everywhere at once.
    pub minted_at: Option<OffsetDateTime>,
    /// When the secret ends, if the customer says so.
    pub ends_at: Option<OffsetDateTime>,
    /// The region in which new resources are created.
    pub region: Option<Region>,
    /// The one resource group it may act in, if it is limited to one.
    pub resource_group: Option<ResourceGroupName>,
    /// The organization of Azure DevOps that it is to be checked with, by name or address, if there is one.
    pub organization: Option<String>,
}

impl ConnectRequest {
    /// A connection to a subscription, not limited to a group.
    pub fn new(id: ConnectionId, subscription: SubscriptionId, tenant: TenantId, client: ClientId) -> Self {
        Self {
            id,
            display_name: None,
            labels: Labels::new(),
            subscription,
            tenant,
            client,
            key: None,
            minted_at: None,
            ends_at: None,
            region: None,
            resource_group: None,
            organization: None,
        }
    }

    /// Sets what people call it.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Sets what the product finds it by.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Sets the public id of the secret.
    #[must_use]
    pub fn with_key(mut self, key: KeyId) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets when the secret was made.
    #[must_use]
    pub fn with_minted_at(mut self, at: OffsetDateTime) -> Self {
        self.minted_at = Some(at);
        self
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

    /// Sets the organization of Azure DevOps that it is to be checked with, by name or address.
    #[must_use]
    pub fn with_organization(mut self, organization: impl Into<String>) -> Self {
        self.organization = Some(organization.into());
        self
    }
}

/// Another secret for a connection that there is.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewSecret {
    /// The secret's text.
    pub secret: Secret,
    /// The public id of the secret, where it is known.
    pub key: Option<KeyId>,
    /// When it was made, where that is known.
    pub minted_at: Option<OffsetDateTime>,
    /// When it ends, where that is known.
    pub ends_at: Option<OffsetDateTime>,
}

impl NewSecret {
    /// A secret of which nothing else is known.
    pub fn new(secret: Secret) -> Self {
        Self { secret, key: None, minted_at: None, ends_at: None }
    }

    /// Sets the public id of the secret.
    #[must_use]
    pub fn with_key(mut self, key: KeyId) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets when the secret was made.
    #[must_use]
    pub fn with_minted_at(mut self, at: OffsetDateTime) -> Self {
        self.minted_at = Some(at);
        self
    }

    /// Sets when the secret ends.
    #[must_use]
    pub fn with_ends_at(mut self, ends_at: OffsetDateTime) -> Self {
        self.ends_at = Some(ends_at);
        self
    }
}

/// A connection that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connected {
    /// Its record.
    pub record: ConnectionRecord,
    /// The other connections that sign in as the same application. They rotate with it, once, and a secret that is removed
    /// for one of them is removed for all.
    pub shares_application_with: Vec<ConnectionId>,
}

impl Connected {
    /// A connection whose application no other one uses.
    pub fn new(record: ConnectionRecord) -> Self {
        Self { record, shares_application_with: Vec::new() }
    }

    /// Sets the other connections that sign in as the same application.
    #[must_use]
    pub fn with_shares_application_with(mut self, others: Vec<ConnectionId>) -> Self {
        self.shares_application_with = others;
        self
    }
}

/// Keeps a product's connections: record and sealed secret.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::connection_keeper` checks:
/// - `connect` proves a secret before it keeps it. What cannot be a secret is
///   [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `client_secret`, before anything is sent; a
///   secret that is refused is [`Unauthenticated`](azconnect_core::ErrorKind::Unauthenticated); if that cannot be found
///   out, the error is [`Unavailable`](azconnect_core::ErrorKind::Unavailable). Each has effect
///   [`None`](azconnect_core::Effect::None), and nothing is kept;
/// - the record says what was asked for, and is found again;
/// - a name that is taken is a [`Conflict`](azconnect_core::ErrorKind::Conflict) with the field `id`, and changes nothing;
/// - connections that sign in as the same application are told of each other;
/// - `replace_secret` keeps the former secret until the new one is proven, sealed and recorded, and then forgets it;
/// - `test` keeps what it found in the record, changes nothing else, and is inconclusive while the service does not answer;
/// - `disconnect` forgets secret and record of that connection only, and may be repeated; testing it afterwards is
///   [`NotFound`](azconnect_core::ErrorKind::NotFound);
/// - no secret is in a record, an error or a log.
#[async_trait]
pub trait ConnectionKeeper: Send + Sync {
    /// Proves a secret, seals it, and keeps the record.
    ///
    /// # Cancel safety
    /// Not cancel safe: a secret may be sealed that no record names. It can be connected again.
    async fn connect(&self, request: ConnectRequest, secret: Secret) -> Result<Connected, Error>;

    /// Proves another secret, seals it, and forgets the one that the connection had.
    ///
    /// # Cancel safety
    /// Not cancel safe: either secret may be the connection's, and the other one may still be sealed.
    async fn replace_secret(&self, id: &ConnectionId, secret: NewSecret) -> Result<ConnectionRecord, Error>;

    /// Proves the secret of a connection again, and keeps what was found.
    ///
    /// # Errors
    /// If the secret cannot be read. What the service says of it is in the assessment.
    async fn test(&self, id: &ConnectionId) -> Result<Assessment, Error>;

    /// Forgets the secret of a connection, then its record. The customer's resources, and the secret at the service, stay as
    /// they are.
    async fn disconnect(&self, id: &ConnectionId) -> Result<(), Error>;
}
