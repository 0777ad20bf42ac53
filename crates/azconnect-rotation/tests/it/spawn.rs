//! Every public future can be spawned.

use std::sync::Arc;

use azconnect_rotation::{RotationHistory, RotationOperator, RotationOutcome, Rotations};

use crate::stage::Stage;

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "a product may spawn, and the library must let it")]
async fn many_targets_are_rotated_in_a_spawned_task() {
    let stage = Stage::new();
    let (rotator, targets) = (stage.rotator(), vec![stage.target()]);
    let runs = tokio::spawn(async move { rotator.rotate_due(&targets, 2).await }).await.unwrap();
    assert!(matches!(runs[0].1, Ok(RotationOutcome::Rotated { .. })), "{runs:?}");
}

#[tokio::test(start_paused = true)]
async fn every_call_of_a_rotator_can_be_spawned() {
    let stage = Stage::new();
    let (rotator, target) = (stage.rotator(), stage.target());
    assert_send(rotator.plan(&target)).await.unwrap();
    assert_send(rotator.plan_now(&target)).await.unwrap();
    assert_send(rotator.rotate(&target)).await.unwrap();
    assert_send(rotator.rotate_now(&target)).await.unwrap();
    assert_send(rotator.resume(&target)).await.unwrap();
    assert_send(rotator.unblock(&target)).await.unwrap();
    assert_send(rotator.state(target.subject())).await.unwrap();
    assert_send(rotator.events(target.subject())).await.unwrap();
    assert_send(rotator.history(target.subject())).await.unwrap();
    assert_send(rotator.unfinished()).await.unwrap();
}

#[test]
fn the_ports_of_use_are_object_safe() {
    let rotator = Arc::new(Stage::new().rotator());
    let _: (Arc<dyn Rotations>, Arc<dyn RotationOperator>) = (rotator.clone(), rotator.clone());
    let _: Arc<dyn RotationHistory> = rotator;
}
