//! Several machines on one foundation: what they share, who fails alone, and what is deleted last.

use std::sync::Arc;

use azconnect_arm::{
    Fleet, FleetPlan, FleetSpec, NetworkChoice, Phase, ProvisionId, ProvisionPlan, ResourceId, SshKey,
};
use azconnect_core::{Clock, ErrorKind};
use azconnect_emulator::arm::{ArmSettings, Failure};
use azconnect_emulator::{Fault, FaultAction};
use serde_json::json;

use crate::stage::{CLIENT, Stage, id, plan as machine_plan, spec, subscription_id};

pub(crate) fn fleet_id() -> ProvisionId {
    ProvisionId::new("contoso/shop").unwrap()
}

pub(crate) fn fleet_plan(count: usize) -> FleetPlan {
    FleetPlan::new(fleet_id(), subscription_id(), FleetSpec::of(&spec(), count)).unwrap()
}

fn fleet(stage: &Stage) -> Fleet {
    Fleet::new(stage.provisioner())
}

fn refuse(stage: &Stage, method: &str, path: &str, code: &str) {
    let fault = Fault::new(FaultAction::Fail(Failure::new(code))).with_method(method).with_path(path);
    stage.emulator.faults().add(fault.with_count(500));
}

fn names(live: &[String], kind: &str) -> Vec<String> {
    let kind = format!("/{kind}/");
    live.iter().filter_map(|id| id.split_once(&kind)).map(|(_, name)| name.to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn machines_share_group_network_and_security_group() {
    let stage = Stage::new();
    let outcome = fleet(&stage).run(&fleet_plan(3)).await.unwrap();
    assert_eq!(outcome.failures().count(), 0);
    let live = stage.live();
    assert_eq!(names(&live, "virtualMachines"), ["web-1", "web-2", "web-3"]);
    let count = |kind: &str| names(&live, kind).iter().filter(|name| !name.contains('/')).count();
    let counts = ["virtualNetworks", "networkSecurityGroups", "networkInterfaces", "publicIPAddresses"].map(count);
    assert_eq!(counts, [1, 1, 3, 3]);
    let machines: Vec<_> = outcome.machines.into_iter().map(|machine| machine.outcome.unwrap()).collect();
    let addresses: std::collections::BTreeSet<_> = machines.iter().map(|machine| machine.address.clone()).collect();
    assert_eq!(addresses.len(), 3, "each has an address of its own");
    let key = SshKey::read(stage.provisioner().private_key(&machines[1].id).await.unwrap()).unwrap();
    assert_eq!(key.fingerprint, machines[1].fingerprint);
}

#[tokio::test(start_paused = true)]
async fn machines_are_built_at_the_same_time() {
    let took = |count| async move {
        let stage = Stage::new();
        let started = stage.clock.elapsed();
        fleet(&stage).run(&fleet_plan(count)).await.unwrap();
        stage.clock.elapsed() - started
    };
    let (one, ten) = (took(1).await, took(10).await);
    assert!(ten < one + one / 2, "one machine took {one:?}, ten {ten:?}");
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_fails_does_not_lose_the_others() {
    let stage = Stage::new();
    refuse(&stage, "PUT", "/virtualMachines/web-2?", "InvalidParameter");
    let outcome = fleet(&stage).run(&fleet_plan(3)).await.unwrap();
    let failures: Vec<_> = outcome.failures().map(|(name, error)| (name, error.kind())).collect();
    assert_eq!(failures, [("web-2", ErrorKind::InvalidInput)]);
    let live = stage.live();
    assert_eq!(names(&live, "virtualMachines"), ["web-1", "web-3"]);
    // What was the failed machine's alone is gone, and what is shared is not.
    assert!(!live.iter().any(|id| id.contains("web-2")), "{live:?}");
    assert_eq!(names(&live, "networkSecurityGroups").iter().filter(|name| !name.contains('/')).count(), 1);
    stage.emulator.faults().clear();
    let again = fleet(&stage).run(&fleet_plan(3)).await.unwrap();
    assert_eq!(again.failures().count(), 0);
    assert_eq!(stage.ever("Microsoft.Compute/virtualMachines"), 3, "the two that ran were left alone");
}

#[tokio::test(start_paused = true)]
async fn a_fleet_is_deleted_with_everything_it_created() {
    let stage = Stage::new();
    let fleet = fleet(&stage);
    fleet.run(&fleet_plan(3)).await.unwrap();
    let done = fleet.clean_up(&fleet_id()).await.unwrap();
    assert_eq!((done.machines.len(), done.failures().count()), (3, 0));
    assert_eq!(done.foundation.unwrap().kept, None);
    assert_eq!(stage.live(), Vec::<String>::new());
    assert_eq!(fleet.clean_up(&fleet_id()).await.unwrap().machines.len(), 0, "again, nothing is left to do");
    assert_eq!(stage.provisioner().unfinished().await.unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_foundation_stays_while_a_machine_stands() {
    let stage = Stage::new();
    let fleet = fleet(&stage);
    fleet.run(&fleet_plan(2)).await.unwrap();
    // Somebody has locked one machine.
    refuse(&stage, "DELETE", "/virtualMachines/web-1?", "ScopeLocked");
    let halted = fleet.clean_up(&fleet_id()).await.unwrap();
    assert_eq!(halted.failures().map(|(name, _)| name).collect::<Vec<_>>(), ["web-1"]);
    assert!(halted.foundation.is_none());
    let live = stage.live();
    assert_eq!(names(&live, "virtualMachines"), ["web-1"]);
    assert_eq!(names(&live, "virtualNetworks").iter().filter(|name| !name.contains('/')).count(), 1);
    let unfinished = stage.provisioner().unfinished().await.unwrap();
    assert!(unfinished.iter().any(|one| one.id == fleet_id() && one.phase == Phase::CleaningUp), "{unfinished:?}");
    stage.emulator.faults().clear();
    assert!(fleet.clean_up(&fleet_id()).await.unwrap().foundation.is_some());
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_foundation_is_not_taken_for_a_machine() {
    let stage = Stage::new();
    fleet(&stage).run(&fleet_plan(1)).await.unwrap();
    let before = stage.live();
    let provisioner = stage.provisioner();
    let foundation = fleet_plan(1).foundation;
    let refusals = [
        provisioner.clean_up(&fleet_id()).await.unwrap_err(),
        provisioner.resume(&fleet_id()).await.unwrap_err(),
        provisioner.run(&foundation).await.unwrap_err(),
    ];
    for refused in refusals {
        assert_eq!((refused.kind(), refused.field()), (ErrorKind::InvalidInput, Some("provision_id")));
    }
    assert_eq!(stage.live(), before);
    let alone = Stage::new();
    alone.provisioner().run(&machine_plan(spec())).await.unwrap();
    assert_eq!(fleet(&alone).clean_up(&id()).await.unwrap_err().field(), Some("provision_id"));
    assert!(!alone.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_machine_s_own_clean_up_deletes_nothing_that_is_shared() {
    let stage = Stage::new();
    let fleet = fleet(&stage);
    let plan = fleet_plan(2);
    fleet.run(&plan).await.unwrap();
    stage.provisioner().clean_up(&plan.machines[0].id).await.unwrap();
    let live = stage.live();
    assert!(!live.iter().any(|id| id.contains("web-1")), "{live:?}");
    assert_eq!(names(&live, "virtualMachines"), ["web-2"]);
    assert!(live.iter().any(|id| id.contains("/networkSecurityGroups/web-nsg-")), "{live:?}");
    fleet.clean_up(&fleet_id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_fleet_grows_by_new_machines_and_shrinks_by_name_only() {
    let stage = Stage::new();
    let fleet = fleet(&stage);
    fleet.run(&fleet_plan(1)).await.unwrap();
    let grown = fleet.run(&fleet_plan(3)).await.unwrap();
    assert_eq!((grown.machines.len(), grown.failures().count()), (3, 0));
    let fewer = fleet.run(&fleet_plan(2)).await.unwrap();
    assert_eq!(fewer.others, ["web-3"]);
    assert_eq!(names(&stage.live(), "virtualMachines").len(), 3);
    let before = stage.live();
    let unknown = fleet.remove(&fleet_id(), &["web-3", "web-4"]).await.unwrap_err();
    assert_eq!((unknown.kind(), stage.live()), (ErrorKind::InvalidInput, before));
    fleet.remove(&fleet_id(), &["web-3"]).await.unwrap()[0].outcome.as_ref().unwrap();
    assert_eq!(names(&stage.live(), "virtualMachines"), ["web-1", "web-2"]);
    assert_eq!(fleet.machines(&fleet_id()).await.unwrap().len(), 2);
    assert_eq!(fleet.run(&fleet_plan(3)).await.unwrap().failures().count(), 0, "it may come back");
    fleet.clean_up(&fleet_id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_fleet_of_another_network_is_not_put_on_this_foundation() {
    let stage = Stage::new();
    let fleet = fleet(&stage);
    fleet.run(&fleet_plan(1)).await.unwrap();
    let (space, subnet) = ("10.9.0.0/16".parse().unwrap(), "10.9.0.0/24".parse().unwrap());
    let other = spec().with_network(NetworkChoice::Create { space, subnet, outbound: true });
    let other = FleetPlan::new(fleet_id(), subscription_id(), FleetSpec::of(&other, 2)).unwrap();
    assert_eq!(fleet.run(&other).await.unwrap_err().kind(), ErrorKind::Conflict);
    // Another size is another machine's own affair.
    let mut larger = spec();
    (larger.sizes, larger.name) = (vec!["Standard_D2s_v5".to_owned()], "large".to_owned());
    let larger = FleetPlan::new(fleet_id(), subscription_id(), FleetSpec::new("web", vec![larger])).unwrap();
    assert_eq!(fleet.run(&larger).await.unwrap().failures().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn two_calls_on_one_fleet_exclude_each_other() {
    let stage = Stage::new();
    let fleet = fleet(&stage);
    let plan = fleet_plan(2);
    let (first, second) = futures_util::future::join(fleet.run(&plan), fleet.clean_up(&fleet_id())).await;
    assert_eq!(first.unwrap().failures().count(), 0);
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn a_failed_foundation_leaves_nothing() {
    let stage = Stage::new();
    refuse(&stage, "PUT", "/virtualNetworks/", "InvalidParameter");
    let error = fleet(&stage).run(&fleet_plan(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(stage.live(), Vec::<String>::new());
    assert_eq!(stage.ever("Microsoft.Compute/virtualMachines"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_existed_is_used_and_stays() {
    let stage = Stage::for_group_only();
    let mut machine = spec();
    machine.group = azconnect_arm::GroupChoice::Existing(crate::stage::group_name());
    let plan = FleetPlan::new(fleet_id(), subscription_id(), FleetSpec::of(&machine, 2)).unwrap();
    let fleet = fleet(&stage);
    assert_eq!(fleet.run(&plan).await.unwrap().failures().count(), 0);
    fleet.clean_up(&fleet_id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
    assert!(stage.emulator.truth().ledger.iter().any(|entry| entry.is_live() && entry.id.ends_with("/rg-web")));
}

#[tokio::test(start_paused = true)]
async fn a_group_with_what_others_put_there_stays() {
    let stage = Stage::new();
    let fleet = fleet(&stage);
    fleet.run(&fleet_plan(1)).await.unwrap();
    // A machine of somebody else's, which is named as the fleet is.
    let own = stage.subscription().group(&crate::stage::group_name());
    let body = json!({"location": "westeurope", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}});
    own.public_ip("web").unwrap().create(&body).await.unwrap().wait().await.unwrap();
    let done = fleet.clean_up(&fleet_id()).await.unwrap();
    assert!(done.foundation.unwrap().kept.unwrap().contains("holds web"));
    let live = stage.live();
    assert_eq!(live.len(), 2, "{live:?}");
}

/// A machine by itself may stand on a security group that exists.
#[tokio::test(start_paused = true)]
async fn a_security_group_that_exists_is_used_and_stays() {
    let stage = Stage::with(ArmSettings::default(), json!([{"principal": CLIENT, "role": "Contributor"}]));
    fleet(&stage).run(&fleet_plan(1)).await.unwrap();
    let shared = fleet_plan(1).machines[0].spec.security_group.clone().unwrap();
    let mut lone = spec().with_security_group(shared.clone());
    lone.rules.clear();
    lone.name = "lone".to_owned();
    lone.group = azconnect_arm::GroupChoice::Existing(crate::stage::group_name());
    let plan = ProvisionPlan::new(id(), subscription_id(), lone).unwrap();
    assert!(plan.to_string().contains(&format!("network security group {} (exists)", shared.name())));
    let provisioner = stage.provisioner();
    provisioner.run(&plan).await.unwrap();
    let interface = stage.live().into_iter().find(|id| id.contains("/networkInterfaces/lone-")).unwrap();
    let sent = stage.emulator.resource_manager().resource(&interface).unwrap();
    let group: ResourceId = sent["properties"]["networkSecurityGroup"]["id"].as_str().unwrap().parse().unwrap();
    assert!(group.is(&shared));
    provisioner.clean_up(&id()).await.unwrap();
    assert!(stage.live().iter().any(|id| id.eq_ignore_ascii_case(shared.as_str())));
}

#[tokio::test(start_paused = true)]
async fn every_event_is_told_with_the_machine_that_it_is_about() {
    let stage = Stage::new();
    let seen = Arc::new(std::sync::Mutex::new(std::collections::BTreeMap::<String, u32>::new()));
    let count = seen.clone();
    let fleet =
        fleet(&stage).with_observer(move |id, _| *count.lock().unwrap().entry(id.to_string()).or_default() += 1);
    fleet.run(&fleet_plan(2)).await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["contoso/shop", "contoso/shop/web-1", "contoso/shop/web-2"]);
    assert_eq!(seen["contoso/shop/web-1"], seen["contoso/shop/web-2"]);
}
