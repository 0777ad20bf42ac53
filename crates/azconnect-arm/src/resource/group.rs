//! Resource groups and the resources that lists show: kinds and views.

use std::collections::BTreeMap;

use super::kind::{RESOURCES_API, kinds, tagged};
use super::view::views;

kinds! {
    /// Resource groups.
    ResourceGroups: "resourceGroups", RESOURCES_API, ResourceGroup, "resource_group";
}

views! {
    /// A resource group as read.
    ResourceGroup {
        /// The resource id, `/subscriptions/…/resourceGroups/NAME`.
        id: String,
        /// The name, unique in the subscription.
        name: String,
        /// The region that holds the group's metadata; resources in it may be elsewhere.
        location: String,
        /// The tags that its owner put on it, value by name.
        tags: BTreeMap<String, String>,
        /// The state of the group.
        properties: GroupProperties,
    }
    /// The state of a resource group.
    GroupProperties {
        /// How its last write stands: `Succeeded`, `Deleting`, ….
        provisioning_state: Option<String>,
    }
    /// A resource of any type, as lists show it.
    GenericResource {
        /// The resource id.
        id: String,
        /// The name; that of a child holds its parent's as well, as in `web/azconnect-agent`.
        name: String,
        /// The type, such as `Microsoft.Network/publicIPAddresses`.
        #[serde(rename(deserialize = "type"))]
        kind: String,
        /// The region that it is in, such as `westeurope`.
        location: String,
        /// The tags that its owner put on it, value by name.
        tags: BTreeMap<String, String>,
        /// When it was made, as the service writes it, where the list was asked for it.
        created_time: Option<String>,
        /// When it was last changed, likewise.
        changed_time: Option<String>,
        /// How its last write stands, likewise.
        provisioning_state: Option<String>,
    }
}

tagged!(ResourceGroup, GenericResource);
