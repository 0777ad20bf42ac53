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
        /// The state: `Enabled`, `Warned`, `PastDue`, `Disabled` or `Deleted`.
        state: String,
    }
    /// A region that a subscription may use.
    Location {
        /// The name that requests use, such as `westeurope`.
        name: String,
        /// The name that people read, such as `West Europe`.
        display_name: String,
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
