//! Roles at the emulator.

use azconnect_arm::{Assigned, Assignment, ResourceId, Role};
use azconnect_core::{ErrorKind, PrincipalObjectId};
use azconnect_emulator::arm::{ArmSettings, Failure};
use azconnect_emulator::{Fault, FaultAction};
use serde_json::json;

use crate::stage::{CLIENT, SUBSCRIPTION, Stage, subscription_id};

fn stage(role: &str) -> Stage {
    Stage::with(ArmSettings::default(), json!([{"principal": CLIENT, "role": role}]))
}

async fn assignment(stage: &Stage) -> Assignment {
    let principal: PrincipalObjectId = stage
        .subscription()
        .scope()
        .as_str()
        .split('/')
        .next_back()
        .map(|_| "1272a66f-e2e8-4e88-ab43-487409186c3f")
        .unwrap()
        .parse()
        .unwrap();
    Assignment::new(ResourceId::of_subscription(subscription_id()), Role::READER, principal)
}

#[tokio::test(start_paused = true)]
async fn a_principal_that_is_not_known_yet_is_waited_for() {
    let stage = stage("Owner");
    let fault = Fault::new(FaultAction::Fail(Failure::new("PrincipalNotFound"))).with_method("PUT").with_count(4);
    stage.emulator.faults().add(fault);
    let arm = stage.arm_with(stage.sign_in());
    let outcome = arm.assign_role(&assignment(&stage).await).await;
    // Whether the emulator then knows the principal is its own affair; the wait itself is what is shown.
    match outcome {
        Ok(assigned) => assert_eq!(assigned, Assigned::Now),
        Err(error) => assert_eq!(error.service_code(), Some("PrincipalNotFound")),
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_there_already_is_a_success() {
    let stage = stage("Owner");
    let fault = Fault::new(FaultAction::Fail(Failure::new("RoleAssignmentExists"))).with_method("PUT");
    stage.emulator.faults().add(fault);
    let arm = stage.arm_with(stage.sign_in());
    assert_eq!(arm.assign_role(&assignment(&stage).await).await.unwrap(), Assigned::Before);
}

#[tokio::test(start_paused = true)]
async fn a_contributor_may_not_give_roles() {
    let stage = stage("Contributor");
    let arm = stage.arm_with(stage.sign_in());
    let error = arm.assign_role(&assignment(&stage).await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.advice().contains("Microsoft.Authorization/roleAssignments/write"), "{}", error.advice());
}

// `principalId eq` lists what is given at the scope, above it and below it; only the first two hold there.
#[tokio::test(start_paused = true)]
async fn of_the_roles_that_are_listed_those_from_above_hold_at_the_scope() {
    let stage = stage("Owner");
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-web");
    stage.emulator.resource_manager().add_group(SUBSCRIPTION.parse().unwrap(), "rg-web", "westeurope").unwrap();
    let machine = format!("{group}/providers/Microsoft.Compute/virtualMachines/web");
    for (role, scope) in [("Reader", &group), ("Contributor", &machine)] {
        stage.grant(CLIENT, role, scope);
    }
    let principal = stage.emulator.truth().application(CLIENT.parse().unwrap()).unwrap().service_principal_id.unwrap();
    let group: ResourceId = group.parse().unwrap();
    let listed = stage.arm_with(stage.sign_in()).roles_of(&group, principal).await.unwrap();
    assert_eq!(listed.len(), 3);
    let held: Vec<&str> = listed.iter().filter(|one| one.holds_at(&group)).map(|one| one.id.as_str()).collect();
    assert_eq!(held.len(), 2, "{held:?}");
    assert!(held.iter().all(|id| !id.contains("virtualMachines")), "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn taking_away_what_is_not_there_succeeds() {
    let stage = stage("Owner");
    stage.arm_with(stage.sign_in()).remove_role(&assignment(&stage).await).await.unwrap();
}
