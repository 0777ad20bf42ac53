//! Networks that are there already, in a group of others.

use azconnect_arm::{GroupChoice, NetworkChoice, PreflightCheck, ResourceId, VmSpec, preflight};
use azconnect_credential::{Check, CheckStatus};
use azconnect_emulator::arm::ArmSettings;
use serde_json::json;

use crate::preflight::subscription;
use crate::stage::{CLIENT, SUCCESSOR, Stage, group_name};

const HUB: &str = "/subscriptions/20000000-0000-4000-8000-000000000001/resourceGroups/rg-hub";
const NETWORK: &str = "/providers/Microsoft.Network/virtualNetworks/hub";

/// A hub that another application has made, beside the group of the machine.
async fn hub(location: &str) -> Stage {
    let roles = json!([
        {"principal": CLIENT, "role": "Contributor", "resourceGroup": "rg-web"},
        {"principal": SUCCESSOR, "role": "Contributor"}
    ]);
    let stage = Stage::with(ArmSettings::default(), roles);
    stage.emulator.resource_manager().add_group(subscription(), "rg-hub", location).unwrap();
    let group = stage.subscription_as(SUCCESSOR).group(&"rg-hub".parse().unwrap());
    let body = json!({"location": location, "properties": {
        "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
        "subnets": [{"name": "machines", "properties": {"addressPrefix": "10.1.0.0/24"}}]
    }});
    group.virtual_network("hub").unwrap().create(&body).await.unwrap().wait().await.unwrap();
    stage
}

async fn looked_at(stage: &Stage, subnet: &str) -> Check {
    let group = GroupChoice::Existing(group_name());
    let spec = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap();
    let subnet: ResourceId = format!("{HUB}{NETWORK}/subnets/{subnet}").parse().unwrap();
    let report = preflight(&stage.subscription(), &spec.with_network(NetworkChoice::Existing(subnet))).await;
    assert_eq!(report.of(PreflightCheck::Role).unwrap().status, CheckStatus::Passed, "{report:#?}");
    report.of(PreflightCheck::Network).unwrap().clone()
}

// The role at the machine's group says nothing about the hub: joining is asked for at the network.
#[tokio::test(start_paused = true)]
async fn a_hub_is_judged_where_it_is() {
    let stage = hub("westeurope").await;
    let unseen = looked_at(&stage, "machines").await;
    assert_eq!(unseen.status, CheckStatus::Unknown, "{unseen:?}");
    stage.grant(CLIENT, "Reader", HUB);
    let reader = looked_at(&stage, "machines").await;
    assert_eq!(reader.status, CheckStatus::Failed, "{reader:?}");
    assert!(reader.remedy.contains("subnets/join/action") && reader.remedy.contains(HUB), "{reader:?}");
    // At the network itself, not at its group.
    stage.grant(CLIENT, "Network Contributor", &format!("{HUB}{NETWORK}"));
    let joined = looked_at(&stage, "machines").await;
    assert_eq!(joined.status, CheckStatus::Passed, "{joined:?}");
    let missing = looked_at(&stage, "nothing").await;
    assert_eq!((missing.status, missing.cause.as_str()), (CheckStatus::Failed, "hub has no subnet nothing"));
}

// The role at the machine's group says nothing about a network security group of the hub.
#[tokio::test(start_paused = true)]
async fn a_security_group_is_judged_where_it_is() {
    let stage = hub("westeurope").await;
    let group = stage.subscription_as(SUCCESSOR).group(&"rg-hub".parse().unwrap());
    let body = json!({"location": "westeurope", "properties": {"securityRules": []}});
    group.network_security_group("shared").unwrap().create(&body).await.unwrap().wait().await.unwrap();
    let shared: ResourceId = format!("{HUB}/providers/Microsoft.Network/networkSecurityGroups/shared").parse().unwrap();
    let own = GroupChoice::Existing(group_name());
    let spec = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), own).unwrap();
    let spec = spec.with_security_group(shared.clone());
    let role = async || preflight(&stage.subscription(), &spec).await.of(PreflightCheck::Role).unwrap().clone();
    let unseen = role().await;
    assert_eq!(unseen.status, CheckStatus::Unknown, "{unseen:?}");
    stage.grant(CLIENT, "Reader", HUB);
    let reader = role().await;
    assert_eq!(reader.status, CheckStatus::Failed, "{reader:?}");
    assert!(reader.remedy.contains("networkSecurityGroups/join/action at") && reader.remedy.contains(shared.as_str()));
    stage.grant(CLIENT, "Network Contributor", shared.as_str());
    assert_eq!(role().await.status, CheckStatus::Passed);
}

#[tokio::test(start_paused = true)]
async fn a_hub_of_another_region_fails() {
    let stage = hub("northeurope").await;
    stage.grant(CLIENT, "Contributor", HUB);
    let elsewhere = looked_at(&stage, "machines").await;
    assert_eq!(elsewhere.status, CheckStatus::Failed);
    assert!(elsewhere.cause.contains("northeurope"), "{elsewhere:?}");
}
