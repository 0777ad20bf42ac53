//! The client: typed operations on resources. Reads are tolerant, writes are strict.

mod access;
mod arm;
mod compute;
mod group;
mod handle;
mod id;
mod image;
mod kind;
mod network;
mod pending;
mod skus;
mod splitter;
mod subscription;
mod usage;
mod view;

pub use access::{Permissions, RoleAssignment, RoleAssignmentProperties, RoleDefinition, RoleDefinitionProperties};
pub use arm::Arm;
pub use compute::{
    DiskReference, ExtensionView, HardwareProfile, Identity, InstanceView, NetworkProfile, OsDisk, OsProfile, Power,
    Reference, RunCommand, RunCommandProperties, RunCommandView, Status, StorageProfile, VirtualMachine,
    VirtualMachineProperties, VmExtension, VmExtensionProperties, VmSize,
};
pub use group::{GenericResource, Group, GroupProperties, ResourceGroup};
pub use handle::Handle;
pub use id::ResourceId;
pub use image::{ImageDeprecation, ImagePlan, ImageProperties, ImageVersion, Urn};
pub use kind::{
    Disks, Extensions, Kind, NetworkInterfaces, NetworkSecurityGroups, PublicIps, ResourceGroups, RunCommands, Subnets,
    Tagged, VirtualMachines, VirtualNetworks,
};
pub use network::{
    AddressSpace, Disk, IpConfiguration, IpConfigurationProperties, NetworkInterface, NetworkInterfaceProperties,
    NetworkSecurityGroup, NetworkSecurityGroupProperties, PublicIp, PublicIpProperties, SecurityRule,
    SecurityRuleProperties, StateOnly, Subnet, SubnetProperties, VirtualNetwork, VirtualNetworkProperties,
};
pub use pending::Pending;
pub use skus::{Capability, Restriction, RestrictionInfo, Sku, SkuLocation, Skus};
pub use subscription::{Location, Provider, ProviderType, Subscription, SubscriptionView};
pub use usage::{Usage, UsageName};
