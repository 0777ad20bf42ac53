//! What is checked: the values of a form, or of a record.

use azconnect_core::{ClientId, KeyId, ResourceGroupName, Secret, SubscriptionId};
use azconnect_credential::{ConnectionRecord, FormEntry, Region, TenantEntry};
use azconnect_devops::OrganizationName;
use time::OffsetDateTime;

/// What is known of a connection. What is `None` was not entered, or cannot be what it stands for.
pub(crate) struct Subject<'a> {
    pub(crate) tenant: Option<TenantEntry>,
    pub(crate) client: Option<ClientId>,
    pub(crate) secret: Option<&'a Secret>,
    /// The public id of the secret.
    pub(crate) key: Option<KeyId>,
    /// Whether it is about to be kept, so that the key of the secret is looked for.
    pub(crate) is_new: bool,
    pub(crate) minted_at: Option<OffsetDateTime>,
    pub(crate) subscription: Option<SubscriptionId>,
    pub(crate) region: Option<Region>,
    pub(crate) group: Option<ResourceGroupName>,
    /// Whether an organization was named, and what its name is if it can be one.
    pub(crate) organization: Option<OrganizationName>,
}

impl<'a> Subject<'a> {
    /// The values of a form that was read.
    pub(crate) fn of_entry(entry: &'a FormEntry, organization: Option<OrganizationName>) -> Self {
        Self {
            tenant: entry.tenant.clone(),
            client: entry.client,
            secret: entry.secret.as_ref(),
            key: entry.key,
            is_new: true,
            minted_at: entry.minted_at,
            subscription: entry.subscription,
            region: entry.region.clone(),
            group: entry.resource_group.clone(),
            organization,
        }
    }

    /// The values of a record, and the secret that it names.
    pub(crate) fn of_record(
        record: &ConnectionRecord,
        secret: &'a Secret,
        organization: Option<OrganizationName>,
    ) -> Self {
        Self {
            tenant: Some(TenantEntry::Id(record.tenant)),
            client: Some(record.client),
            secret: Some(secret),
            key: None,
            is_new: false,
            minted_at: None,
            subscription: Some(record.subscription),
            region: record.region.clone(),
            group: record.resource_group.clone(),
            organization,
        }
    }
}
