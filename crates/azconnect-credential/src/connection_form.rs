//! What a person enters to connect a subscription, before anybody has looked at it.

use std::fmt;

use azconnect_core::{Labels, Secret};
use time::OffsetDateTime;

/// The fields of a form as they were filled in. An empty text stands for a field that was left out.
///
/// Any text may be wrong in any way: white space around it, quotes, a tenant's name where its GUID belongs, even the secret in
/// another field. So `Debug` says which fields are filled in, and shows none of them.
///
/// ```
/// use azconnect_core::Secret;
/// use azconnect_credential::{CheckStatus, ConnectionCheck, ConnectionForm};
///
/// let form = ConnectionForm::new(Secret::new("Abc8Q~a.secret.of.this.example.only_0001\n"))
///     .with_id("contoso")
///     .with_tenant(" 6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01 ")
///     .with_client("a0000000-0000-4000-8000-000000000002")
///     .with_subscription("Production");
/// let entry = form.read();
/// assert!(entry.tenant.is_some() && entry.secret.is_some());
/// assert_eq!(entry.report.of(ConnectionCheck::SubscriptionEntry).unwrap().status, CheckStatus::Failed);
/// ```
#[non_exhaustive]
pub struct ConnectionForm {
    /// The name that the product gives the connection.
    pub id: String,
    /// What people call it.
    pub display_name: String,
    /// What the product finds it by, which no person enters.
    pub labels: Labels,
    /// The GUID of the tenant, or one of its names, such as `contoso.onmicrosoft.com`.
    pub tenant: String,
    /// The client id of the application.
    pub client: String,
    /// The client secret.
    pub client_secret: Secret,
    /// The public id of the secret.
    pub key: String,
    /// When the secret was made, if that is known: Entra ID does not know a new one everywhere at once.
    pub minted_at: Option<OffsetDateTime>,
    /// When the secret ends, if that is known.
    pub ends_at: Option<OffsetDateTime>,
    /// The GUID of the subscription.
    pub subscription: String,
    /// The region in which new resources are created.
    pub region: String,
    /// The one resource group it may act in, if it is limited to one.
    pub resource_group: String,
    /// The name or address of the organization of Azure DevOps that is used with it, if one is.
    pub organization: String,
}

impl ConnectionForm {
    /// A form with a client secret, and nothing else filled in.
    pub fn new(client_secret: Secret) -> Self {
        Self {
            id: String::new(),
            display_name: String::new(),
            labels: Labels::new(),
            tenant: String::new(),
            client: String::new(),
            client_secret,
            key: String::new(),
            minted_at: None,
            ends_at: None,
            subscription: String::new(),
            region: String::new(),
            resource_group: String::new(),
            organization: String::new(),
        }
    }

    /// Fills in the name that the product gives the connection.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Fills in what people call it.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        self
    }

    /// Sets what the product finds it by.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Fills in the tenant: its GUID, or one of its names.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Fills in the client id of the application.
    #[must_use]
    pub fn with_client(mut self, client: impl Into<String>) -> Self {
        self.client = client.into();
        self
    }

    /// Fills in the public id of the secret.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
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
    pub fn with_ends_at(mut self, at: OffsetDateTime) -> Self {
        self.ends_at = Some(at);
        self
    }

    /// Fills in the GUID of the subscription.
    #[must_use]
    pub fn with_subscription(mut self, subscription: impl Into<String>) -> Self {
        self.subscription = subscription.into();
        self
    }

    /// Fills in the region in which new resources are created.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Fills in the one resource group it may act in.
    #[must_use]
    pub fn with_resource_group(mut self, group: impl Into<String>) -> Self {
        self.resource_group = group.into();
        self
    }

    /// Fills in the organization of Azure DevOps that is used with it.
    #[must_use]
    pub fn with_organization(mut self, organization: impl Into<String>) -> Self {
        self.organization = organization.into();
        self
    }

    /// The fields that people fill in, by their stable names.
    pub(crate) fn texts(&self) -> [(&'static str, &str); 8] {
        [
            ("id", &self.id),
            ("display_name", &self.display_name),
            ("tenant", &self.tenant),
            ("client", &self.client),
            ("subscription", &self.subscription),
            ("region", &self.region),
            ("resource_group", &self.resource_group),
            ("organization", &self.organization),
        ]
    }
}

impl fmt::Debug for ConnectionForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not their texts: people paste a secret into the wrong field.
        let filled = self.texts().into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, _)| name);
        f.debug_struct("ConnectionForm").field("filled", &filled.collect::<Vec<_>>()).finish_non_exhaustive()
    }
}
