//! What is done with machines, at the emulator.

use std::collections::BTreeMap;

use azconnect_arm::{Power, Urn};
use azconnect_core::ErrorKind;
use azconnect_emulator::{CannedAnswer, Fault, FaultAction};
use serde_json::json;

use crate::stage::{Stage, group_name, plan, spec};

#[tokio::test(start_paused = true)]
async fn a_machine_lives_through_everything() {
    let stage = Stage::new();
    let id = stage.provisioner().run(&plan(spec())).await.unwrap().machine;
    let machine = stage.subscription().machine(&id).unwrap();
    let power = || async { machine.instance_view().await.unwrap().power() };
    machine.power_off().await.unwrap().wait().await.unwrap();
    assert_eq!(power().await, Power::Stopped);
    machine.deallocate().await.unwrap().wait().await.unwrap();
    assert_eq!(power().await, Power::Deallocated);
    let resized = machine.resize("Standard_B2ms").await.unwrap().wait().await.unwrap();
    assert_eq!(resized.properties.hardware_profile.vm_size, "Standard_B2ms");
    machine.start().await.unwrap().wait().await.unwrap();
    assert_eq!(power().await, Power::Running);
    machine.restart().await.unwrap().wait().await.unwrap();
    assert_eq!(power().await, Power::Running);
    let tag = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    machine.tag(&tag("stage", "test")).await.unwrap().wait().await.unwrap();
    let tags = machine.tag(&tag("Stage", "live")).await.unwrap().wait().await.unwrap().tags;
    assert_eq!(tags.get("Stage").map(String::as_str), Some("live"));
    assert!(!tags.contains_key("stage"), "the service takes the names in any case: {tags:?}");
    assert!(tags.contains_key("azconnect-machine"), "what marks the machine as ours stays: {tags:?}");
    let refused = machine.tag(&tag("AZCONNECT-machine", "another")).await.err().unwrap();
    assert_eq!((refused.field(), refused.effect()), (Some("tags"), azconnect_core::Effect::None));
    assert!(machine.sizes().await.unwrap().iter().any(|size| size.name == "Standard_B2s"));
    machine.force_delete().await.unwrap().wait().await.unwrap();
    assert_eq!(machine.get().await.unwrap_err().kind(), ErrorKind::NotFound);
    machine.delete().await.unwrap().wait().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_subscription_tells_what_it_offers() {
    let stage = Stage::new();
    let subscription = stage.subscription();
    assert_eq!(subscription.get().await.unwrap().display_name, "Contoso");
    assert!(subscription.locations().await.unwrap().iter().any(|location| location.name == "westeurope"));
    assert!(subscription.provider("Microsoft.Compute").await.unwrap().is_registered());
    assert!(subscription.register("Microsoft.Compute").await.is_ok());
    assert!(subscription.compute_usages("westeurope").await.unwrap().iter().any(|usage| usage.name.value == "cores"));
    assert!(!subscription.network_usages("westeurope").await.unwrap().is_empty());
    let urn: Urn = "Canonical:ubuntu-24_04-lts:server:latest".parse().unwrap();
    let image = subscription.image("westeurope", &urn).await.unwrap();
    assert_eq!(image.properties.hyper_v_generation.as_deref(), Some("V2"));
    let mut skus = subscription.skus(Some("westeurope")).unwrap();
    let mut found = false;
    while let Some(sku) = skus.next().await.unwrap() {
        found |= sku.name == "Standard_B2s" && sku.vcpus() == Some(2);
    }
    assert!(found);
    assert_eq!(stage.arm_with(stage.sign_in()).subscriptions().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_is_forbidden_gives_the_administrator_s_command() {
    let stage = Stage::for_group_only();
    let error = stage.subscription().register("Microsoft.Compute").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(
        error.advice().contains("az provider register --namespace Microsoft.Compute --subscription"),
        "{}",
        error.advice()
    );
}

#[tokio::test(start_paused = true)]
async fn a_template_is_validated_in_one_group() {
    let stage = Stage::for_group_only();
    let group = stage.subscription().group(&group_name());
    let template = serde_json::json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "resources": []
    });
    group.validate("check", &template).await.unwrap();
}

/// The status 404 has many reasons, and one of them only is that the resource is gone.
#[tokio::test(start_paused = true)]
async fn what_is_not_found_for_another_reason_is_not_taken_for_deleted() {
    let stage = Stage::new();
    let id = stage.provisioner().run(&plan(spec())).await.unwrap().machine;
    let machine = stage.subscription().machine(&id).unwrap();
    let raw = machine.untyped();
    let coded = |code: &str| CannedAnswer::new(404).with_body(json!({"error": {"code": code, "message": "not found"}}));
    let answers = [coded("SubscriptionNotFound"), coded("InvalidResourceType"), coded("InvalidResourceNamespace")];
    for answer in answers {
        stage.emulator.faults().add(Fault::new(FaultAction::Answer(answer)).with_path("virtualMachines").forever());
        let errors = [
            machine.delete().await.err(),
            machine.find().await.err(),
            raw.delete().await.err(),
            raw.find().await.err(),
        ];
        assert!(errors.iter().all(Option::is_some), "{errors:?}");
        let failed = stage.provisioner().clean_up(&plan(spec()).id).await.unwrap_err();
        assert_ne!(failed.kind(), ErrorKind::InvalidInput, "{failed}");
        stage.emulator.faults().clear();
        assert!(machine.find().await.unwrap().is_some());
    }
    stage.provisioner().clean_up(&plan(spec()).id).await.unwrap();
    assert!(stage.emulator.truth().ledger.iter().all(|entry| !entry.is_live()));
}
