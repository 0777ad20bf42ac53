//! The members of the bodies of Microsoft.Network, and the words that some of them take, as Microsoft's specification names
//! them.

use crate::model::arm::kind::ResourceKind;
use crate::service::arm::members::{Members, Words};

/// Every object of a body that this emulator looks at.
pub(crate) fn of(kind: ResourceKind) -> &'static [Members] {
    match kind {
        ResourceKind::VirtualNetwork => NETWORK,
        ResourceKind::Subnet => ONE_SUBNET,
        ResourceKind::SecurityGroup => SECURITY_GROUP,
        ResourceKind::SecurityRule => ONE_RULE,
        ResourceKind::PublicIp => PUBLIC_IP,
        ResourceKind::Nic => NIC,
        _ => &[],
    }
}

/// The words that members take.
pub(crate) fn words_of(kind: ResourceKind) -> &'static [Words] {
    match kind {
        ResourceKind::PublicIp => &[
            ("sku.name", "PublicIPAddressSkuName", &["Basic", "Standard", "StandardV2"]),
            ("sku.tier", "PublicIPAddressSkuTier", &["Regional", "Global"]),
            ("properties.publicIPAllocationMethod", "IPAllocationMethod", ALLOCATION),
            ("properties.publicIPAddressVersion", "IPVersion", VERSION),
        ],
        ResourceKind::Nic => &[
            ("properties.ipConfigurations.[].properties.privateIPAllocationMethod", "IPAllocationMethod", ALLOCATION),
            ("properties.ipConfigurations.[].properties.privateIPAddressVersion", "IPVersion", VERSION),
            (
                "properties.ipConfigurations.[].properties.publicIPAddress.properties.deleteOption",
                "DeleteOptions",
                DELETE,
            ),
        ],
        _ => &[],
    }
}

const ALLOCATION: &[&str] = &["Static", "Dynamic"];
const VERSION: &[&str] = &["IPv4", "IPv6"];
const DELETE: &[&str] = &["Delete", "Detach"];

const RESOURCE: &[&str] =
    &["id", "name", "type", "etag", "location", "extendedLocation", "tags", "zones", "sku", "properties", "systemData"];

/// An item inside another resource, and a reference to one: clients may send the whole of what they read.
const ITEM: &[&str] = &["id", "name", "type", "etag", "zones", "location", "tags", "sku", "properties"];

const SUBNET: &[&str] = &[
    "addressPrefix",
    "addressPrefixes",
    "applicationGatewayIPConfigurations",
    "defaultOutboundAccess",
    "delegations",
    "ipAllocations",
    "ipConfigurationProfiles",
    "ipConfigurations",
    "ipamPoolPrefixAllocations",
    "natGateway",
    "networkSecurityGroup",
    "privateEndpointNetworkPolicies",
    "privateEndpoints",
    "privateLinkServiceNetworkPolicies",
    "provisioningState",
    "purpose",
    "resourceNavigationLinks",
    "routeTable",
    "serviceAssociationLinks",
    "serviceEndpointPolicies",
    "serviceEndpoints",
    "serviceGateway",
    "sharingScope",
];

const RULE: &[&str] = &[
    "access",
    "description",
    "destinationAddressPrefix",
    "destinationAddressPrefixes",
    "destinationApplicationSecurityGroups",
    "destinationPortRange",
    "destinationPortRanges",
    "direction",
    "priority",
    "protocol",
    "provisioningState",
    "sourceAddressPrefix",
    "sourceAddressPrefixes",
    "sourceApplicationSecurityGroups",
    "sourcePortRange",
    "sourcePortRanges",
];

const ADDRESS: &[&str] = &[
    "ddosSettings",
    "deleteOption",
    "dnsSettings",
    "idleTimeoutInMinutes",
    "ipAddress",
    "ipConfiguration",
    "ipTags",
    "linkedPublicIPAddress",
    "migrationPhase",
    "natGateway",
    "provisioningState",
    "publicIPAddressVersion",
    "publicIPAllocationMethod",
    "publicIPPrefix",
    "resourceGuid",
    "servicePublicIPAddress",
];

const NETWORK: &[Members] = &[
    ("", "ResourceDefinition", RESOURCE),
    (
        "properties",
        "VirtualNetworkPropertiesFormat",
        &[
            "addressSpace",
            "bgpCommunities",
            "ddosProtectionPlan",
            "defaultPublicNatGateway",
            "dhcpOptions",
            "enableDdosProtection",
            "enableVmProtection",
            "encryption",
            "flowLogs",
            "flowTimeoutInMinutes",
            "ipAllocations",
            "privateEndpointVNetPolicies",
            "provisioningState",
            "resourceGuid",
            "subnets",
            "virtualNetworkPeerings",
        ],
    ),
    ("properties.addressSpace", "AddressSpace", &["addressPrefixes", "ipamPoolPrefixAllocations"]),
    ("properties.dhcpOptions", "DhcpOptions", &["dnsServers"]),
    ("properties.subnets.[]", "Subnet", ITEM),
    ("properties.subnets.[].properties", "SubnetPropertiesFormat", SUBNET),
];

const ONE_SUBNET: &[Members] = &[("", "Subnet", ITEM), ("properties", "SubnetPropertiesFormat", SUBNET)];

const SECURITY_GROUP: &[Members] = &[
    ("", "ResourceDefinition", RESOURCE),
    (
        "properties",
        "NetworkSecurityGroupPropertiesFormat",
        &[
            "defaultSecurityRules",
            "flowLogs",
            "flushConnection",
            "networkInterfaces",
            "provisioningState",
            "resourceGuid",
            "securityRules",
            "subnets",
        ],
    ),
    ("properties.securityRules.[]", "SecurityRule", ITEM),
    ("properties.securityRules.[].properties", "SecurityRulePropertiesFormat", RULE),
];

const ONE_RULE: &[Members] = &[("", "SecurityRule", ITEM), ("properties", "SecurityRulePropertiesFormat", RULE)];

const PUBLIC_IP: &[Members] = &[
    ("", "ResourceDefinition", RESOURCE),
    ("sku", "PublicIPAddressSku", &["name", "tier"]),
    ("properties", "PublicIPAddressPropertiesFormat", ADDRESS),
    (
        "properties.dnsSettings",
        "PublicIPAddressDnsSettings",
        &["domainNameLabel", "domainNameLabelScope", "fqdn", "reverseFqdn"],
    ),
];

const NIC: &[Members] = &[
    ("", "ResourceDefinition", RESOURCE),
    (
        "properties",
        "NetworkInterfacePropertiesFormat",
        &[
            "allowPort25Out",
            "auxiliaryMode",
            "auxiliarySku",
            "defaultOutboundConnectivityEnabled",
            "disableTcpStateTracking",
            "dnsSettings",
            "dscpConfiguration",
            "enableAcceleratedNetworking",
            "enableIPForwarding",
            "hostedWorkloads",
            "ipConfigurations",
            "macAddress",
            "migrationPhase",
            "networkSecurityGroup",
            "nicType",
            "primary",
            "privateEndpoint",
            "privateLinkService",
            "provisioningState",
            "resourceGuid",
            "tapConfigurations",
            "virtualMachine",
            "vnetEncryptionSupported",
            "workloadType",
        ],
    ),
    ("properties.networkSecurityGroup", "NetworkSecurityGroup", ITEM),
    (
        "properties.dnsSettings",
        "NetworkInterfaceDnsSettings",
        &["appliedDnsServers", "dnsServers", "internalDnsNameLabel", "internalDomainNameSuffix", "internalFqdn"],
    ),
    ("properties.ipConfigurations.[]", "NetworkInterfaceIPConfiguration", ITEM),
    (
        "properties.ipConfigurations.[].properties",
        "NetworkInterfaceIPConfigurationPropertiesFormat",
        &[
            "applicationGatewayBackendAddressPools",
            "applicationSecurityGroups",
            "gatewayLoadBalancer",
            "loadBalancerBackendAddressPools",
            "loadBalancerInboundNatRules",
            "primary",
            "privateIPAddress",
            "privateIPAddressPrefixLength",
            "privateIPAddressVersion",
            "privateIPAllocationMethod",
            "privateLinkConnectionProperties",
            "provisioningState",
            "publicIPAddress",
            "subnet",
            "virtualNetworkTaps",
        ],
    ),
    ("properties.ipConfigurations.[].properties.subnet", "Subnet", ITEM),
    ("properties.ipConfigurations.[].properties.publicIPAddress", "PublicIPAddress", ITEM),
    (
        "properties.ipConfigurations.[].properties.publicIPAddress.properties",
        "PublicIPAddressPropertiesFormat",
        ADDRESS,
    ),
];
