//! Resource groups and what is in them.

use std::fmt;

use azconnect_core::{Error, ResourceGroupName};
use http::Method;

use super::handle::Handle;
use super::list::List;
use crate::resource::compute::{VirtualMachine, VirtualMachines};
use crate::resource::group::{GenericResource, ResourceGroups};
use crate::resource::network::{
    Disk, Disks, NetworkInterface, NetworkInterfaces, NetworkSecurityGroup, NetworkSecurityGroups, PublicIp, PublicIps,
    VirtualNetwork, VirtualNetworks,
};
use crate::resource::{Kind, RESOURCES_API, ResourceId, ResourceQuery};

/// One resource group, which may or may not exist, and the way to what is in it.
#[derive(Clone)]
pub struct Group {
    handle: Handle<ResourceGroups>,
    name: ResourceGroupName,
}

impl Group {
    pub(super) fn new(handle: Handle<ResourceGroups>, name: ResourceGroupName) -> Self {
        Self { handle, name }
    }

    /// The handle of the group itself, to read, create and delete it.
    pub fn handle(&self) -> &Handle<ResourceGroups> {
        &self.handle
    }

    /// The id of the group, `/subscriptions/…/resourceGroups/NAME`.
    pub fn id(&self) -> &ResourceId {
        self.handle.id()
    }

    /// The name of the group.
    pub fn name(&self) -> &ResourceGroupName {
        &self.name
    }

    /// The resources in the group, of all types.
    pub fn resources(&self) -> List<GenericResource> {
        self.resources_where(&ResourceQuery::new())
    }

    /// Some resources of the group, by type, tag or filter.
    pub fn resources_where(&self, query: &ResourceQuery) -> List<GenericResource> {
        let arm = &self.handle.arm;
        let call = query.parameters().and_then(|parameters| {
            let query: Vec<_> = [("api-version", RESOURCES_API)].into_iter().chain(parameters).collect();
            Ok(arm.call("arm.resource_group.resources", Method::GET, arm.url(self.id(), &["resources"], &query)?))
        });
        List::new(arm, call)
    }

    /// The virtual machines in the group.
    pub fn virtual_machines(&self) -> List<VirtualMachine> {
        self.list::<VirtualMachines>("arm.virtual_machine.list")
    }

    /// The network interfaces in the group.
    pub fn network_interfaces(&self) -> List<NetworkInterface> {
        self.list::<NetworkInterfaces>("arm.network_interface.list")
    }

    /// The managed disks in the group.
    pub fn disks(&self) -> List<Disk> {
        self.list::<Disks>("arm.disk.list")
    }

    /// The public addresses in the group.
    pub fn public_ips(&self) -> List<PublicIp> {
        self.list::<PublicIps>("arm.public_ip.list")
    }

    /// The virtual networks in the group.
    pub fn virtual_networks(&self) -> List<VirtualNetwork> {
        self.list::<VirtualNetworks>("arm.virtual_network.list")
    }

    /// The network security groups in the group.
    pub fn network_security_groups(&self) -> List<NetworkSecurityGroup> {
        self.list::<NetworkSecurityGroups>("arm.network_security_group.list")
    }

    fn list<K: Kind>(&self, operation: &'static str) -> List<K::View> {
        let arm = &self.handle.arm;
        let segments: Vec<&str> = ["providers"].into_iter().chain(K::TYPE.split('/')).collect();
        let url = arm.url(self.id(), &segments, &[("api-version", K::API)]);
        List::new(arm, url.map(|url| arm.call(operation, Method::GET, url)))
    }

    /// The handle of a network security group in the group. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name that cannot be part of an id.
    pub fn network_security_group(&self, name: &str) -> Result<Handle<NetworkSecurityGroups>, Error> {
        self.resource(name)
    }

    /// The handle of a virtual network in the group. Nothing is sent.
    ///
    /// # Errors
    /// As [`Group::network_security_group`].
    pub fn virtual_network(&self, name: &str) -> Result<Handle<VirtualNetworks>, Error> {
        self.resource(name)
    }

    /// The handle of a public address in the group. Nothing is sent.
    ///
    /// # Errors
    /// As [`Group::network_security_group`].
    pub fn public_ip(&self, name: &str) -> Result<Handle<PublicIps>, Error> {
        self.resource(name)
    }

    /// The handle of a network interface in the group. Nothing is sent.
    ///
    /// # Errors
    /// As [`Group::network_security_group`].
    pub fn network_interface(&self, name: &str) -> Result<Handle<NetworkInterfaces>, Error> {
        self.resource(name)
    }

    /// The handle of a managed disk in the group. Nothing is sent.
    ///
    /// # Errors
    /// As [`Group::network_security_group`].
    pub fn disk(&self, name: &str) -> Result<Handle<Disks>, Error> {
        self.resource(name)
    }

    /// The handle of a virtual machine in the group. Nothing is sent.
    ///
    /// # Errors
    /// As [`Group::network_security_group`].
    pub fn virtual_machine(&self, name: &str) -> Result<Handle<VirtualMachines>, Error> {
        self.resource(name)
    }

    fn resource<K: Kind>(&self, name: &str) -> Result<Handle<K>, Error> {
        Ok(Handle::new(self.handle.arm.clone(), self.id().provider(K::TYPE, name)?))
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Group").field(self.id()).finish()
    }
}
