//! IPv6 beside IPv4.

use azconnect_arm::spec::Ipv6;
use azconnect_arm::{GroupChoice, NetworkChoice, PreflightCheck, ProvisionEvent, ProvisionPlan, VmSpec, preflight};
use azconnect_core::{Effect, ErrorKind};
use azconnect_credential::CheckStatus;
use azconnect_emulator::arm::Failure;
use azconnect_emulator::{Fault, FaultAction};
use serde_json::{Value, json};

use crate::preflight::subscription;
use crate::stage::{Stage, group_name, id, plan, spec, subscription_id};

fn dual() -> VmSpec {
    spec().with_ipv6(Ipv6::private().unwrap())
}

fn shown(stage: &Stage, plan: &ProvisionPlan, kind: &str, name: &str) -> Value {
    let group = plan.spec.group.name();
    let id = format!(
        "/subscriptions/{}/resourceGroups/{group}/providers/Microsoft.Network/{kind}/{name}",
        subscription_id()
    );
    stage.emulator.resource_manager().resource(&id).unwrap()
}

// A subnet of both families has its ranges in the plural; each public address goes to the configuration of its own version.
#[tokio::test(start_paused = true)]
async fn a_machine_has_both_families_and_nothing_of_either_is_left() {
    let stage = Stage::new();
    let plan = plan(dual());
    let text = plan.to_string();
    assert!(text.contains("fd00:db8:deca::/48") && text.contains("public IPv6 address web-ip6-"), "{text}");
    let report = preflight(&stage.subscription(), &dual()).await;
    assert!(report.is_clear(), "{report:#?}");
    let provisioner = stage.provisioner();
    let machine = provisioner.run(&plan).await.unwrap();
    assert!(machine.address.as_deref().is_some_and(|address| address.contains('.')), "{machine:?}");
    assert!(machine.ipv6.as_deref().is_some_and(|address| address.contains(':')), "{machine:?}");

    let network = shown(&stage, &plan, "virtualNetworks", &plan.names.network);
    assert_eq!(
        network["properties"]["subnets"][0]["properties"]["addressPrefixes"],
        json!(["10.0.0.0/24", "fd00:db8:deca::/64"])
    );
    let interface = shown(&stage, &plan, "networkInterfaces", &plan.names.interface);
    let [first, second] = interface["properties"]["ipConfigurations"].as_array().unwrap().as_slice() else {
        panic!("{interface}")
    };
    assert_eq!((&first["properties"]["primary"], &second["properties"]["primary"]), (&json!(true), &json!(false)));
    assert_eq!(second["properties"]["privateIPAddress"], "fd00:db8:deca::4");
    assert_eq!(provisioner.run(&plan).await.unwrap(), machine, "told again");
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_machine_without_a_public_address_has_a_private_one_of_each_family() {
    let stage = Stage::new();
    let plan = plan(dual().with_public_ip(false));
    let machine = stage.provisioner().run(&plan).await.unwrap();
    assert_eq!((machine.address, machine.ipv6), (None, None));
    let interface = shown(&stage, &plan, "networkInterfaces", &plan.names.interface);
    assert_eq!(interface["properties"]["ipConfigurations"].as_array().unwrap().len(), 2);
    assert_eq!(stage.ever("Microsoft.Network/publicIPAddresses"), 0);
}

// The service deletes the public addresses with a machine: both are written again.
#[tokio::test(start_paused = true)]
async fn a_machine_that_falls_back_has_both_addresses() {
    let stage = Stage::new();
    let fault = Fault::new(FaultAction::Fail(Failure::new("AllocationFailed").in_operation()));
    stage.emulator.faults().add(fault.with_method("PUT").with_path("/virtualMachines/web?").with_count(1));
    let provisioner = stage.provisioner();
    let machine = provisioner.run(&plan(dual().with_fallback_size("Standard_D2s_v5"))).await.unwrap();
    assert_eq!(machine.placement.size, "Standard_D2s_v5");
    assert!(machine.address.is_some() && machine.ipv6.is_some(), "{machine:?}");
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_subnet_without_ipv6_is_found_before_and_refused_without_a_trace() {
    let stage = Stage::for_group_only();
    let group = stage.subscription().group(&group_name());
    let body = json!({"location": "westeurope", "properties": {
        "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
        "subnets": [{"name": "machines", "properties": {"addressPrefix": "10.1.0.0/24"}}]
    }});
    let network = group.virtual_network("hub").unwrap();
    network.create(&body).await.unwrap().wait().await.unwrap();
    let before = stage.live();
    let subnet = format!("{}/subnets/machines", network.id()).parse().unwrap();
    let spec = VmSpec::new(
        "web",
        "westeurope",
        "Standard_B2s",
        "Ubuntu2404".parse().unwrap(),
        GroupChoice::Existing(group_name()),
    )
    .unwrap()
    .with_network(NetworkChoice::Existing(subnet))
    .with_ipv6(Ipv6::private().unwrap());
    let report = preflight(&stage.subscription(), &spec).await;
    let check = report.of(PreflightCheck::Network).unwrap();
    assert_eq!((check.status, check.cause.as_str()), (CheckStatus::Failed, "hub/machines has no range of IPv6"));
    let refused = stage.provisioner().run(&plan(spec)).await.unwrap_err();
    assert_eq!(refused.service_code(), Some("SubnetLacksAddressPrefixOfVersion"));
    assert_eq!(stage.live(), before);
}

#[tokio::test(start_paused = true)]
async fn the_quota_of_addresses_counts_both() {
    let stage = Stage::new();
    let manager = stage.emulator.resource_manager();
    manager.set_quota(subscription(), "westeurope", "StandardSkuPublicIpAddresses", 1).unwrap();
    let report = preflight(&stage.subscription(), &dual()).await;
    assert_eq!(report.of(PreflightCheck::AddressQuota).unwrap().status, CheckStatus::Failed, "{report:#?}");
    assert!(preflight(&stage.subscription(), &spec()).await.is_clear());
}

// Journals of machines that were begun before there was IPv6 are read, and none without it has a step for it.
#[tokio::test(start_paused = true)]
async fn a_machine_without_ipv6_is_journalled_as_before() {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    provisioner.run(&plan(spec())).await.unwrap();
    let history = provisioner.history(&id()).await.unwrap();
    assert!(history.iter().all(|entry| !entry.what.contains("IPv6")), "{history:#?}");
    let text = serde_json::to_string(&ProvisionEvent::Planned { plan: Box::new(plan(spec())) }).unwrap();
    assert!(!text.contains("ipv6"), "{text}");
}

#[tokio::test]
async fn ranges_that_the_service_would_refuse_are_refused_at_once() {
    let odd = spec().with_ipv6(Ipv6::new("fd00::/48".parse().unwrap(), "fd00::/80".parse().unwrap()));
    let refused = odd.check().unwrap_err();
    assert_eq!(
        (refused.kind(), refused.field(), refused.effect()),
        (ErrorKind::InvalidInput, Some("ipv6"), Effect::None)
    );
}
