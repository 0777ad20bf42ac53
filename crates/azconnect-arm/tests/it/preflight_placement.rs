//! Placements: a size in a zone, with its quota and its image, judged as a whole.

use azconnect_arm::{GroupChoice, PreflightCheck, ProvisionId, VmSpec, preflight};
use azconnect_credential::{CheckReport, CheckStatus};
use azconnect_emulator::arm::Failure;
use azconnect_emulator::{Fault, FaultAction, Service};

use crate::preflight::{status, subscription};
use crate::stage::{Stage, group_name, spec};

fn sized(sizes: &[&str], zones: &[&str], image: &str) -> VmSpec {
    let group = GroupChoice::Create(group_name());
    let first = VmSpec::new("web", "westeurope", sizes[0], image.parse().unwrap(), group).unwrap();
    let spec = sizes.iter().skip(1).fold(first, |spec, size| spec.with_fallback_size(*size));
    zones.iter().fold(spec, |spec, zone| spec.with_zone(*zone))
}

fn cause(report: &CheckReport, check: PreflightCheck) -> String {
    report.of(check).unwrap_or_else(|| panic!("{check:?} was not looked at")).cause.clone()
}

// Standard_B2s is offered and has no quota; Standard_D2s_v5 has the quota and is closed to the subscription.
#[tokio::test(start_paused = true)]
async fn sizes_that_each_lack_something_else_are_no_placement() {
    let stage = Stage::new();
    let manager = stage.emulator.resource_manager();
    manager.set_quota(subscription(), "westeurope", "standardBSFamily", 1).unwrap();
    manager.restrict_size(subscription(), "westeurope", "Standard_D2s_v5", &[]).unwrap();
    let report =
        preflight(&stage.subscription(), &sized(&["Standard_B2s", "Standard_D2s_v5"], &[], "Ubuntu2404")).await;
    for alone in [PreflightCheck::Size, PreflightCheck::CoreQuota, PreflightCheck::ImageFit] {
        assert_eq!(status(&report, alone), CheckStatus::Passed, "{report:#?}");
    }
    assert_eq!(status(&report, PreflightCheck::Placement), CheckStatus::Failed, "{report:#?}");
    let cause = cause(&report, PreflightCheck::Placement);
    assert!(cause.contains("Standard_B2s: Standard_B2s needs 2 of standardBSFamily"), "{cause}");
    assert!(cause.contains("Standard_D2s_v5: Standard_D2s_v5 is closed"), "{cause}");
    assert!(!report.of(PreflightCheck::Placement).unwrap().remedy.is_empty());
}

// A size that is closed in one zone, and another without quota: the third way is left.
#[tokio::test(start_paused = true)]
async fn one_good_placement_is_enough_and_is_named() {
    let stage = Stage::new();
    let manager = stage.emulator.resource_manager();
    manager.restrict_size(subscription(), "westeurope", "Standard_B2s", &["1"]).unwrap();
    manager.set_quota(subscription(), "westeurope", "standardDSv5Family", 1).unwrap();
    let spec = sized(&["Standard_D2s_v5", "Standard_B2s"], &["1", "2"], "Ubuntu2404");
    let report = preflight(&stage.subscription(), &spec).await;
    assert!(report.is_clear(), "{report:#?}");
    let cause = cause(&report, PreflightCheck::Placement);
    assert!(cause.starts_with("Standard_B2s in zone 2 can be used; Standard_D2s_v5 in zone 1: "), "{cause}");
    assert!(cause.contains("Standard_B2s in zone 1: Standard_B2s is not in zone 1 of westeurope"), "{cause}");
    let plan = stage.provisioner().plan(ProvisionId::new("web").unwrap(), spec).await.unwrap();
    assert_eq!(stage.provisioner().run(&plan).await.unwrap().placement.to_string(), "Standard_B2s in zone 2");
}

// The Arm64 image fits the one size, whose family has no quota left.
#[tokio::test(start_paused = true)]
async fn the_image_counts_in_a_placement() {
    let stage = Stage::new();
    let manager = stage.emulator.resource_manager();
    manager.set_quota(subscription(), "westeurope", "standardDPSv5Family", 1).unwrap();
    let spec = sized(&["Standard_B2s", "Standard_D2ps_v5"], &[], "Ubuntu2404Arm64");
    let report = preflight(&stage.subscription(), &spec).await;
    assert_eq!(status(&report, PreflightCheck::ImageFit), CheckStatus::Passed);
    assert_eq!(status(&report, PreflightCheck::Placement), CheckStatus::Failed, "{report:#?}");
    assert!(cause(&report, PreflightCheck::Placement).contains("Standard_B2s does not run Arm64"));
}

#[tokio::test(start_paused = true)]
async fn a_requirement_that_rules_out_every_size_is_said_once() {
    let stage = Stage::new();
    stage.emulator.resource_manager().set_quota(subscription(), "westeurope", "cores", 1).unwrap();
    let report = preflight(&stage.subscription(), &spec()).await;
    let failed: Vec<&str> = report.failures().map(|check| check.code.as_str()).collect();
    assert_eq!(failed, [PreflightCheck::CoreQuota.code()], "{report:#?}");
    assert_eq!(status(&report, PreflightCheck::Placement), CheckStatus::Skipped);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_leaves_the_placement_unknown() {
    let stage = Stage::for_group_only();
    let group = GroupChoice::Existing(group_name());
    let spec = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap();
    let report = preflight(&stage.subscription(), &spec).await;
    assert!(report.is_clear(), "{report:#?}");
    assert_eq!(status(&report, PreflightCheck::Placement), CheckStatus::Unknown);
}

#[tokio::test(start_paused = true)]
async fn used_up_quotas_of_machines_and_of_the_network_are_found() {
    for (name, check) in [
        ("virtualMachines", PreflightCheck::MachineQuota),
        ("NetworkInterfaces", PreflightCheck::NetworkQuota),
        ("VirtualNetworks", PreflightCheck::NetworkQuota),
        ("NetworkSecurityGroups", PreflightCheck::NetworkQuota),
        ("PublicIPAddresses", PreflightCheck::AddressQuota),
    ] {
        let stage = Stage::new();
        stage.emulator.resource_manager().set_quota(subscription(), "westeurope", name, 0).unwrap();
        let report = preflight(&stage.subscription(), &spec()).await;
        let failed: Vec<&str> = report.failures().map(|check| check.code.as_str()).collect();
        assert_eq!(failed, [check.code()], "{name}: {report:#?}");
        assert!(cause(&report, check).contains(name), "{report:#?}");
    }
}

/// The identity of one group may not list the sizes.
async fn unlisted(size: &str) -> CheckReport {
    let stage = Stage::for_group_only();
    let group = GroupChoice::Existing(group_name());
    let spec = VmSpec::new("web", "westeurope", size, "Ubuntu2404".parse().unwrap(), group).unwrap();
    // As where validations are not permitted either.
    let denied = Failure::new("AuthorizationFailed").with_status(403);
    let deny = Fault::new(FaultAction::Fail(denied)).with_method("POST").with_service(Service::ResourceManager);
    stage.emulator.faults().add(deny.forever());
    preflight(&stage.subscription(), &spec).await
}

#[tokio::test(start_paused = true)]
async fn a_size_that_nobody_knows_is_pointed_out_where_sizes_may_not_be_listed() {
    let slip = unlisted("Standard_B3s").await;
    assert!(slip.is_clear(), "it may be newer than this library: {slip:#?}");
    assert_eq!(status(&slip, PreflightCheck::Size), CheckStatus::Unknown);
    assert!(
        cause(&slip, PreflightCheck::Size).contains("Standard_B3s is no size that this library knows"),
        "{slip:#?}"
    );
    assert!(slip.of(PreflightCheck::Size).unwrap().remedy.contains("spelling"));
    assert!(!cause(&unlisted("Standard_B2s").await, PreflightCheck::Size).contains("library"));
}

#[tokio::test(start_paused = true)]
async fn the_list_of_sizes_is_read_once_for_preflight_and_plan() {
    let stage = Stage::new();
    // A delay of nothing: it only counts the reads.
    let count =
        Fault::new(FaultAction::AddHeaders(Vec::new())).with_path("/providers/Microsoft.Compute/skus").forever();
    let reads = stage.emulator.faults().add(count);
    let provisioner = stage.provisioner();
    let id = || ProvisionId::new("web").unwrap();
    assert!(preflight(provisioner.subscription(), &spec()).await.is_clear());
    let plan = provisioner.plan(id(), spec()).await.unwrap();
    assert_eq!(plan.placements[0].trusted_launch, Some(true));
    assert_eq!(stage.emulator.faults().hits(reads), 1);
    // What a subscription may use changes at times: after five minutes it is read again.
    azconnect_core::Clock::sleep(&stage.clock, std::time::Duration::from_secs(301)).await;
    provisioner.plan(id(), spec()).await.unwrap();
    assert_eq!(stage.emulator.faults().hits(reads), 2);
}
