//! Roles that were given a moment ago: some replica of the service refuses for minutes.

use std::time::Duration;

use azconnect_arm::{ProvisionId, Provisioner};
use azconnect_core::{Clock, ErrorKind};
use azconnect_emulator::arm::ArmSettings;
use serde_json::json;

use crate::stage::{CLIENT, SUBSCRIPTION, SUCCESSOR, Stage, id, plan, spec};

/// An identity without a role, at a service whose replicas learn of one so late.
async fn stage(lag: Duration) -> Stage {
    let settings = ArmSettings::default().with_role_replica_lag(lag);
    let stage = Stage::with(settings, json!([]));
    // Not at the beginning of the clock: what is given now is younger than the lag.
    stage.clock.sleep(Duration::from_secs(3600)).await;
    stage
}

fn give_contributor(stage: &Stage) {
    stage.grant(CLIENT, "Contributor", &format!("/subscriptions/{SUBSCRIPTION}"));
}

/// Runs the plan; how long it took, and what became of it.
async fn run(stage: &Stage, provisioner: Provisioner) -> (Duration, Result<ProvisionId, azconnect_core::Error>) {
    let began = stage.clock.elapsed();
    let outcome = provisioner.run(&plan(spec())).await.map(|machine| machine.id);
    (stage.clock.elapsed() - began, outcome)
}

// The permissions show the role at once, and writes are refused: 403 AuthorizationFailed.
#[tokio::test(start_paused = true)]
async fn a_role_that_the_permissions_show_already_is_waited_for() {
    let stage = stage(Duration::from_secs(240)).await;
    give_contributor(&stage);
    let (took, outcome) = run(&stage, stage.provisioner()).await;
    outcome.unwrap();
    assert!(took > Duration::from_secs(240) && took < Duration::from_secs(500), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_standing_lack_of_a_role_fails_at_once() {
    let stage = stage(Duration::ZERO).await;
    for role in [None, Some("Reader")] {
        if let Some(role) = role {
            stage.grant(CLIENT, role, &format!("/subscriptions/{SUBSCRIPTION}"));
        }
        let (took, outcome) = run(&stage, stage.provisioner()).await;
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.service_code()), (ErrorKind::PermissionDenied, Some("AuthorizationFailed")));
        assert!(error.advice().contains("ask an administrator"), "{error:?}");
        assert!(took < Duration::from_secs(5), "{role:?} took {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_never_arrives_fails_after_the_grace_with_the_same_advice() {
    let stage = stage(Duration::from_secs(86_400)).await;
    give_contributor(&stage);
    let (took, outcome) = run(&stage, stage.provisioner()).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.service_code(), Some("AuthorizationFailed"));
    assert!(error.advice().contains("ask an administrator"), "{error:?}");
    assert!(took >= Duration::from_secs(600) && took < Duration::from_secs(620), "{took:?}");
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_grace_of_nothing_waits_for_nothing() {
    let stage = stage(Duration::from_secs(240)).await;
    give_contributor(&stage);
    let (took, outcome) = run(&stage, stage.provisioner().with_role_grace(Duration::ZERO)).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

// Who has just given the role knows better than the permissions, which may come late as well.
#[tokio::test(start_paused = true)]
async fn a_role_that_was_just_given_is_waited_for_even_before_it_is_shown() {
    let stage = stage(Duration::ZERO).await;
    let arrives = async {
        stage.clock.sleep(Duration::from_secs(90)).await;
        give_contributor(&stage);
    };
    let provisioner = stage.provisioner().with_role_just_given(Duration::from_secs(300));
    let ((took, outcome), ()) = tokio::join!(run(&stage, provisioner), arrives);
    outcome.unwrap();
    assert!(took > Duration::from_secs(90) && took < Duration::from_secs(300), "{took:?}");
}

// Whoever takes over, such as an application whose role was given for that, deletes as well.
#[tokio::test(start_paused = true)]
async fn a_clean_up_waits_for_a_role_that_was_just_given() {
    let stage = stage(Duration::from_secs(240)).await;
    give_contributor(&stage);
    stage.clock.sleep(Duration::from_secs(300)).await;
    run(&stage, stage.provisioner()).await.1.unwrap();
    stage.grant(SUCCESSOR, "Contributor", &format!("/subscriptions/{SUBSCRIPTION}"));
    let began = stage.clock.elapsed();
    let successor = stage.provisioner_in(stage.subscription_as(SUCCESSOR));
    assert_eq!(successor.clean_up(&id()).await.unwrap().kept, None);
    assert!(stage.clock.elapsed() - began >= Duration::from_secs(200));
    assert_eq!(stage.live(), Vec::<String>::new());
}
