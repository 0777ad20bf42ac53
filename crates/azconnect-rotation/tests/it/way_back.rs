//! Consumers that are given the old secret back, and cannot be checked or hold something else.

use std::sync::Arc;

use azconnect_core::{Clock, ErrorKind};
use azconnect_rotation::{RotationEvent, RotationOutcome};
use azconnect_testkit::fake::{Call, Fault, Step};

use crate::adversary::On;
use crate::promises::{HOUR, second_rotation};
use crate::stage::{DAY, Stage, sink};

#[tokio::test(start_paused = true)]
async fn a_consumer_that_took_the_old_secret_back_and_cannot_be_checked_is_not_written_to_again() {
    let (stage, first) = second_rotation(Stage::new()).await;
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let directory = stage.directory.clone();
    let silent = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::OldProven { .. }) {
            directory.break_down(Step::VerifySink(sink("a")), Fault::Dropped);
        }
    });
    let rotator = stage.rotator().with_observer(Arc::new(silent)).with_patience(HOUR / 2);
    for _ in 0..24 {
        rotator.rotate(&stage.target()).await.unwrap();
        stage.clock.sleep(HOUR).await;
    }
    let pushes = |call: &Call| matches!(call, Call::Push(at, _) if *at == sink("a"));
    let to_a = stage.directory.calls().into_iter().skip_while(|call| !matches!(call, Call::Push(..))).filter(pushes);
    assert!(to_a.count() <= 4, "once in the first rotation, once forward and once back: {:?}", stage.directory.calls());
    assert_eq!(stage.directory.held_by(&sink("a")), Some(first));
    stage.directory.heal();
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::RolledBack { .. }), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_refuses_what_it_took_back_is_given_it_again() {
    let (stage, first) = second_rotation(Stage::new()).await;
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let (directory, ends_at) = (stage.directory.clone(), stage.clock.now() + 200 * DAY);
    let silent = On(move |event: &RotationEvent| match event {
        RotationEvent::OldProven { .. } => directory.break_down(Step::VerifySink(sink("a")), Fault::Dropped),
        // Somebody puts another secret into it, before it can be checked.
        RotationEvent::RestoreFailed { receipt: Some(_), .. } => {
            directory.heal();
            let other = directory.seed_key(Some("by hand again"), ends_at);
            directory.put_by_hand(&sink("a"), other);
        }
        _ => {}
    });
    let outcome = stage.rotator().with_observer(Arc::new(silent)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::RolledBack { .. }), "{outcome:?}");
    assert_eq!(stage.directory.held_by(&sink("a")), Some(first));
}
