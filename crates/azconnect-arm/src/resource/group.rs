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
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its region.
        location: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
        /// Its state.
        properties: GroupProperties,
    }
    /// The state of a resource group.
    GroupProperties {
        /// `Succeeded`, `Deleting`, ….
        provisioning_state: Option<String>,
    }
    /// A resource of any type, as lists show it.
    GenericResource {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its type, such as `Microsoft.Network/publicIPAddresses`.
        #[serde(rename(deserialize = "type"))]
        kind: String,
        /// Its region.
        location: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
    }
}

tagged!(ResourceGroup, GenericResource);
