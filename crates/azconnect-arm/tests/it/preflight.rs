//! Checks at the emulator.

use azconnect_arm::{GroupChoice, PreflightCheck, VmSpec, preflight};
use azconnect_credential::{CheckReport, CheckStatus};
use azconnect_emulator::arm::ArmSettings;
use serde_json::json;
use uuid::Uuid;

use crate::stage::{CLIENT, SUBSCRIPTION, Stage, group_name, spec};

pub(crate) fn status(report: &CheckReport, check: PreflightCheck) -> CheckStatus {
    report.of(check).unwrap_or_else(|| panic!("{check:?} was not looked at")).status
}

pub(crate) fn subscription() -> Uuid {
    SUBSCRIPTION.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_contributor_finds_nothing_in_the_way() {
    let stage = Stage::new();
    let report = preflight(&stage.subscription(), &spec()).await;
    assert!(report.is_clear(), "{report:#?}");
    let open: Vec<_> = report.with_status(CheckStatus::Unknown).collect();
    assert!(open.is_empty(), "{open:#?}");
    assert_eq!(stage.live(), Vec::<String>::new(), "a preflight has no effect");
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_wrong_is_found_at_once() {
    let stage = Stage::new();
    let manager = stage.emulator.resource_manager();
    manager.set_registered(subscription(), "Microsoft.Network", false);
    manager.set_quota(subscription(), "westeurope", "cores", 1).unwrap();
    manager.set_quota(subscription(), "westeurope", "virtualMachines", 0).unwrap();
    manager.set_subscription_state(subscription(), "Disabled");
    manager.restrict_size(subscription(), "westeurope", "Standard_B2s", &[]).unwrap();
    let image = "Canonical:ubuntu-24_04-lts:nothing:latest".parse().unwrap();
    let group = GroupChoice::Create(group_name());
    let spec = VmSpec::new("web", "westeurope", "Standard_B2s", image, group).unwrap().with_zone("9");
    let report = preflight(&stage.subscription(), &spec).await;
    for check in [
        PreflightCheck::Specification,
        PreflightCheck::Subscription,
        PreflightCheck::Size,
        PreflightCheck::CoreQuota,
        PreflightCheck::MachineQuota,
        PreflightCheck::Image,
        PreflightCheck::Providers,
    ] {
        assert_eq!(status(&report, check), CheckStatus::Failed, "{check:?}: {report:#?}");
        assert!(!report.of(check).unwrap().remedy.is_empty(), "{check:?}");
    }
    // What cannot be read without the provider is not said once more.
    for check in [PreflightCheck::AddressQuota, PreflightCheck::NetworkQuota, PreflightCheck::Validation] {
        assert_eq!(status(&report, check), CheckStatus::Skipped, "{check:?}: {report:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_of_addresses_is_found() {
    let stage = Stage::new();
    let manager = stage.emulator.resource_manager();
    manager.set_quota(subscription(), "westeurope", "StandardSkuPublicIpAddresses", 0).unwrap();
    assert_eq!(
        status(&preflight(&stage.subscription(), &spec()).await, PreflightCheck::AddressQuota),
        CheckStatus::Failed
    );
}

#[tokio::test(start_paused = true)]
async fn for_an_identity_of_one_group_what_it_may_not_read_is_unknown() {
    let stage = Stage::for_group_only();
    let image = "Ubuntu2404".parse().unwrap();
    let spec = VmSpec::new("web", "westeurope", "Standard_B2s", image, GroupChoice::Existing(group_name())).unwrap();
    let report = preflight(&stage.subscription(), &spec).await;
    assert!(report.is_clear(), "{report:#?}");
    assert_eq!(status(&report, PreflightCheck::Size), CheckStatus::Unknown);
    assert_eq!(status(&report, PreflightCheck::CoreQuota), CheckStatus::Unknown);
    assert_eq!(status(&report, PreflightCheck::Role), CheckStatus::Passed);
    assert_eq!(status(&report, PreflightCheck::Group), CheckStatus::Passed);
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_told_which_role_to_ask_for() {
    let stage = Stage::with(ArmSettings::default(), json!([{"principal": CLIENT, "role": "Reader"}]));
    let report = preflight(&stage.subscription(), &spec()).await;
    let role = report.of(PreflightCheck::Role).unwrap();
    assert_eq!(role.status, CheckStatus::Failed);
    assert!(role.remedy.contains("Microsoft.Compute/virtualMachines/write"), "{role:?}");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_does_not_run_on_the_size_is_found() {
    let stage = Stage::new();
    let image = "Ubuntu2404Arm64".parse().unwrap();
    let group = GroupChoice::Create(group_name());
    let spec = VmSpec::new("web", "westeurope", "Standard_B2s", image, group).unwrap();
    assert_eq!(status(&preflight(&stage.subscription(), &spec).await, PreflightCheck::ImageFit), CheckStatus::Failed);
}
