//! The zones of addresses and machines.

use azconnect_emulator::arm::ArmSettings;
use serde_json::json;

use crate::arm::{Azure, GROUP, interface, network, public_ip, refused, security_group, virtual_network};
use crate::arm_machines::{compute, machine};
use crate::harness::Way;

async fn an_address_of_one_zone_fits_machines_of_that_zone_only(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make(GROUP, &json!({"location": "westeurope"})).await;
    azure.make(&network("networkSecurityGroups/nsg"), &security_group()).await;
    azure.make(&network("virtualNetworks/vnet"), &virtual_network()).await;
    let mut zonal = public_ip();
    zonal["zones"] = json!(["1"]);
    azure.make(&network("publicIPAddresses/pip"), &zonal).await;
    azure.make(&network("networkInterfaces/nic"), &interface(&azure)).await;
    let mut elsewhere = machine(&azure);
    elsewhere["zones"] = json!(["2"]);
    let code = "ComputeResourceZoneConstraintDoesNotMatchPublicIPAddressZoneConstraint";
    refused(azure.put(&compute("virtualMachines/vm"), &elsewhere).await, 400, code);
    elsewhere["zones"] = json!(["1"]);
    azure.make(&compute("virtualMachines/vm"), &elsewhere).await;
}

async fn an_address_is_of_all_zones_unless_bound_to_one(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    let path = network("publicIPAddresses/pip");
    assert_eq!(azure.get(&path).await.expect(200)["zones"], json!(["1", "2", "3"]));
    let mut in_two = machine(&azure);
    in_two["zones"] = json!(["2"]);
    azure.make(&compute("virtualMachines/vm"), &in_two).await;
}

mod each_way {
    crate::both_ways! {
        an_address_of_one_zone_fits_machines_of_that_zone_only
        an_address_is_of_all_zones_unless_bound_to_one
    }
}
