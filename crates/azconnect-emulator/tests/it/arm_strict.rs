//! Bodies and versions that the service would not take: a client that misspells something must not pass here.

use azconnect_emulator::arm::ArmSettings;
use serde_json::{Value, json};

use crate::arm::{Azure, interface, network, public_ip, refused, security_group, virtual_network};
use crate::arm_machines::{compute, machine};
use crate::harness::Way;

/// A body with one more member at a place.
fn with(body: &Value, place: &str, name: &str) -> Value {
    let mut body = body.clone();
    body.pointer_mut(place)
        .and_then(Value::as_object_mut)
        .unwrap_or_else(|| panic!("{place}"))
        .insert(name.into(), json!(1));
    body
}

async fn a_misspelt_member_is_refused_in_every_kind(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    let network_bodies = [
        ("virtualNetworks/vnet", virtual_network(), vec!["/properties", "/properties/subnets/0/properties"]),
        ("networkSecurityGroups/nsg", security_group(), vec!["/properties"]),
        ("publicIPAddresses/pip", public_ip(), vec!["/properties", "/sku"]),
        ("networkInterfaces/nic", interface(&azure), vec!["/properties", "/properties/ipConfigurations/0/properties"]),
    ];
    for (path, body, places) in network_bodies {
        for place in places {
            let odd = with(&body, place, "adressPrefix");
            let answer = refused(azure.put(&network(path), &odd).await, 400, "InvalidRequestFormat");
            assert_eq!(answer["details"][0]["code"], "InvalidJson", "{path} {place}: {answer}");
            assert!(answer.to_string().contains("'adressPrefix'"), "{answer}");
        }
        let odd = with(&body, "", "propertys");
        refused(azure.put(&network(path), &odd).await, 400, "InvalidRequestContent");
    }
    let rule = json!({"properties": {"priority": 100, "direction": "Inbound", "acces": "Allow"}});
    let path = network("networkSecurityGroups/nsg/securityRules/ssh");
    refused(azure.put(&path, &rule).await, 400, "InvalidRequestFormat");
    let subnet = json!({"properties": {"addressPrefix": "10.0.9.0/24", "natGatway": {}}});
    refused(azure.put(&network("virtualNetworks/vnet/subnets/more"), &subnet).await, 400, "InvalidRequestFormat");

    let disk =
        json!({"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGb": 4}});
    let path = compute("disks/data");
    for place in ["/properties", "/properties/creationData"] {
        refused(azure.put(&path, &with(&disk, place, "diskSize")).await, 400, "BadRequest");
    }
    azure.make(&path, &disk).await;
    azure.make(&compute("virtualMachines/vm"), &machine(&azure)).await;
    let command = json!({"location": "westeurope", "properties": {"source": {"script": "true"}, "timeout": 30}});
    refused(azure.put(&compute("virtualMachines/vm/runCommands/probe"), &command).await, 400, "BadRequest");
}

async fn an_unknown_word_is_refused(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    let mut body = public_ip();
    body["properties"]["publicIPAddressVersion"] = json!("IPv5");
    refused(azure.put(&network("publicIPAddresses/pip"), &body).await, 400, "InvalidRequestFormat");
    let mut body = interface(&azure);
    body["properties"]["ipConfigurations"][0]["properties"]["privateIPAllocationMethod"] = json!("dhcp");
    refused(azure.put(&network("networkInterfaces/nic"), &body).await, 400, "InvalidRequestFormat");
    let mut body = machine(&azure);
    body["properties"]["storageProfile"]["osDisk"]["createOption"] = json!("FromImages");
    let answer = refused(azure.put(&compute("virtualMachines/vm"), &body).await, 400, "BadRequest");
    assert!(answer.to_string().contains("FromImages"), "{answer}");
}

mod each_way {
    crate::both_ways! {
        a_misspelt_member_is_refused_in_every_kind
        an_unknown_word_is_refused
    }
}
