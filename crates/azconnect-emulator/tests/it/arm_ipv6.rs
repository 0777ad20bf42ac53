//! Networks, addresses and interfaces of both families.

use azconnect_emulator::arm::ArmSettings;
use serde_json::{Value, json};

use crate::arm::{Azure, GROUP, interface, network, public_ip, refused, security_group, virtual_network};
use crate::harness::Way;

fn dual_network(prefix: &str) -> Value {
    let mut network = virtual_network();
    network["properties"]["addressSpace"]["addressPrefixes"] = json!(["10.0.0.0/16", "fd00:db8::/48"]);
    let name = network["properties"]["subnets"][0]["name"].clone();
    network["properties"]["subnets"] =
        json!([{"name": name, "properties": {"addressPrefixes": ["10.0.0.0/24", prefix]}}]);
    network
}

async fn started(way: Way) -> Azure {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make(GROUP, &json!({"location": "westeurope"})).await;
    azure.make(&network("networkSecurityGroups/nsg"), &security_group()).await;
    azure.make(&network("publicIPAddresses/pip"), &public_ip()).await;
    azure
}

async fn an_interface_has_ipv6_beside_ipv4(way: Way) {
    let azure = started(way).await;
    let path = network("virtualNetworks/vnet");
    refused(azure.put(&path, &dual_network("fd00:db8::/80")).await, 400, "InvalidIPv6SubnetPrefixLength");
    refused(azure.put(&path, &dual_network("fd01::/64")).await, 400, "NetcfgSubnetRangeOutsideVnet");
    azure.make(&path, &dual_network("fd00:db8::/64")).await;
    let mut six = public_ip();
    six["properties"]["publicIPAddressVersion"] = json!("IPv6");
    azure.make(&network("publicIPAddresses/pip6"), &six).await;
    let address = azure.get(&network("publicIPAddresses/pip6")).await.expect(200)["properties"]["ipAddress"].clone();
    assert!(address.as_str().unwrap().starts_with("2001:2:"), "{address}");

    let four = interface(&azure);
    let subnet = four["properties"]["ipConfigurations"][0]["properties"]["subnet"].clone();
    let pip =
        four["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"]["id"].as_str().unwrap().to_owned();
    let with = |configuration: Value| {
        let mut both = four.clone();
        both["properties"]["ipConfigurations"].as_array_mut().unwrap().push(configuration);
        both
    };
    let second = |version: &str| {
        json!({"name": "ipv6", "properties": {
            "subnet": subnet, "privateIPAddressVersion": version, "publicIPAddress": {"id": format!("{pip}6")}
        }})
    };
    let nic = network("networkInterfaces/nic");
    refused(azure.put(&nic, &with(second("IPv4"))).await, 400, "IPVersionForPublicIpAndNicIpConfigurationMustMatch");
    let mut alone = four.clone();
    alone["properties"]["ipConfigurations"] = json!([second("IPv6")]);
    refused(azure.put(&nic, &alone).await, 400, "IPv4ConfigurationRequired");
    azure.make(&nic, &with(second("IPv6"))).await;
    let shown = azure.get(&nic).await.expect(200);
    let second = &shown["properties"]["ipConfigurations"][1]["properties"];
    assert_eq!(second["privateIPAddress"], "fd00:db8::4");
    assert_eq!(second["primary"], false);
}

async fn a_subnet_of_ipv4_alone_gives_no_ipv6(way: Way) {
    let azure = started(way).await;
    azure.make(&network("virtualNetworks/vnet"), &virtual_network()).await;
    let mut both = interface(&azure);
    let mut second = both["properties"]["ipConfigurations"][0].clone();
    second["name"] = json!("ipv6");
    second["properties"]["privateIPAddressVersion"] = json!("IPv6");
    second["properties"].as_object_mut().unwrap().remove("publicIPAddress");
    both["properties"]["ipConfigurations"].as_array_mut().unwrap().push(second);
    refused(azure.put(&network("networkInterfaces/nic"), &both).await, 400, "SubnetLacksAddressPrefixOfVersion");
}

mod each_way {
    crate::both_ways! {
        an_interface_has_ipv6_beside_ipv4
        a_subnet_of_ipv4_alone_gives_no_ipv6
    }
}
