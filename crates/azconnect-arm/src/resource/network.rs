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
    /// The properties of a resource of which only the state is read.
    StateOnly {
        /// How its last write stands: `Succeeded`, `Updating`, `Failed`, ….
        provisioning_state: Option<String>,
    }
    /// A network security group.
    NetworkSecurityGroup {
        /// The resource id, which ends with `/networkSecurityGroups/web-nsg`.
        id: String,
        /// The name within its resource group, such as `web-nsg`.
        name: String,
        /// The region that it is in, such as `westeurope`.
        location: String,
        /// The tags that its owner put on it, value by name.
        tags: BTreeMap<String, String>,
        /// The state and the rules.
        properties: NetworkSecurityGroupProperties,
    }
    /// The state and rules of a network security group.
    NetworkSecurityGroupProperties {
        /// How its last write stands: `Succeeded`, `Updating`, `Failed`, ….
        provisioning_state: Option<String>,
        /// The rules that its owner wrote, without the default ones of the service.
        security_rules: Vec<SecurityRule>,
    }
    /// One rule of a network security group.
    SecurityRule {
        /// The name within its group, such as `allow-ssh`.
        name: String,
        /// The traffic that it is about, and whether it passes.
        properties: SecurityRuleProperties,
    }
    /// The traffic that a rule is about, and whether it lets it pass.
    SecurityRuleProperties {
        /// The priority, from 100 to 4096; the rule with the lowest decides first.
        priority: u32,
        /// The direction: `Inbound` or `Outbound`.
        direction: String,
        /// Whether the traffic passes: `Allow` or `Deny`.
        access: String,
        /// The protocol: `Tcp`, `Udp`, `Icmp` or `*`.
        protocol: String,
        /// The source, if it is one: a range in CIDR form, a service tag, or `*`.
        source_address_prefix: Option<String>,
        /// The sources, if they are several: ranges in CIDR form.
        source_address_prefixes: Vec<String>,
        /// The ports at the destination, if they are one range: `22`, `8000-8010` or `*`.
        destination_port_range: Option<String>,
        /// The ports at the destination, if they are several ranges.
        destination_port_ranges: Vec<String>,
    }
    /// A virtual network.
    VirtualNetwork {
        /// The resource id, which ends with `/virtualNetworks/web-vnet`.
        id: String,
        /// The name within its resource group, such as `web-vnet`.
        name: String,
        /// The region that it is in, such as `westeurope`.
        location: String,
        /// The tags that its owner put on it, value by name.
        tags: BTreeMap<String, String>,
        /// The address ranges and the subnets.
        properties: VirtualNetworkProperties,
    }
    /// The address ranges and subnets of a virtual network.
    VirtualNetworkProperties {
        /// How its last write stands: `Succeeded`, `Updating`, `Failed`, ….
        provisioning_state: Option<String>,
        /// The address ranges that subnets are cut from.
        address_space: AddressSpace,
        /// The subnets of the network.
        subnets: Vec<Subnet>,
    }
    /// Ranges of addresses.
    AddressSpace {
        /// The ranges in CIDR form, such as `10.0.0.0/16`.
        address_prefixes: Vec<String>,
    }
    /// A subnet of a virtual network.
    Subnet {
        /// The resource id, which ends with `/virtualNetworks/NETWORK/subnets/NAME`.
        id: String,
        /// The name within its network, such as `default`.
        name: String,
        /// The address ranges, and what uses them.
        properties: SubnetProperties,
    }
    /// The address ranges of a subnet, and what uses them.
    SubnetProperties {
        /// How its last write stands: `Succeeded`, `Updating`, `Failed`, ….
        provisioning_state: Option<String>,
        /// The range in CIDR form, if it has one only.
        address_prefix: Option<String>,
        /// The ranges in CIDR form, if it has several.
        address_prefixes: Vec<String>,
        /// Whether machines in it reach the internet without a public address of their own.
        default_outbound_access: Option<bool>,
        /// The ids of the IP configurations that use addresses of it.
        ip_configurations: Vec<Reference>,
    }
    /// A public address.
    PublicIp {
        /// The resource id, which ends with `/publicIPAddresses/web-ip`.
        id: String,
        /// The name within its resource group, such as `web-ip`.
        name: String,
        /// The region that it is in, such as `westeurope`.
        location: String,
        /// The tags that its owner put on it, value by name.
        tags: BTreeMap<String, String>,
        /// The address itself, and what it is attached to.
        properties: PublicIpProperties,
    }
    /// The address of a public address resource, and what it is attached to.
    PublicIpProperties {
        /// How its last write stands: `Succeeded`, `Updating`, `Failed`, ….
        provisioning_state: Option<String>,
        /// The address, such as `203.0.113.7`; absent until the service has assigned one.
        ip_address: Option<String>,
        /// The IP configuration that it is attached to.
        ip_configuration: Option<Reference>,
        /// The name of the address, if it was given a label.
        dns_settings: Option<DnsSettings>,
    }
    /// The name of a public address.
    DnsSettings {
        /// The label, such as `web`.
        domain_name_label: Option<String>,
        /// The whole name, such as `web.westeurope.cloudapp.azure.com`.
        fqdn: Option<String>,
    }
    /// A network interface.
    NetworkInterface {
        /// The resource id, which ends with `/networkInterfaces/web-nic`.
        id: String,
        /// The name within its resource group, such as `web-nic`.
        name: String,
        /// The region that it is in, such as `westeurope`.
        location: String,
        /// The tags that its owner put on it, value by name.
        tags: BTreeMap<String, String>,
        /// The addresses, and what it is attached to.
        properties: NetworkInterfaceProperties,
    }
    /// The addresses of a network interface, and what it is attached to.
    NetworkInterfaceProperties {
        /// How its last write stands: `Succeeded`, `Updating`, `Failed`, ….
        provisioning_state: Option<String>,
        /// The addresses, each with its subnet.
        ip_configurations: Vec<IpConfiguration>,
        /// The id of the machine that it is attached to.
        virtual_machine: Option<Reference>,
        /// The network security group whose rules apply to it.
        network_security_group: Option<Reference>,
    }
    /// One address of a network interface.
    IpConfiguration {
        /// The name within its interface, such as `primary`.
        name: String,
        /// The private address, and the public one if it has one.
        properties: IpConfigurationProperties,
    }
    /// The private address, public address and subnet of one IP configuration.
    IpConfigurationProperties {
        /// The private address, such as `10.0.0.4`.
        #[serde(rename(deserialize = "privateIPAddress"))]
        private_ip_address: Option<String>,
        /// The public address resource that is attached to it.
        #[serde(rename(deserialize = "publicIPAddress"))]
        public_ip_address: Option<Reference>,
        /// The subnet that the private address is taken from.
        subnet: Option<Reference>,
    }
    /// A managed disk.
    Disk {
        /// The resource id, which ends with `/disks/web-disk-os-0`.
        id: String,
        /// The name within its resource group, such as `web-disk-os-0`.
        name: String,
        /// The region that it is in, such as `westeurope`.
        location: String,
        /// The tags that its owner put on it, value by name.
        tags: BTreeMap<String, String>,
        /// The id of the machine that it is attached to.
        managed_by: Option<String>,
        /// The state of the disk.
        properties: StateOnly,
    }
}

tagged!(NetworkSecurityGroup, VirtualNetwork, PublicIp, NetworkInterface, Disk);
