//! The port that finds a product's connections.

use async_trait::async_trait;
use azconnect_core::{ClientId, DocumentId, Error, Labels, SubscriptionId, TenantId};

use crate::record::{ConnectionId, ConnectionRecord};
use crate::region::Region;

/// Which connections to list. All that is set must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionQuery {
    /// The labels that a connection must have.
    pub labels: Labels,
    /// The application that it signs in as.
    pub client: Option<ClientId>,
    /// The tenant.
    pub tenant: Option<TenantId>,
    /// The subscription.
    pub subscription: Option<SubscriptionId>,
    /// Where the page begins: [`ConnectionPage::next`] of the page before.
    pub after: Option<DocumentId>,
    /// How many connections a page has at most, if not a hundred.
    pub limit: Option<usize>,
}

impl ConnectionQuery {
    /// The first hundred connections.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists only connections with all of these labels.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Lists only connections that sign in as an application.
    #[must_use]
    pub fn with_client(mut self, client: ClientId) -> Self {
        self.client = Some(client);
        self
    }

    /// Lists only connections to a tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Lists only connections to a subscription.
    #[must_use]
    pub fn with_subscription(mut self, subscription: SubscriptionId) -> Self {
        self.subscription = Some(subscription);
        self
    }

    /// Begins after a connection.
    #[must_use]
    pub fn with_after(mut self, after: Option<DocumentId>) -> Self {
        self.after = after;
        self
    }

    /// Sets how many connections a page has at most: 1 to 1000.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// A part of a list of connections, in order of their names.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectionPage {
    /// The connections.
    pub connections: Vec<ConnectionRecord>,
    /// The names of records that are there and cannot be read, and why. One of them does not hide the others.
    pub unreadable: Vec<(DocumentId, Error)>,
    /// Where the next page begins, or `None` if this is the last.
    pub next: Option<DocumentId>,
}

impl ConnectionPage {
    /// A page of connections that could all be read.
    pub fn new(connections: Vec<ConnectionRecord>, next: Option<DocumentId>) -> Self {
        Self { connections, unreadable: Vec::new(), next }
    }

    /// Sets what could not be read.
    #[must_use]
    pub fn with_unreadable(mut self, unreadable: Vec<(DocumentId, Error)>) -> Self {
        self.unreadable = unreadable;
        self
    }
}

/// What may be changed of a connection's record without asking the service. What is not set stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionChange {
    /// What people call it; an empty one takes the name away.
    pub display_name: Option<String>,
    /// What the product finds it by: all of the new labels.
    pub labels: Option<Labels>,
    /// The region in which new resources are created.
    pub region: Option<Region>,
    /// The organization of Azure DevOps that it is checked with, by name or address; an empty one takes it away.
    pub organization: Option<String>,
}

impl ConnectionChange {
    /// A change of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes what people call it.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Changes what the product finds it by.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = Some(labels);
        self
    }

    /// Changes the region in which new resources are created.
    #[must_use]
    pub fn with_region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// Changes the organization of Azure DevOps that it is checked with.
    #[must_use]
    pub fn with_organization(mut self, organization: impl Into<String>) -> Self {
        self.organization = Some(organization.into());
        self
    }
}

/// Finds a product's connections, and changes what is known of them. Nothing here opens a secret or asks a service.
///
/// Every implementation passes `azconnect_testkit::conformance::connection_keeper`.
#[async_trait]
pub trait ConnectionRecords: Send + Sync {
    /// A connection by its name, or `None` if there is none.
    async fn get(&self, id: &ConnectionId) -> Result<Option<ConnectionRecord>, Error>;

    /// A page of the connections.
    async fn list(&self, query: &ConnectionQuery) -> Result<ConnectionPage, Error>;

    /// Changes what is known of a connection, whatever else of it changes at the same time, and returns the record.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if there is none of that name;
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field for what a record cannot hold.
    async fn describe(&self, id: &ConnectionId, change: &ConnectionChange) -> Result<ConnectionRecord, Error>;
}
