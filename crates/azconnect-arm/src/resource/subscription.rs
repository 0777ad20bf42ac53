//! Subscriptions, regions and resource providers: views.

use super::view::views;

views! {
    /// A subscription as read.
    SubscriptionView {
        /// Its id.
        subscription_id: String,
        /// What people call it.
        display_name: String,
        /// The tenant it belongs to.
        tenant_id: Option<String>,
        /// `Enabled`, `Warned`, `PastDue`, `Disabled` or `Deleted`.
        state: String,
    }
    /// A region.
    Location {
        /// Such as `westeurope`.
        name: String,
        /// Such as `West Europe`.
        display_name: String,
    }
    /// A resource provider.
    Provider {
        /// Such as `Microsoft.Compute`.
        namespace: String,
        /// `Registered`, `Registering`, `NotRegistered` or `Unregistering`.
        registration_state: String,
        /// What it offers.
        resource_types: Vec<ProviderType>,
    }
    /// A type of resource that a provider offers.
    ProviderType {
        /// Such as `virtualMachines`.
        resource_type: String,
        /// The regions, by their display names.
        locations: Vec<String>,
        /// The versions of its interface.
        api_versions: Vec<String>,
    }
}

impl Provider {
    /// Whether the subscription may use it.
    pub fn is_registered(&self) -> bool {
        self.registration_state.eq_ignore_ascii_case("Registered")
    }
}
