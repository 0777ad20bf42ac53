//! Subscriptions, regions and resource providers: views.

use super::view::views;

views! {
    /// A subscription as read.
    SubscriptionView {
        /// The GUID of the subscription.
        subscription_id: String,
        /// The display name.
        display_name: String,
        /// The GUID of the tenant that the subscription trusts.
        tenant_id: Option<String>,
        /// The other tenants whose principals may act in it (Azure Lighthouse).
        managed_by_tenants: Vec<ManagingTenant>,
        /// The state: `Enabled`, `Warned`, `PastDue`, `Disabled` or `Deleted`.
        state: String,
    }
    /// A tenant that a subscription was delegated to.
    ManagingTenant {
        /// The GUID of the tenant.
        tenant_id: String,
    }
    /// A region that a subscription may use.
    Location {
        /// The name that requests use, such as `westeurope`.
        name: String,
        /// The name that people read, such as `West Europe`.
        display_name: String,
        /// What kind of place it is: `Region`, or `EdgeZone`.
        #[serde(rename(deserialize = "type"))]
        kind: Option<String>,
        /// Where it lies, and which other region it is paired with.
        metadata: LocationMetadata,
        /// Its availability zones; none where it has none.
        availability_zone_mappings: Vec<ZoneMapping>,
    }
    /// Where a region lies.
    LocationMetadata {
        /// `Physical`, or `Logical` for a name that stands for several regions, where no machine can be.
        region_type: Option<String>,
        /// `Recommended` for one with every service, or `Other`.
        region_category: Option<String>,
        /// The geography, within whose borders data stays, such as `United Kingdom`.
        geography: Option<String>,
        /// The part of the world, such as `Europe`.
        geography_group: Option<String>,
        /// The region that it is paired with, at most one; none where it has none.
        paired_region: Vec<PairedRegion>,
    }
    /// The other region of a pair.
    PairedRegion {
        /// Its name, such as `northeurope`.
        name: String,
    }
    /// One availability zone as this subscription sees it.
    ZoneMapping {
        /// What requests call it: `1`, `2` or `3`. Another subscription may call the same zone otherwise.
        logical_zone: String,
    }
    /// A resource provider, and whether the subscription is registered for it.
    Provider {
        /// The namespace, such as `Microsoft.Compute`.
        namespace: String,
        /// The registration: `Registered`, `Registering`, `NotRegistered` or `Unregistering`.
        registration_state: String,
        /// The types of resources that it offers.
        resource_types: Vec<ProviderType>,
    }
    /// A type of resource that a provider offers.
    ProviderType {
        /// The type within the namespace, such as `virtualMachines`.
        resource_type: String,
        /// The regions that offer it, by their display names, such as `West Europe`.
        locations: Vec<String>,
        /// The values of `api-version` that it accepts, such as `2025-04-01`.
        api_versions: Vec<String>,
    }
}

impl Provider {
    /// Whether the subscription is registered for it, so that its resources can be created.
    pub fn is_registered(&self) -> bool {
        self.registration_state.eq_ignore_ascii_case("Registered")
    }
}

impl Location {
    /// Whether it is a region in which machines of every kind can be: edge zones take machines of their own kind only, and a
    /// logical region is no place.
    pub fn takes_machines(&self) -> bool {
        let is = |found: &Option<String>, word: &str| found.as_ref().is_some_and(|one| one.eq_ignore_ascii_case(word));
        !is(&self.kind, "EdgeZone") && !is(&self.metadata.region_type, "Logical")
    }
}
