//! Resources of types that the client does not model, and the fields that its models leave out.

use azconnect_arm::resource::ApiVersion;
use azconnect_arm::{AnyResource, ResourceId};
use azconnect_core::{Effect, ErrorKind};
use serde_json::{Value, json};

use crate::stage::{Stage, group_name, plan, spec};

/// A rule of a security group: the client knows such rules as parts of their group only.
fn rule(stage: &Stage, id: &str) -> AnyResource {
    let arm = stage.arm_with(stage.sign_in());
    arm.resource(ResourceId::parse(id).unwrap(), version()).unwrap()
}

fn version() -> ApiVersion {
    ApiVersion::new("2024-05-01").unwrap()
}

/// A group with a network security group, and the id of the latter.
async fn security_group(
    stage: &Stage,
) -> azconnect_arm::Handle<azconnect_arm::resource::network::NetworkSecurityGroups> {
    let group = stage.subscription().group(&group_name());
    group.handle().create(&json!({"location": "westeurope"})).await.unwrap().wait().await.unwrap();
    let security = group.network_security_group("nsg").unwrap();
    let body = json!({"location": "westeurope", "tags": {"owner": "web"}, "properties": {"securityRules": []}});
    security.create(&body).await.unwrap().wait().await.unwrap();
    security
}

fn a_rule(priority: u32) -> Value {
    json!({"properties": {
        "priority": priority, "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "10.0.0.0/8",
        "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "443",
    }})
}

#[tokio::test(start_paused = true)]
async fn a_type_that_the_client_does_not_know_is_made_read_changed_and_deleted() {
    let stage = Stage::new();
    let security = security_group(&stage).await;
    let rule = rule(&stage, &format!("{}/securityRules/https", security.id()));
    assert_eq!(rule.find().await.unwrap(), None);
    rule.create(&a_rule(300)).await.unwrap().wait().await.unwrap();
    let read = rule.get().await.unwrap();
    assert_eq!(read.at("/properties/priority"), Some(&json!(300)));
    assert_eq!(security.get().await.unwrap().properties.security_rules.len(), 1);

    // A deletion is answered with 202 and addresses to poll.
    let pending = rule.delete().await.unwrap();
    let stored = pending.operation().expect("202").stored();
    pending.wait().await.unwrap();
    assert_eq!(rule.find().await.unwrap(), None);
    rule.resume_delete(stored).unwrap().wait().await.unwrap();
    rule.delete().await.unwrap().wait().await.unwrap();
    assert_eq!(stage.emulator.truth().unknown_routes, 0);
}

/// The deletion of a group has an address in `Location` only.
#[tokio::test(start_paused = true)]
async fn an_operation_with_a_location_alone_is_waited_for_and_taken_over() {
    let stage = Stage::new();
    let security = security_group(&stage).await;
    let group = stage.subscription().group(&group_name()).handle().untyped();
    let pending = group.delete().await.unwrap();
    let stored = pending.operation().expect("202").stored();
    drop(pending);
    group.resume_delete(stored).unwrap().wait().await.unwrap();
    assert_eq!(security.find().await.unwrap().map(|_| ()), None);
    assert!(stage.live().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_action_is_sent_by_its_name_and_waited_for() {
    let stage = Stage::new();
    let machine = stage.provisioner().run(&plan(spec())).await.unwrap();
    let machine = stage.arm_with(stage.sign_in()).resource(machine.machine.clone(), version()).unwrap();
    let pending = machine.post("deallocate", None).await.unwrap();
    let stored = pending.operation().expect("202").stored();
    pending.wait().await.unwrap();
    machine.resume_post("deallocate", stored).unwrap().wait().await.unwrap();
    let view = stage.subscription().machine(machine.id()).unwrap().instance_view().await.unwrap();
    assert_eq!(view.power(), azconnect_arm::Power::Deallocated);
    for wrong in ["", "a/b", "start?x=1", "../start"] {
        let error = machine.post(wrong, None).await.map(|_| ()).unwrap_err();
        assert_eq!((error.field(), error.effect()), (Some("action"), Effect::None), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_read_changed_and_written_back_keeps_the_fields_that_nobody_models() {
    let stage = Stage::new();
    let security = security_group(&stage).await;
    let raw = security.untyped();
    let mut document = raw.get().await.unwrap();
    document.value["properties"]["flushConnection"] = json!(true);
    raw.replace(&document).await.unwrap().wait().await.unwrap();
    // Another change by somebody who does not know the new field either.
    let mut document = raw.get().await.unwrap();
    document.value["tags"]["owner"] = json!("shop");
    let written = raw.replace(&document).await.unwrap().wait().await.unwrap();
    assert_eq!(written.at("/properties/flushConnection"), Some(&json!(true)));
    assert_eq!(security.get().await.unwrap().tags["owner"], "shop");
}

/// Microsoft.Network marks each state of a resource, and refuses a write that names another.
#[tokio::test(start_paused = true)]
async fn a_change_by_somebody_else_in_between_is_not_overwritten() {
    let stage = Stage::new();
    let raw = security_group(&stage).await.untyped();
    let mine = raw.get().await.unwrap();
    let mut theirs = mine.clone();
    theirs.value["tags"]["owner"] = json!("them");
    raw.replace(&theirs).await.unwrap().wait().await.unwrap();
    let error = raw.replace(&mine).await.map(|_| ()).unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None), "{error}");
    assert!(error.advice().contains("read it again"), "{}", error.advice());
    assert_eq!(raw.get().await.unwrap().at("/tags/owner"), Some(&json!("them")));
    // Whoever means it says so.
    raw.replace(&mine.without_etag()).await.unwrap().wait().await.unwrap();
    assert_eq!(raw.get().await.unwrap().at("/tags/owner"), Some(&json!("web")));
}

#[tokio::test(start_paused = true)]
async fn an_id_that_names_no_single_resource_is_refused_before_anything_is_sent() {
    let stage = Stage::new();
    let arm = stage.arm_with(stage.sign_in());
    let id = ResourceId::parse("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/natGateways").unwrap();
    let error = arm.resource(id, version()).unwrap_err();
    assert_eq!((error.field(), error.effect()), (Some("resource_id"), Effect::None));
    assert!(error.advice().contains("/providers/"));
}

#[tokio::test(start_paused = true)]
async fn an_operation_of_another_resource_is_not_taken_over() {
    let stage = Stage::new();
    let security = security_group(&stage).await;
    let rule_of = |name: &str| rule(&stage, &format!("{}/securityRules/{name}", security.id()));
    rule_of("one").create(&a_rule(300)).await.unwrap().wait().await.unwrap();
    let stored = rule_of("one").delete().await.unwrap().operation().expect("202").stored();
    let error = rule_of("two").resume_delete(stored).map(|_| ()).unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None));
}
