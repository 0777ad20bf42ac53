//! What a product stores about a connection to a customer's Azure.

use azconnect_core::{ClientId, Labels, ResourceGroupName, SubscriptionId, TenantId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::check_report::CheckReport;
use crate::credential_kind::CredentialKind;
use crate::expiry::Expiry;
use crate::expiry_policy::ExpiryPolicy;
use crate::region::Region;

azconnect_core::name_id!(
    /// The name that the product gives a connection, such as `contoso`.
    ConnectionId,
    "connection id"
);

/// One stored connection. It holds no secret, so it may be shown and logged.
///
/// It is serialised with the `version` of its format, at most [`VERSION`](Self::VERSION). Every earlier one is read; a later one is
/// an error, since a program that does not know it would lose what it says. The third format names an organization; a record
/// without one is written in the second.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionRecord {
    /// The product's name for the connection.
    pub id: ConnectionId,
    /// What people call it, if that is another name.
    pub display_name: Option<String>,
    /// What the product finds it by.
    pub labels: Labels,
    /// The name of the cloud, such as `AzureCloud`. Unknown in a record of the first format.
    pub cloud: Option<String>,
    /// The customer's subscription.
    pub subscription: SubscriptionId,
    /// The customer's tenant.
    pub tenant: TenantId,
    /// The client id of the application that signs in.
    pub client: ClientId,
    /// How the application signs in.
    pub credential: CredentialKind,
    /// The region in which new resources are created.
    pub region: Option<Region>,
    /// The one resource group it may act in, if it is limited to one.
    pub resource_group: Option<ResourceGroupName>,
    /// The name of the organization of Azure DevOps that it is checked with, if one was named.
    pub organization: Option<String>,
    /// When it was connected. Unknown in a record of the first format.
    pub created_at: Option<OffsetDateTime>,
    /// When what it says was last changed, checks apart.
    pub changed_at: Option<OffsetDateTime>,
    /// The last check, and what it found.
    pub checked: Option<LastCheck>,
}

/// The last check of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LastCheck {
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What it found.
    pub report: CheckReport,
}

impl LastCheck {
    /// A check that was made at a moment.
    pub fn new(at: OffsetDateTime, report: CheckReport) -> Self {
        Self { at, report }
    }
}

impl ConnectionRecord {
    /// The latest version of the format. A record that an earlier one can say is written in that, so that older programs read it.
    pub const VERSION: u32 = 3;

    /// A connection to a subscription, not limited to a group.
    pub fn new(
        id: ConnectionId,
        subscription: SubscriptionId,
        tenant: TenantId,
        client: ClientId,
        credential: CredentialKind,
    ) -> Self {
        Self {
            id,
            display_name: None,
            labels: Labels::new(),
            cloud: None,
            subscription,
            tenant,
            client,
            credential,
            region: None,
            resource_group: None,
            organization: None,
            created_at: None,
            changed_at: None,
            checked: None,
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

    /// Sets the name of the cloud, such as `AzureCloud`.
    #[must_use]
    pub fn with_cloud(mut self, name: impl Into<String>) -> Self {
        self.cloud = Some(name.into());
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

    /// Sets the name of the organization of Azure DevOps that it is checked with.
    #[must_use]
    pub fn with_organization(mut self, name: impl Into<String>) -> Self {
        self.organization = Some(name.into());
        self
    }

    /// Sets when it was connected, which is also when it was last changed.
    #[must_use]
    pub fn with_created_at(mut self, at: OffsetDateTime) -> Self {
        self.created_at = Some(at);
        self.changed_at = Some(at);
        self
    }

    /// What people call it: the display name, or the id where it has none.
    pub fn title(&self) -> &str {
        self.display_name.as_deref().unwrap_or(self.id.as_str())
    }

    /// How near its end the credential is at `now`, as far as the record itself says. What the service lists counts more: an
    /// [`ExpiryWatch`](crate::ExpiryWatch) asks it.
    pub fn expiry(&self, now: OffsetDateTime, policy: &ExpiryPolicy) -> Expiry {
        match self.credential {
            CredentialKind::Federated { .. } => Expiry::Never,
            _ => policy.judge(self.credential.ends_at(), now),
        }
    }
}
