//! What a machine may be asked for beyond size, image and disks: Trusted Launch, accelerated networking, Spot, identities.

use azconnect_arm::spec::{Eviction, Spot, Switch};
use azconnect_arm::{Power, PreflightCheck, ProvisionPlan, ResourceId, VmSpec, preflight};
use azconnect_core::{Effect, ErrorKind};
use azconnect_credential::CheckStatus;
use azconnect_emulator::arm::Failure;
use azconnect_emulator::{Fault, FaultAction};
use serde_json::{Value, json};

use crate::disks::shown;
use crate::stage::{Stage, id, spec, subscription_id};

fn sized(size: &str) -> VmSpec {
    let mut spec = spec();
    spec.sizes = vec![size.to_owned()];
    spec
}

fn with_image(image: &str) -> VmSpec {
    let mut spec = spec();
    spec.image = image.parse().unwrap();
    spec
}

async fn built(stage: &Stage, spec: VmSpec) -> ProvisionPlan {
    let provisioner = stage.provisioner();
    let plan = provisioner.plan(id(), spec).await.unwrap();
    provisioner.run(&plan).await.unwrap();
    plan
}

fn interface(stage: &Stage, plan: &ProvisionPlan) -> Value {
    let path = format!("resourceGroups/rg-web/providers/Microsoft.Network/networkInterfaces/{}", plan.names.interface);
    stage.emulator.resource_manager().resource(&format!("/subscriptions/{}/{path}", subscription_id())).unwrap()
}

async fn checked(stage: &Stage, spec: &VmSpec, check: PreflightCheck) -> (CheckStatus, String) {
    let report = preflight(&stage.subscription(), spec).await;
    let check = report.iter().find(|one| one.code == check.code()).unwrap();
    (check.status, check.cause.clone())
}

#[tokio::test(start_paused = true)]
async fn trusted_launch_follows_image_and_size_unless_the_specification_says_otherwise() {
    let stage = Stage::new();
    built(&stage, spec()).await;
    let profile =
        json!({"securityType": "TrustedLaunch", "uefiSettings": {"secureBootEnabled": true, "vTpmEnabled": true}});
    assert_eq!(shown(&stage)["properties"]["securityProfile"], profile);

    // An image of generation 1 says in its features that it cannot.
    let stage = Stage::new();
    let old = "Canonical:ubuntu-24_04-lts:server-gen1:latest";
    built(&stage, with_image(old)).await;
    assert_eq!(shown(&stage)["properties"].get("securityProfile"), None);

    let wanted = with_image(old).with_trusted_launch(Switch::On);
    let (status, text) = checked(&stage, &wanted, PreflightCheck::Options).await;
    assert!(status == CheckStatus::Failed && text.contains("Trusted Launch"), "{text}");
}

/// Only a subscription with a certain feature may say that it wants a machine of the standard kind. For any other, the word
/// itself is invalid.
#[tokio::test(start_paused = true)]
async fn trusted_launch_that_is_off_is_said_where_the_subscription_may_say_so() {
    for may_say_so in [true, false] {
        let stage = Stage::new();
        if may_say_so {
            let manager = stage.emulator.resource_manager();
            manager.register_feature(subscription_id().as_uuid(), "Microsoft.Compute/UseStandardSecurityType");
        }
        let plan = built(&stage, spec().with_trusted_launch(Switch::Off)).await;
        assert!(plan.to_string().contains("Trusted Launch: off"), "{plan}");
        let said = json!({"securityType": "Standard"});
        assert_eq!(shown(&stage)["properties"].get("securityProfile"), may_say_so.then_some(&said));
        stage.provisioner().clean_up(&id()).await.unwrap();
        assert_eq!(stage.live(), Vec::<String>::new());
    }
}

/// Accelerated networking is a property of the interface, which the machine refuses if its size cannot do it.
#[tokio::test(start_paused = true)]
async fn the_interface_fits_the_size_that_is_fallen_back_to() {
    let stage = Stage::new();
    let plan = built(&stage, sized("Standard_D2s_v5")).await;
    assert_eq!(interface(&stage, &plan)["properties"]["enableAcceleratedNetworking"], true);

    let stage = Stage::new();
    let fault = Fault::new(FaultAction::Fail(Failure::new("AllocationFailed").in_operation()))
        .with_method("PUT")
        .with_path("/virtualMachines/web?")
        .with_count(1);
    stage.emulator.faults().add(fault);
    // A size with one processor cannot.
    let plan = built(&stage, sized("Standard_D2s_v5").with_fallback_size("Standard_B1s")).await;
    assert_eq!(interface(&stage, &plan)["properties"]["enableAcceleratedNetworking"], false);
    assert_eq!(shown(&stage)["properties"]["hardwareProfile"]["vmSize"], "Standard_B1s");
}

#[tokio::test(start_paused = true)]
async fn accelerated_networking_can_be_switched_off_and_asked_for() {
    let stage = Stage::new();
    let plan = built(&stage, sized("Standard_D2s_v5").with_accelerated_networking(Switch::Off)).await;
    assert_eq!(interface(&stage, &plan)["properties"]["enableAcceleratedNetworking"], false);

    let stage = Stage::new();
    let wanted = sized("Standard_B1s").with_accelerated_networking(Switch::On);
    assert_eq!(checked(&stage, &wanted, PreflightCheck::Options).await.0, CheckStatus::Failed);
    let provisioner = stage.provisioner();
    let plan = provisioner.plan(id(), wanted).await.unwrap();
    let refused = provisioner.run(&plan).await.unwrap_err();
    assert_eq!(refused.service_code(), Some("VMSizeIsNotPermittedToEnableAcceleratedNetworking"));
    assert!(refused.advice().contains("accelerated networking"), "{}", refused.advice());
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_spot_machine_is_asked_for_and_falls_back_where_there_is_none() {
    let stage = Stage::new();
    let spot = Spot::new().with_eviction(Eviction::Delete).with_max_price("0.05".parse().unwrap());
    // There are no Spot machines of burstable sizes.
    let spec = spec().with_fallback_size("Standard_D2s_v5").with_spot(spot);
    let (status, text) = checked(&stage, &spec, PreflightCheck::Options).await;
    assert!(status == CheckStatus::Passed && text.contains("Standard_B2s has no Spot machines"), "{text}");
    let plan = built(&stage, spec).await;
    assert!(plan.to_string().contains("Spot, deleted when evicted, at most 0.05 US dollars an hour"), "{plan}");
    let properties = &shown(&stage)["properties"];
    assert_eq!((&properties["priority"], &properties["evictionPolicy"]), (&json!("Spot"), &json!("Delete")));
    assert_eq!(properties["billingProfile"], json!({"maxPrice": 0.05}));
    assert_eq!(properties["hardwareProfile"]["vmSize"], "Standard_D2s_v5");
}

#[tokio::test(start_paused = true)]
async fn a_price_below_the_current_one_is_refused_with_what_to_do() {
    let stage = Stage::new();
    let spec = sized("Standard_D2s_v5").with_spot(Spot::new().with_max_price("0.00001".parse().unwrap()));
    let provisioner = stage.provisioner();
    let plan = provisioner.plan(id(), spec).await.unwrap();
    let refused = provisioner.run(&plan).await.unwrap_err();
    assert_eq!(refused.service_code(), Some("SpotPriceGreaterThanProvidedMaxPrice"));
    assert!(refused.advice().contains("raise the highest price"), "{}", refused.advice());
    assert_eq!(stage.live(), Vec::<String>::new());
}

/// Spot machines use the quota of low-priority processors, and neither that of the region nor of their family.
#[tokio::test(start_paused = true)]
async fn spot_has_a_quota_of_its_own() {
    let stage = Stage::new();
    let manager = stage.emulator.resource_manager();
    let subscription = subscription_id().as_uuid();
    manager.set_quota(subscription, "westeurope", "cores", 0).unwrap();
    let spec = sized("Standard_D2s_v5").with_spot(Spot::new());
    assert_eq!(checked(&stage, &spec, PreflightCheck::CoreQuota).await.0, CheckStatus::Passed);
    manager.set_quota(subscription, "westeurope", "lowPriorityCores", 1).unwrap();
    let (status, text) = checked(&stage, &spec, PreflightCheck::CoreQuota).await;
    assert!(status == CheckStatus::Failed && text.contains("lowPriorityCores"), "{text}");
    let provisioner = stage.provisioner();
    let plan = provisioner.plan(id(), spec).await.unwrap();
    let refused = provisioner.run(&plan).await.unwrap_err();
    assert!(refused.to_string().contains("OperationNotAllowed"), "{refused}");
}

/// The service deallocates an evicted machine and says nothing else about it, or deletes it with its disks.
#[tokio::test(start_paused = true)]
async fn an_evicted_machine_is_told_apart_by_what_is_read() {
    let stage = Stage::new();
    built(&stage, sized("Standard_D2s_v5").with_spot(Spot::new())).await;
    let machine = stage.subscription().group(&crate::stage::group_name()).virtual_machine("web").unwrap();
    let view = machine.get().await.unwrap();
    assert!(view.is_spot() && !view.looks_evicted(&machine.instance_view().await.unwrap()));
    stage.emulator.resource_manager().evict(machine.id().as_str());
    let inside = machine.instance_view().await.unwrap();
    assert_eq!(inside.power(), Power::Deallocated);
    assert!(machine.get().await.unwrap().looks_evicted(&inside));
    // What is left of it goes with the clean-up.
    stage.provisioner().clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_was_deleted_when_evicted_is_cleaned_up_after() {
    let stage = Stage::new();
    built(&stage, sized("Standard_D2s_v5").with_spot(Spot::new().with_eviction(Eviction::Delete))).await;
    let machine = stage.subscription().group(&crate::stage::group_name()).virtual_machine("web").unwrap();
    stage.emulator.resource_manager().evict(machine.id().as_str());
    assert!(machine.find().await.unwrap().is_none());
    assert_eq!(stage.provisioner().clean_up(&id()).await.unwrap().kept, None);
    assert_eq!(stage.live(), Vec::<String>::new());
}

fn identity(group: &str) -> ResourceId {
    let base = format!("/subscriptions/{}/resourceGroups/{group}", subscription_id());
    ResourceId::parse(&format!("{base}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn identities_of_both_kinds_are_given_to_a_machine() {
    let stage = Stage::new();
    let app = identity("rg-ids");
    stage.emulator.resource_manager().add_identity(app.as_str());
    let plan = built(&stage, spec().with_identity().with_user_assigned_identity(app.clone())).await;
    assert!(plan.to_string().contains("identity app (exists)"), "{plan}");
    let given = &shown(&stage)["identity"];
    assert_eq!(given["type"], "SystemAssigned, UserAssigned");
    assert!(given["principalId"].is_string() && given["userAssignedIdentities"][app.as_str()]["clientId"].is_string());
}

/// The service asks for an action on the identity itself, which a role in the machine's group does not give.
#[tokio::test(start_paused = true)]
async fn an_identity_that_may_not_be_given_is_refused_with_the_action_that_lacks() {
    let stage = Stage::for_group_only();
    let app = identity("rg-ids");
    stage.emulator.resource_manager().add_identity(app.as_str());
    let provisioner = stage.provisioner();
    let plan = provisioner.plan(id(), spec().with_user_assigned_identity(app.clone())).await.unwrap();
    let refused = provisioner.run(&plan).await.unwrap_err();
    assert_eq!((refused.kind(), refused.effect()), (ErrorKind::PermissionDenied, Effect::None));
    let action = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";
    assert!(refused.advice().contains(action) && refused.advice().contains(app.as_str()), "{}", refused.advice());
    assert_eq!(stage.live(), Vec::<String>::new());

    // One that there is not.
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    let plan = provisioner.plan(id(), spec().with_user_assigned_identity(app)).await.unwrap();
    assert_eq!(provisioner.run(&plan).await.unwrap_err().service_code(), Some("FailedIdentityOperation"));
}
