//! What makes a kind of resource: its type, its api-version, what a read answers, the names of its operations.

use serde::de::DeserializeOwned;

pub(crate) const SUBSCRIPTIONS_API: &str = "2022-12-01";
pub(crate) const RESOURCES_API: &str = "2025-04-01";
pub(crate) const NETWORK_API: &str = "2025-05-01";
pub(crate) const COMPUTE_API: &str = "2025-04-01";
pub(crate) const SKUS_API: &str = "2021-07-01";
pub(crate) const AUTHORIZATION_API: &str = "2022-04-01";
pub(crate) const IDENTITIES_API: &str = "2023-01-31";
pub(crate) const MARKETPLACE_API: &str = "2021-01-01";
pub(crate) const GALLERIES_API: &str = "2024-03-03";
pub(crate) const DISKS_API: &str = "2024-03-02";

/// A kind of resource: how it is read, its api-version, and the names of its operations.
pub trait Kind: Send + Sync + 'static {
    /// The type that an answer to a read is parsed into.
    type View: DeserializeOwned + Send;
    /// The type below a resource group or below its parent, such as `Microsoft.Network/virtualNetworks` or `subnets`.
    const TYPE: &'static str;
    /// The value of `api-version` in every request, such as `2025-05-01`.
    const API: &'static str;
    /// The name of the operation of reading one, such as `arm.public_ip.get`, as errors and spans show it.
    const GET: &'static str;
    /// The name of the operation of creating or replacing one, such as `arm.public_ip.create`, as errors show it.
    const CREATE: &'static str;
    /// The name of the operation of changing one in part, such as `arm.public_ip.update`, as errors and spans show it.
    const UPDATE: &'static str;
    /// The name of the operation of deleting one, such as `arm.public_ip.delete`, as errors and spans show it.
    const DELETE: &'static str;
}

/// Declares the markers of kinds, each beside the view that a read of it answers.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $type:literal, $api:expr, $view:ty, $word:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            #[non_exhaustive]
            pub struct $name;

            impl $crate::resource::Kind for $name {
                type View = $view;
                const TYPE: &'static str = $type;
                const API: &'static str = $api;
                const GET: &'static str = concat!("arm.", $word, ".get");
                const CREATE: &'static str = concat!("arm.", $word, ".create");
                const UPDATE: &'static str = concat!("arm.", $word, ".update");
                const DELETE: &'static str = concat!("arm.", $word, ".delete");
            }
        )*
    };
}
pub(super) use kinds;

/// The name of the tag whose value is the provisioning that a resource belongs to.
pub(crate) const OWNER_TAG: &str = "azconnect-machine";

/// A view of a resource that has tags.
pub trait Tagged {
    /// The value of a tag by its name, whose case does not matter.
    fn tag(&self, name: &str) -> Option<&str>;
}

/// Implements `Tagged` for views that have a field `tags`.
macro_rules! tagged {
    ($($view:ty),*) => {
        $(
            impl $crate::resource::Tagged for $view {
                fn tag(&self, name: &str) -> Option<&str> {
                    // The service compares names of tags without regard to case.
                    self.tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
                }
            }
        )*
    };
}
pub(super) use tagged;
