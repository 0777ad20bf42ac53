//! The preflight of a fleet: for each quota one machine fits, and all of them do not.

use azconnect_arm::spec::{Ipv6, Spot};
use azconnect_arm::{FleetSpec, GroupChoice, PreflightCheck, VmSpec, preflight, preflight_fleet};
use azconnect_credential::{CheckReport, CheckStatus};
use azconnect_emulator::arm::{Failure, Policy};
use azconnect_emulator::{CannedAnswer, Fault, FaultAction};
use serde_json::{Value, json};

use crate::fleet::fleet_plan;
use crate::preflight::{status, subscription};
use crate::stage::{Stage, group_name, spec};

async fn look(stage: &Stage, machine: &VmSpec, count: usize) -> CheckReport {
    let report = preflight_fleet(&stage.subscription(), &FleetSpec::of(machine, count)).await;
    assert_eq!(stage.live(), Vec::<String>::new(), "a preflight has no effect");
    report
}

/// One machine fits under the quota, three do not, and the check says in figures why.
async fn one_fits_and_three_do_not(machine: VmSpec, quota: &str, limit: u32, check: PreflightCheck, told: &str) {
    let stage = Stage::new();
    stage.emulator.resource_manager().set_quota(subscription(), "westeurope", quota, limit).unwrap();
    assert!(preflight(&stage.subscription(), &machine).await.is_clear(), "{quota}: one machine");
    assert!(look(&stage, &machine, 1).await.is_clear(), "{quota}: a fleet of one");
    let report = look(&stage, &machine, 3).await;
    let found = report.of(check).unwrap();
    assert_eq!(found.status, CheckStatus::Failed, "{quota}: {report:#?}");
    assert!(found.cause.contains(told), "{quota}: {found:?}");
    assert!(!found.remedy.is_empty(), "{quota}: {found:?}");
    assert_eq!(report.failures().count(), 1, "{quota}: {report:#?}");
}

// *Usage - List* of Compute: the processors of a region and of each family are counted apart.
#[tokio::test(start_paused = true)]
async fn processors_of_the_region_are_needed_for_each_machine() {
    let told = "1 of 3 machines fit; Standard_B2s: 6 of cores are needed in westeurope, limit 3, used 0";
    one_fits_and_three_do_not(spec(), "cores", 3, PreflightCheck::CoreQuota, told).await;
}

#[tokio::test(start_paused = true)]
async fn processors_of_the_family_are_needed_for_each_machine() {
    let told = "2 of 3 machines fit; Standard_B2s: 6 of standardBSFamily are needed in westeurope, limit 5, used 0";
    one_fits_and_three_do_not(spec(), "standardBSFamily", 5, PreflightCheck::CoreQuota, told).await;
}

// Spot machines count against a quota of their own, whatever their family.
#[tokio::test(start_paused = true)]
async fn processors_of_spot_machines_are_needed_for_each_machine() {
    let mut spot = spec().with_spot(Spot::new());
    spot.sizes = vec!["Standard_D2s_v5".to_owned()];
    let told = "Standard_D2s_v5: 6 of lowPriorityCores are needed in westeurope, limit 2, used 0";
    one_fits_and_three_do_not(spot, "lowPriorityCores", 2, PreflightCheck::CoreQuota, told).await;
}

#[tokio::test(start_paused = true)]
async fn the_quota_of_machines_counts_each_machine() {
    let told = "3 of virtualMachines are needed in westeurope, limit 2, used 0";
    one_fits_and_three_do_not(spec(), "virtualMachines", 2, PreflightCheck::MachineQuota, told).await;
}

// *Usages - List* of Network.
#[tokio::test(start_paused = true)]
async fn the_quota_of_interfaces_counts_each_machine() {
    let told = "3 of NetworkInterfaces are needed in westeurope, limit 1, used 0";
    one_fits_and_three_do_not(spec(), "NetworkInterfaces", 1, PreflightCheck::NetworkQuota, told).await;
}

#[tokio::test(start_paused = true)]
async fn the_quotas_of_addresses_count_each_machine_that_has_one() {
    for quota in ["StandardSkuPublicIpAddresses", "PublicIPAddresses"] {
        let told = format!("3 of {quota} are needed in westeurope, limit 2, used 0");
        one_fits_and_three_do_not(spec(), quota, 2, PreflightCheck::AddressQuota, &told).await;
    }
    let stage = Stage::new();
    let manager = stage.emulator.resource_manager();
    manager.set_quota(subscription(), "westeurope", "PublicIPAddresses", 2).unwrap();
    let mut machines = FleetSpec::of(&spec(), 3).machines;
    machines[1].public_ip = false;
    let report = preflight_fleet(&stage.subscription(), &FleetSpec::new("web", machines)).await;
    assert!(report.is_clear(), "{report:#?}");
}

// The machines share one network and one security group.
#[tokio::test(start_paused = true)]
async fn what_is_shared_is_needed_once() {
    let stage = Stage::new();
    let manager = stage.emulator.resource_manager();
    for shared in ["VirtualNetworks", "NetworkSecurityGroups"] {
        manager.set_quota(subscription(), "westeurope", shared, 1).unwrap();
    }
    let report = look(&stage, &spec(), 3).await;
    assert!(report.is_clear(), "{report:#?}");
    let open: Vec<_> = report.with_status(CheckStatus::Unknown).collect();
    assert!(open.is_empty(), "{open:#?}");
}

// A machine whose first size has no room left takes the next one, as the provisioning does.
#[tokio::test(start_paused = true)]
async fn machines_may_take_different_sizes_where_one_has_no_room_for_all() {
    let stage = Stage::new();
    let manager = stage.emulator.resource_manager();
    manager.set_quota(subscription(), "westeurope", "standardBSFamily", 4).unwrap();
    manager.set_quota(subscription(), "westeurope", "standardDSv5Family", 2).unwrap();
    let machine = spec().with_fallback_size("Standard_D2s_v5");
    let report = look(&stage, &machine, 3).await;
    let cores = report.of(PreflightCheck::CoreQuota).unwrap();
    assert_eq!(cores.cause, "2 × Standard_B2s, 1 × Standard_D2s_v5 can be used");
    assert!(report.is_clear(), "{report:#?}");
    let report = look(&stage, &machine, 4).await;
    let cores = report.of(PreflightCheck::CoreQuota).unwrap();
    assert!(cores.cause.starts_with("3 of 4 machines fit; Standard_B2s: 6 of standardBSFamily"), "{cores:?}");
    assert!(cores.cause.contains("; Standard_D2s_v5: 4 of standardDSv5Family"), "{cores:?}");
    // As the preflight says, so it is: the fourth finds no room.
    let plan = azconnect_arm::FleetPlan::new(
        crate::fleet::fleet_id(),
        crate::stage::subscription_id(),
        FleetSpec::of(&machine, 4),
    );
    let outcome = azconnect_arm::Fleet::new(stage.provisioner()).run(&plan.unwrap()).await.unwrap();
    assert_eq!(outcome.failures().count(), 1);
}

// What is in use counts: a fleet that runs leaves less room for the next.
#[tokio::test(start_paused = true)]
async fn what_is_used_is_said() {
    let stage = Stage::new();
    stage.emulator.resource_manager().set_quota(subscription(), "westeurope", "cores", 7).unwrap();
    azconnect_arm::Fleet::new(stage.provisioner()).run(&fleet_plan(2)).await.unwrap();
    let report = preflight_fleet(&stage.subscription(), &FleetSpec::of(&spec(), 2)).await;
    let cores = report.of(PreflightCheck::CoreQuota).unwrap();
    assert!(cores.cause.contains("4 of cores are needed in westeurope, limit 7, used 4"), "{cores:?}");
}

// 400 InvalidTemplateDeployment with RequestDisallowedByPolicy in its details.
#[tokio::test(start_paused = true)]
async fn a_policy_that_refuses_one_machine_names_it() {
    let stage = Stage::new();
    let policy = Policy::required_tag("Require a cost centre", "costCenter");
    stage.emulator.resource_manager().assign_policy(subscription(), policy);
    let mut fleet = FleetSpec::of(&spec().with_tag("costCenter", "42"), 4);
    assert!(preflight_fleet(&stage.subscription(), &fleet).await.is_clear());
    fleet.machines[2].tags.clear();
    let report = preflight_fleet(&stage.subscription(), &fleet).await;
    let check = report.of(PreflightCheck::Validation).unwrap();
    assert_eq!(check.status, CheckStatus::Failed, "{report:#?}");
    assert!(check.cause.starts_with("web-3: ") && check.remedy.contains("Require a cost centre"), "{check:?}");
    assert_eq!(report.failures().count(), 1, "{report:#?}");
}

// Whoever may not read the quotas learns of them from the validation, which is asked about all machines at once.
#[tokio::test(start_paused = true)]
async fn a_quota_that_may_not_be_read_is_found_by_the_validation() {
    let stage = Stage::for_group_only();
    let mut machine = spec();
    machine.group = GroupChoice::Existing(group_name());
    let fleet = FleetSpec::of(&machine, 3);
    let report = preflight_fleet(&stage.subscription(), &fleet).await;
    assert!(report.is_clear(), "{report:#?}");
    assert_eq!(status(&report, PreflightCheck::CoreQuota), CheckStatus::Unknown);
    let refusal = Failure::new("QuotaExceeded").with_status(400).with_message(
        "Operation could not be completed as it results in exceeding approved Total Regional Cores quota. Location: \
         westeurope, Current Limit: 4, Current Usage: 0, Additional Required: 6, (Minimum) New Limit Required: 6.",
    );
    stage.emulator.faults().add(Fault::new(FaultAction::Fail(refusal)).with_path("/validate").with_count(1));
    let report = preflight_fleet(&stage.subscription(), &fleet).await;
    assert_eq!(status(&report, PreflightCheck::Placement), CheckStatus::Failed, "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn an_impossible_fleet_is_told_with_everything_else() {
    let stage = Stage::new();
    stage.emulator.resource_manager().set_quota(subscription(), "westeurope", "cores", 1).unwrap();
    let twice = FleetSpec::new("web", vec![spec(), spec()]);
    let report = preflight_fleet(&stage.subscription(), &twice).await;
    for check in [PreflightCheck::Specification, PreflightCheck::CoreQuota] {
        assert_eq!(status(&report, check), CheckStatus::Failed, "{report:#?}");
    }
    assert_eq!(status(&report, PreflightCheck::Validation), CheckStatus::Skipped, "{report:#?}");
    let none = preflight_fleet(&stage.subscription(), &FleetSpec::new("web", Vec::new())).await;
    assert_eq!(none.failures().map(|check| check.code.as_str()).collect::<Vec<_>>(), ["specification"]);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_sign_in_is_told_once() {
    let stage = Stage::new();
    let nobody = stage.arm_with(stage.sign_in_in("99999999-9999-4999-8999-999999999999"));
    let nobody = nobody.subscription(crate::stage::subscription_id());
    let report = preflight_fleet(&nobody, &FleetSpec::of(&spec(), 3)).await;
    assert_eq!(report.failures().map(|check| check.code.as_str()).collect::<Vec<_>>(), ["sign-in"], "{report:#?}");
}

// A machine of somebody else's has the name of one of the fleet's: what others created is never written over.
#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_found_whichever_machine_has_it() {
    let stage = Stage::new();
    let mut lone = spec();
    lone.name = "web-2".to_owned();
    stage.provisioner().run(&crate::stage::plan(lone.with_dns_label("shop-3"))).await.unwrap();
    let fleet = FleetSpec::of(&spec().with_dns_label("shop"), 3);
    let report = preflight_fleet(&stage.subscription(), &fleet).await;
    let name = report.of(PreflightCheck::MachineName).unwrap();
    assert!(name.blocks() && name.cause.starts_with("web-2: a machine web-2 exists"), "{name:?}");
    let label = report.of(PreflightCheck::DnsLabel).unwrap();
    assert!(label.blocks() && label.cause.starts_with("web-3: shop-3.westeurope"), "{label:?}");
    assert_eq!(report.failures().count(), 2, "{report:#?}");
}

// A label is looked at for the machines that have one, whichever of the fleet has none.
#[tokio::test(start_paused = true)]
async fn a_label_that_is_taken_is_found_beside_machines_without_one() {
    let stage = Stage::new();
    let mut lone = spec();
    lone.name = "lone".to_owned();
    stage.provisioner().run(&crate::stage::plan(lone.with_dns_label("shop"))).await.unwrap();
    let mut machines = FleetSpec::of(&spec(), 3).machines;
    machines[1].dns_label = Some("shop".to_owned());
    for without_first in [true, false] {
        if !without_first {
            machines.swap(0, 1);
        }
        let fleet = FleetSpec::new("web", machines.clone());
        let report = preflight_fleet(&stage.subscription(), &fleet).await;
        let label = report.of(PreflightCheck::DnsLabel).unwrap();
        assert!(label.blocks() && label.cause.starts_with("shop.westeurope"), "{label:?}");
        assert_eq!(report.failures().count(), 1, "{report:#?}");
    }
}

// Public addresses of both families count against one quota, and a machine without a public one has neither.
#[tokio::test(start_paused = true)]
async fn each_machine_needs_as_many_addresses_as_it_has_families() {
    let mut machines = FleetSpec::of(&spec().with_ipv6(Ipv6::private().unwrap()), 3).machines;
    for private in [0, 2] {
        machines.iter_mut().enumerate().for_each(|(at, machine)| machine.public_ip = at != private);
        for (limit, expected) in [(3, CheckStatus::Failed), (4, CheckStatus::Passed)] {
            let stage = Stage::new();
            let manager = stage.emulator.resource_manager();
            manager.set_quota(subscription(), "westeurope", "StandardSkuPublicIpAddresses", limit).unwrap();
            let report = preflight_fleet(&stage.subscription(), &FleetSpec::new("web", machines.clone())).await;
            let check = report.of(PreflightCheck::AddressQuota).unwrap();
            assert_eq!(check.status, expected, "{private}: {report:#?}");
            let told = if limit == 3 { "4 of StandardSkuPublicIpAddresses are needed" } else { "4 are free" };
            assert!(check.cause.contains(told), "{private}: {check:?}");
        }
    }
}

/// What the service answers on a path instead, as long as the stage lasts.
fn answer(stage: &Stage, path: &str, value: Value) {
    let canned = CannedAnswer::new(200).with_body(json!({ "value": value }));
    stage.emulator.faults().add(Fault::new(FaultAction::Answer(canned)).with_method("GET").with_path(path).forever());
}

// A list may lack a quota, and a size its number of processors: what is not known of one machine is not known of several.
#[tokio::test(start_paused = true)]
async fn processors_that_are_not_known_of_one_machine_are_not_known_of_a_fleet() {
    let machines = json!([{"name": {"value": "virtualMachines"}, "limit": 100, "currentValue": 0}]);
    let size = json!([{
        "resourceType": "virtualMachines", "name": "Standard_B2s", "family": "standardBSFamily", "capabilities": [],
        "locations": ["westeurope"], "locationInfo": [{"location": "westeurope", "zones": ["1"]}], "restrictions": []
    }]);
    for (path, list, told) in [
        ("/providers/Microsoft.Compute/locations/westeurope/usages", machines, "its quotas are not shown"),
        ("/providers/Microsoft.Compute/skus", size, "its processors are not known"),
    ] {
        let stage = Stage::new();
        answer(&stage, path, list);
        let one = preflight(&stage.subscription(), &spec()).await;
        for report in [one, look(&stage, &spec(), 1).await, look(&stage, &spec(), 3).await] {
            let cores = report.of(PreflightCheck::CoreQuota).unwrap();
            assert_eq!(cores.status, CheckStatus::Unknown, "{path}: {report:#?}");
            assert_eq!(cores.cause, format!("Standard_B2s: {told}"));
            assert!(!cores.remedy.is_empty(), "{cores:?}");
        }
    }
}
