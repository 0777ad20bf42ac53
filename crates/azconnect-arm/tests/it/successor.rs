//! Another principal goes on: the service lets only the caller that began an operation read it, and to rotate a credential may
//! well mean another application.

use std::time::Duration;

use azconnect_arm::{Phase, Provisioner};
use azconnect_core::{Clock, ErrorKind};
use azconnect_emulator::arm::ArmSettings;
use azconnect_saga::within;
use serde_json::json;

use crate::stage::{CLIENT, SUCCESSOR, Stage, id, plan, spec};

fn stage() -> Stage {
    let roles = json!([
        {"principal": CLIENT, "role": "Contributor"},
        {"principal": SUCCESSOR, "role": "Contributor"},
    ]);
    Stage::with(ArmSettings::default(), roles)
}

fn successor(stage: &Stage) -> Provisioner {
    stage.provisioner_in(stage.subscription_as(SUCCESSOR))
}

/// The first principal is stopped after some seconds; the second goes on once the lease has run out.
async fn stopped_after(stage: &Stage, seconds: u64) {
    let limit = Duration::from_secs(seconds);
    let _ = within(&stage.clock, limit, "the run", stage.provisioner().run(&plan(spec()))).await;
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_another_principal_began_is_read_from_its_resource() {
    for seconds in [1, 2, 3, 5, 10, 30] {
        let stage = stage();
        stopped_after(&stage, seconds).await;
        stage.clock.sleep(Duration::from_secs(61)).await;
        let machine = successor(&stage).resume(&id()).await;
        assert!(machine.is_ok(), "after {seconds} s: {machine:?}");
        assert_eq!(stage.ever("Microsoft.Compute/virtualMachines"), 1, "after {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_another_principal_began_is_finished() {
    for seconds in [1, 5, 20, 46, 50, 60, 80] {
        let stage = stage();
        stage.provisioner().run(&plan(spec())).await.unwrap();
        let limit = Duration::from_secs(seconds);
        let first = stage.provisioner();
        let _ = within(&stage.clock, limit, "the clean-up", first.clean_up(&id())).await;
        stage.clock.sleep(Duration::from_secs(61)).await;
        let outcome = successor(&stage).clean_up(&id()).await;
        assert!(outcome.is_ok(), "after {seconds} s: {outcome:?}");
        assert_eq!(stage.live(), Vec::<String>::new(), "after {seconds} s");
        assert_eq!(successor(&stage).state(&id()).await.unwrap().phase, Phase::CleanedUp);
    }
}

#[tokio::test(start_paused = true)]
async fn a_successor_without_a_role_is_told_so_and_nothing_is_lost() {
    let stage = Stage::with(ArmSettings::default(), json!([{"principal": CLIENT, "role": "Contributor"}]));
    stopped_after(&stage, 10).await;
    stage.clock.sleep(Duration::from_secs(61)).await;
    let error = successor(&stage).resume(&id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    stage.provisioner().resume(&id()).await.unwrap();
}
