//! Policies, and whatever else only the service's own validation finds.

use azconnect_arm::{GroupChoice, PreflightCheck, VmSpec, preflight};
use azconnect_credential::CheckStatus;
use azconnect_emulator::arm::{ArmSettings, Failure, Policy};
use azconnect_emulator::{Fault, FaultAction, Service};
use serde_json::json;

use crate::preflight::{status, subscription};
use crate::stage::{CLIENT, Stage, group_name, id, spec};

fn in_existing_group() -> VmSpec {
    let group = GroupChoice::Existing(group_name());
    VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap()
}

/// The preflight fails for the policy, names it, and leaves nothing; with what the policy wants it is clear.
async fn refused_and_then_not(stage: &Stage, policy: Policy, spec: VmSpec, mended: VmSpec) {
    let name = policy.display_name.clone();
    stage.emulator.resource_manager().assign_policy(subscription(), policy);
    let report = preflight(&stage.subscription(), &spec).await;
    let check = report.of(PreflightCheck::Validation).unwrap();
    assert_eq!(check.status, CheckStatus::Failed, "{report:#?}");
    assert!(check.remedy.contains(&name), "{check:?}");
    assert_eq!(report.failures().count(), 1, "{report:#?}");
    assert_eq!(stage.live(), Vec::<String>::new(), "a preflight has no effect");
    let report = preflight(&stage.subscription(), &mended).await;
    assert_eq!(status(&report, PreflightCheck::Validation), CheckStatus::Passed, "{report:#?}");
}

// 400 InvalidTemplateDeployment with RequestDisallowedByPolicy in its details.
#[tokio::test(start_paused = true)]
async fn a_policy_that_wants_a_tag_is_found_in_the_group() {
    let stage = Stage::for_group_only();
    let policy = Policy::required_tag("Require a cost centre", "costCenter");
    let mended = in_existing_group().with_tag("CostCenter", "[42]");
    refused_and_then_not(&stage, policy, in_existing_group(), mended).await;
}

// Nothing can be validated in a group that is not there: it is asked of the subscription, with the group in the template.
#[tokio::test(start_paused = true)]
async fn a_policy_is_found_before_its_group_exists() {
    let stage = Stage::new();
    let policy = Policy::required_tag("Require a cost centre", "costCenter");
    refused_and_then_not(&stage, policy, spec(), spec().with_tag("costCenter", "42")).await;
}

#[tokio::test(start_paused = true)]
async fn a_policy_on_groups_is_found_before_the_group_exists() {
    let stage = Stage::new();
    let policy = Policy::required_tag("Require an owner on groups", "owner").on_groups();
    refused_and_then_not(&stage, policy, spec(), spec().with_tag("owner", "web")).await;
}

#[tokio::test(start_paused = true)]
async fn a_policy_on_regions_is_found() {
    let stage = Stage::new();
    let policy = Policy::allowed_locations("Allowed locations", &["northeurope"]);
    let group = GroupChoice::Create(group_name());
    let mended = VmSpec::new("web", "northeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap();
    refused_and_then_not(&stage, policy, spec(), mended).await;
}

#[tokio::test(start_paused = true)]
async fn a_policy_on_sizes_leaves_the_size_that_it_allows() {
    let stage = Stage::new();
    let policy = Policy::allowed_sizes("Allowed sizes", &["Standard_D2s_v5"]);
    refused_and_then_not(&stage, policy, spec(), spec().with_fallback_size("Standard_D2s_v5")).await;
    let report = preflight(&stage.subscription(), &spec().with_fallback_size("Standard_D2s_v5")).await;
    let placement = report.of(PreflightCheck::Placement).unwrap();
    assert!(
        placement.cause.starts_with("Standard_D2s_v5 can be used; Standard_B2s: the service refuses it"),
        "{placement:?}"
    );
}

// A policy refuses the write itself as well: 403, and nothing is applied.
#[tokio::test(start_paused = true)]
async fn what_the_preflight_found_is_what_the_provisioning_meets() {
    let stage = Stage::new();
    let policy = Policy::required_tag("Require a cost centre", "costCenter");
    stage.emulator.resource_manager().assign_policy(subscription(), policy);
    let provisioner = stage.provisioner();
    let plan = provisioner.plan(id(), spec()).await.unwrap();
    let error = provisioner.run(&plan).await.unwrap_err();
    assert_eq!(error.service_code(), Some("RequestDisallowedByPolicy"));
    assert!(error.advice().contains("Require a cost centre"), "{error:?}");
    assert_eq!(stage.live(), Vec::<String>::new());
}

// A role of one's own may lack Microsoft.Resources/deployments/validate/action.
#[tokio::test(start_paused = true)]
async fn an_identity_that_may_not_validate_leaves_the_policies_unknown() {
    let role = "Virtual Machine Contributor";
    let network = "Network Contributor";
    let stage = Stage::for_group_only();
    let denied = Failure::new("AuthorizationFailed").with_status(403);
    let deny = Fault::new(FaultAction::Fail(denied)).with_path("/validate").with_service(Service::ResourceManager);
    stage.emulator.faults().add(deny.forever());
    let report = preflight(&stage.subscription(), &in_existing_group()).await;
    assert!(report.is_clear(), "{report:#?}");
    assert_eq!(status(&report, PreflightCheck::Validation), CheckStatus::Unknown);
    // In the group alone, a group that is to be created cannot be validated.
    let roles = json!([{"principal": CLIENT, "role": role}, {"principal": CLIENT, "role": network}]);
    let stage = Stage::with(ArmSettings::default(), roles);
    let report = preflight(&stage.subscription(), &spec()).await;
    assert_eq!(status(&report, PreflightCheck::Validation), CheckStatus::Unknown, "{report:#?}");
}

// Whoever may not read the quotas learns of them from the validation.
#[tokio::test(start_paused = true)]
async fn a_used_up_quota_is_found_by_the_validation_alone() {
    let stage = Stage::for_group_only();
    let manager = stage.emulator.resource_manager();
    manager.set_quota(subscription(), "westeurope", "standardBSFamily", 1).unwrap();
    let report = preflight(&stage.subscription(), &in_existing_group()).await;
    assert_eq!(status(&report, PreflightCheck::CoreQuota), CheckStatus::Unknown);
    assert_eq!(status(&report, PreflightCheck::Placement), CheckStatus::Failed, "{report:#?}");
    let report = preflight(&stage.subscription(), &in_existing_group().with_fallback_size("Standard_D2s_v5")).await;
    assert!(report.is_clear(), "{report:#?}");
}

// Compute refuses a name that is no size: 400 InvalidParameter, target vmSize.
#[tokio::test(start_paused = true)]
async fn a_size_that_does_not_exist_is_found_by_the_validation_alone() {
    let stage = Stage::for_group_only();
    let group = GroupChoice::Existing(group_name());
    let spec = VmSpec::new("web", "westeurope", "Standard_B3s", "Ubuntu2404".parse().unwrap(), group).unwrap();
    let report = preflight(&stage.subscription(), &spec).await;
    assert_eq!(status(&report, PreflightCheck::Placement), CheckStatus::Failed, "{report:#?}");
    assert!(preflight(&stage.subscription(), &spec.with_fallback_size("Standard_B2s")).await.is_clear());
}

// What the catalogue does not name may be about the template, which the provisioning does not send.
#[tokio::test(start_paused = true)]
async fn a_complaint_about_the_template_fails_nothing() {
    let stage = Stage::new();
    for code in ["InvalidTemplate", "SomethingNew"] {
        let failure = Fault::new(FaultAction::Fail(Failure::new(code).with_status(400))).with_path("/validate");
        stage.emulator.faults().add(failure.with_count(1));
        let report = preflight(&stage.subscription(), &spec()).await;
        assert!(report.is_clear(), "{report:#?}");
        assert_eq!(status(&report, PreflightCheck::Validation), CheckStatus::Unknown, "{report:#?}");
    }
}

// Of a code that nobody catalogued, the service's own sentence is all that a person has to go by.
#[tokio::test(start_paused = true)]
async fn a_check_keeps_the_service_s_own_sentence() {
    let stage = Stage::new();
    let sentence = "The value 'Burst_9' of parameter 'disk.tier' is not allowed for disks below 512 GiB.";
    let failure = Failure::new("TierTooHighForDisk").with_status(400).with_message(sentence);
    stage.emulator.faults().add(Fault::new(FaultAction::Fail(failure)).with_path("/validate").with_count(1));
    let report = preflight(&stage.subscription(), &spec()).await;
    let check = report.of(PreflightCheck::Validation).unwrap();
    assert_eq!(check.service_text.as_deref(), Some(sentence), "{check:?}");
    assert!(!check.cause.contains("Burst_9"), "our own sentence stays ours: {check:?}");
    let kept: azconnect_credential::Check = serde_json::from_str(&serde_json::to_string(check).unwrap()).unwrap();
    assert_eq!(&kept, check, "a page shows it");
    let error = check.to_error(azconnect_core::ErrorKind::Conflict, "the machine cannot be built");
    assert_eq!(error.service_text(), Some(sentence));
}
