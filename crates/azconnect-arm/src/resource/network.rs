//! Networks, addresses and disks: kinds and views. Every field of a view may be absent.

use std::collections::BTreeMap;

use super::compute::Reference;
use super::kind::{DISKS_API, NETWORK_API, kinds, tagged};
use super::view::views;

kinds! {
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
}

views! {
    /// What has a state and nothing else of interest.
    StateOnly {
        /// `Succeeded`, `Updating`, `Failed`, ….
        provisioning_state: Option<String>,
    }
    /// A network security group.
    NetworkSecurityGroup {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its region.
        location: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
        /// Its state and rules.
        properties: NetworkSecurityGroupProperties,
    }
    /// The state and rules of a network security group.
    NetworkSecurityGroupProperties {
        /// Its state.
        provisioning_state: Option<String>,
        /// The rules of its owner.
        security_rules: Vec<SecurityRule>,
    }
    /// One rule.
    SecurityRule {
        /// Its name.
        name: String,
        /// What it says.
        properties: SecurityRuleProperties,
    }
    /// What a rule says.
    SecurityRuleProperties {
        /// 100 to 4096; the lowest decides first.
        priority: u32,
        /// `Inbound` or `Outbound`.
        direction: String,
        /// `Allow` or `Deny`.
        access: String,
        /// `Tcp`, `Udp`, `Icmp` or `*`.
        protocol: String,
        /// From where, if it is one source.
        source_address_prefix: Option<String>,
        /// From where.
        source_address_prefixes: Vec<String>,
        /// To which port, if it is one range.
        destination_port_range: Option<String>,
        /// To which ports.
        destination_port_ranges: Vec<String>,
    }
    /// A virtual network.
    VirtualNetwork {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its region.
        location: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
        /// Its addresses and subnets.
        properties: VirtualNetworkProperties,
    }
    /// The addresses and subnets of a virtual network.
    VirtualNetworkProperties {
        /// Its state.
        provisioning_state: Option<String>,
        /// Its addresses.
        address_space: AddressSpace,
        /// Its subnets.
        subnets: Vec<Subnet>,
    }
    /// Ranges of addresses.
    AddressSpace {
        /// In CIDR form.
        address_prefixes: Vec<String>,
    }
    /// A subnet.
    Subnet {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its addresses.
        properties: SubnetProperties,
    }
    /// The addresses of a subnet.
    SubnetProperties {
        /// Its state.
        provisioning_state: Option<String>,
        /// Its range, in CIDR form.
        address_prefix: Option<String>,
        /// Its ranges, where it has several.
        address_prefixes: Vec<String>,
        /// Whether machines in it reach the internet without an address of their own.
        default_outbound_access: Option<bool>,
        /// What uses addresses of it.
        ip_configurations: Vec<Reference>,
    }
    /// A public address.
    PublicIp {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its region.
        location: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
        /// The address itself.
        properties: PublicIpProperties,
    }
    /// The address itself.
    PublicIpProperties {
        /// Its state.
        provisioning_state: Option<String>,
        /// The address, once it is known.
        ip_address: Option<String>,
        /// What it is attached to.
        ip_configuration: Option<Reference>,
    }
    /// A network interface.
    NetworkInterface {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its region.
        location: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
        /// Its addresses.
        properties: NetworkInterfaceProperties,
    }
    /// The addresses of a network interface.
    NetworkInterfaceProperties {
        /// Its state.
        provisioning_state: Option<String>,
        /// Its addresses.
        ip_configurations: Vec<IpConfiguration>,
        /// The machine it is attached to.
        virtual_machine: Option<Reference>,
        /// The rules that guard it.
        network_security_group: Option<Reference>,
    }
    /// One address of a network interface.
    IpConfiguration {
        /// Its name.
        name: String,
        /// The address.
        properties: IpConfigurationProperties,
    }
    /// One address of a network interface.
    IpConfigurationProperties {
        /// The private address.
        #[serde(rename(deserialize = "privateIPAddress"))]
        private_ip_address: Option<String>,
        /// The public address.
        #[serde(rename(deserialize = "publicIPAddress"))]
        public_ip_address: Option<Reference>,
        /// The subnet.
        subnet: Option<Reference>,
    }
    /// A managed disk.
    Disk {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its region.
        location: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
        /// The machine it is attached to.
        managed_by: Option<String>,
        /// Its state.
        properties: StateOnly,
    }
}

tagged!(NetworkSecurityGroup, VirtualNetwork, PublicIp, NetworkInterface, Disk);
