//! The kinds of resources that have a handle.

use serde::de::DeserializeOwned;

use super::compute::{RunCommand, VirtualMachine, VmExtension};
use super::group::ResourceGroup;
use super::network::{Disk, NetworkInterface, NetworkSecurityGroup, PublicIp, Subnet, VirtualNetwork};

pub(super) const SUBSCRIPTIONS_API: &str = "2022-12-01";
pub(super) const RESOURCES_API: &str = "2025-04-01";
pub(super) const NETWORK_API: &str = "2025-05-01";
pub(super) const COMPUTE_API: &str = "2025-04-01";
pub(super) const SKUS_API: &str = "2021-07-01";
pub(super) const AUTHORIZATION_API: &str = "2022-04-01";
const DISKS_API: &str = "2024-03-02";

/// A kind of resource: how it is read, its api-version, and the names of its operations.
pub trait Kind: Send + Sync + 'static {
    /// What a read answers.
    type View: DeserializeOwned + Send;
    /// The type below a resource group or below its parent, such as `Microsoft.Network/virtualNetworks` or `subnets`.
    const TYPE: &'static str;
    /// The api-version.
    const API: &'static str;
    /// The name of reading one.
    const GET: &'static str;
    /// The name of creating or replacing one.
    const CREATE: &'static str;
    /// The name of changing one in part.
    const UPDATE: &'static str;
    /// The name of deleting one.
    const DELETE: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $type:literal, $api:expr, $view:ty, $word:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            #[non_exhaustive]
            pub struct $name;

            impl Kind for $name {
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

kinds! {
    /// Resource groups.
    ResourceGroups: "resourceGroups", RESOURCES_API, ResourceGroup, "resource_group";
    /// Network security groups.
    NetworkSecurityGroups: "Microsoft.Network/networkSecurityGroups", NETWORK_API, NetworkSecurityGroup, "network_security_group";
    /// Virtual networks.
    VirtualNetworks: "Microsoft.Network/virtualNetworks", NETWORK_API, VirtualNetwork, "virtual_network";
    /// Subnets of a virtual network.
    Subnets: "subnets", NETWORK_API, Subnet, "subnet";
    /// Public addresses.
    PublicIps: "Microsoft.Network/publicIPAddresses", NETWORK_API, PublicIp, "public_ip";
    /// Network interfaces.
    NetworkInterfaces: "Microsoft.Network/networkInterfaces", NETWORK_API, NetworkInterface, "network_interface";
    /// Managed disks.
    Disks: "Microsoft.Compute/disks", DISKS_API, Disk, "disk";
    /// Virtual machines.
    VirtualMachines: "Microsoft.Compute/virtualMachines", COMPUTE_API, VirtualMachine, "virtual_machine";
    /// Extensions of a virtual machine.
    Extensions: "extensions", COMPUTE_API, VmExtension, "extension";
    /// Managed run commands of a virtual machine.
    RunCommands: "runCommands", COMPUTE_API, RunCommand, "run_command";
}

/// What has tags.
pub trait Tagged {
    /// The value of a tag.
    fn tag(&self, name: &str) -> Option<&str>;
}

macro_rules! tagged {
    ($($view:ty),*) => {
        $(
            impl Tagged for $view {
                fn tag(&self, name: &str) -> Option<&str> {
                    // The service compares names of tags without regard to case.
                    self.tags.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
                }
            }
        )*
    };
}

tagged!(
    ResourceGroup,
    NetworkSecurityGroup,
    VirtualNetwork,
    PublicIp,
    NetworkInterface,
    VirtualMachine,
    Disk,
    VmExtension,
    super::group::GenericResource
);
