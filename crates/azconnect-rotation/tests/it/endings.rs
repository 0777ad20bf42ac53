//! Every rotation ends, and says how: outages, loops, people who are needed and what they may say.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, ErrorKind};
use azconnect_credential::{ConsumerFinder, FoundConsumer, FoundConsumers};
use azconnect_rotation::{Fate, Resolution, RotationEvent, RotationOutcome, SinkBinding};
use azconnect_testkit::fake::{Call, Fault, Step};

use crate::adversary::{On, history, killed_after};
use crate::crash::run_until_death;
use crate::promises::{HOUR, second_rotation};
use crate::stage::{DAY, Stage, TERM, sink};

#[tokio::test(start_paused = true)]
async fn an_outage_is_ridden_out_for_days() {
    let stage = Stage::new();
    stage.directory.break_down(Step::Push(sink("b")), Fault::Dropped);
    let hours = 3 * 24;
    for _ in 0..hours {
        let outcome = stage.rotator().with_patience(Duration::ZERO).rotate(&stage.target()).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "{outcome:?}");
        stage.clock.sleep(HOUR).await;
    }
    stage.directory.heal();
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    let events = history(&stage).await.len();
    assert!(events < hours * 5, "{events} events in three days");
}

#[tokio::test(start_paused = true)]
async fn an_hourly_caller_is_not_late_because_of_the_hour() {
    let stage = Stage::with(|directory| directory.with_lag(Duration::from_secs(420)));
    for _ in 0..8 {
        let outcome = stage.rotator().with_patience(Duration::from_secs(60)).rotate(&stage.target()).await.unwrap();
        assert!(!matches!(outcome, RotationOutcome::RolledBack { .. }), "{outcome:?}");
        stage.clock.sleep(HOUR).await;
    }
    stage.assert_rotated();
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_put_back_again_and_again_needs_a_person() {
    let (stage, first) = second_rotation(Stage::new()).await;
    let directory = stage.directory.clone();
    let contrary = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::CutOver) {
            directory.put_by_hand(&sink("a"), first);
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(contrary)).rotate(&stage.target()).await.unwrap();
    let RotationOutcome::Blocked { problem, .. } = &outcome else { panic!("{outcome:?}") };
    assert!(problem.about.as_deref().is_some_and(|about| about.contains('a')), "{problem}");
    let cut_overs = history(&stage).await.iter().filter(|event| matches!(event, RotationEvent::CutOver)).count();
    assert!(cut_overs < 12, "{cut_overs} times");
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_fails_again_and_again_backs_off_and_then_needs_a_person() {
    let stage = Stage::new();
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    stage.directory.break_down(Step::Push(sink("a")), Fault::Refused(ErrorKind::PermissionDenied));
    let mut outcome = None;
    for _ in 0..10 * 24 {
        outcome = Some(stage.rotator().with_patience(HOUR / 2).rotate(&stage.target()).await.unwrap());
        stage.clock.sleep(HOUR).await;
    }
    assert!(matches!(outcome, Some(RotationOutcome::Blocked { .. })), "{outcome:?}");
    let pushes = stage.directory.calls().iter().filter(|call| matches!(call, Call::Push(..))).count();
    assert!(pushes <= 16, "{pushes} pushes in ten days");
    stage.directory.heal();
    let outcome = stage.rotator().resolve(&stage.target(), Resolution::Retry).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_is_refused_for_ever_is_asked_for_rarely_and_needs_a_person() {
    let stage = Stage::new();
    stage.directory.break_down(Step::Retire, Fault::Refused(ErrorKind::PermissionDenied));
    for _ in 0..10 * 24 {
        stage.rotator().with_patience(HOUR / 2).rotate(&stage.target()).await.unwrap();
        stage.clock.sleep(HOUR).await;
    }
    let events = history(&stage).await.len();
    assert!(events < 300, "{events} events in ten days");
    stage.directory.heal();
    let outcome = stage.rotator().resolve(&stage.target(), Resolution::Retry).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_block_whose_cause_has_passed_goes_on_by_itself() {
    let stage = Stage::new();
    stage.directory.break_down(Step::VerifySink(sink("a")), Fault::Dropped);
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    let RotationOutcome::Blocked { run_again_at: Some(again), .. } = outcome else { panic!("{outcome:?}") };
    stage.directory.heal();
    stage.clock.sleep(Duration::try_from(again - stage.clock.now()).unwrap()).await;
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn who_refuses_is_named() {
    let stage = Stage::new();
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    let RotationOutcome::Blocked { problem, .. } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(problem.about.as_deref(), Some("the fake consumer b"));
    assert!(problem.to_string().starts_with("the fake consumer b: "), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_after_a_kill_keeps_the_new_secret() {
    let stage = killed_after(|event| matches!(event, RotationEvent::Minted { .. })).await;
    stage.clock.sleep(HOUR).await;
    let new = stage.ours()[0];
    let plan = stage.rotator().plan(&stage.target()).await.unwrap();
    let fate = plan.keys.iter().find(|key| key.issued.key == new).unwrap().fate;
    assert_eq!((fate, plan.retire()), (Fate::New, vec![stage.old]));
}

#[tokio::test(start_paused = true)]
async fn a_key_of_ours_that_was_removed_by_hand_is_shown() {
    let (stage, first) = second_rotation(Stage::new()).await;
    stage.directory.delete_by_hand(first);
    stage.clock.sleep(HOUR).await;
    let plan = stage.rotator().plan(&stage.target()).await.unwrap();
    assert!(plan.checks.of("our-key-missing").is_some_and(|check| check.is_advisory), "{plan:?}");
}

/// A finder that found somebody who is not bound.
struct Found(FoundConsumers);

#[async_trait]
impl ConsumerFinder for Found {
    async fn consumers(&self) -> Result<FoundConsumers, Error> {
        Ok(self.0.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_who_uses_the_secret_and_is_not_bound_is_shown() {
    let stage = Stage::new();
    let found = ["a", "elsewhere"].map(|name| FoundConsumer::new(sink(name), format!("the connection {name}")));
    let target = stage.target().with_finder(Arc::new(Found(FoundConsumers::new(found.to_vec()))));
    let plan = stage.rotator().plan(&target).await.unwrap();
    let unbound: Vec<_> = plan.checks.iter().filter(|check| check.code == "unbound-consumer").collect();
    assert_eq!(unbound.len(), 1);
    assert!(unbound[0].cause.contains("the connection elsewhere") && unbound[0].is_advisory);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_gone_can_be_left_out() {
    let stage = Stage::new();
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::NotFound));
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    let nobody = stage.rotator().resolve(&stage.target(), Resolution::LeaveOut(sink("nobody"))).await.unwrap_err();
    assert_eq!(nobody.field(), Some("resolution.leave_out"));
    let outcome = stage.rotator().resolve(&stage.target(), Resolution::LeaveOut(sink("b"))).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(!stage.is_alive(stage.old));
}

#[tokio::test(start_paused = true)]
async fn the_new_secret_can_be_taken_as_it_is() {
    let stage = Stage::new();
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    stage.rotator().rotate(&stage.target()).await.unwrap();
    let new = stage.ours()[0];
    stage.directory.put_by_hand(&sink("b"), new);
    let outcome = stage.rotator().resolve(&stage.target(), Resolution::TakeAsIs).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
}

#[tokio::test(start_paused = true)]
async fn a_rotation_is_abandoned_also_where_the_application_is_gone() {
    let stage = Stage::new();
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    stage.rotator().rotate(&stage.target()).await.unwrap();
    let new = stage.ours()[0];
    stage.directory.break_down(Step::Inventory, Fault::Refused(ErrorKind::NotFound));
    let outcome = stage.rotator().resolve(&stage.target(), Resolution::Abandon).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Abandoned { .. }), "{outcome:?}");
    assert!(stage.journal.unfinished().await.unwrap().is_empty());
    assert!(stage.is_alive(new) && stage.is_alive(stage.old), "a holds the one, b the other");
    stage.directory.heal();
    let outcome = stage.rotator().rotate_now(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
}

#[tokio::test(start_paused = true)]
async fn a_subject_that_leaves_leaves_no_sealed_copy_and_no_work() {
    let (stage, first) = second_rotation(Stage::new()).await;
    let outcome = stage.rotator().with_patience(Duration::from_secs(600)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "in the grace: {outcome:?}");
    let (state, _) = stage.rotator().state(stage.target().subject()).await.unwrap();
    let sealed: Vec<_> = state.ledger.values().filter_map(|key| key.sealed.clone()).collect();
    assert_eq!(sealed.len(), 2, "both sides of the grace");
    stage.rotator().disconnect(stage.target().subject()).await.unwrap();
    for id in sealed {
        assert!(stage.secrets.get(&id).await.unwrap().is_none(), "{id} is still sealed");
    }
    assert!(stage.journal.unfinished().await.unwrap().is_empty());
    assert!(stage.is_alive(first) && stage.ours().len() == 2, "the customer's keys stay");
}

#[tokio::test(start_paused = true)]
async fn a_sealed_copy_that_is_lost_is_no_dead_end() {
    let stage = killed_after(|event| matches!(event, RotationEvent::Minted { .. })).await;
    let (state, _) = stage.rotator().state(stage.target().subject()).await.unwrap();
    let sealed = state.rotation.unwrap().new_key().unwrap().sealed.clone();
    stage.secrets.remove(&sealed).await.unwrap();
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::RolledBack { .. }), "{outcome:?}");
    assert!(stage.ours().is_empty() && stage.is_alive(stage.old));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_answers_hangs_nobody() {
    for step in
        [Step::Mint, Step::Verify, Step::Inventory, Step::Push(sink("a")), Step::VerifySink(sink("a")), Step::Retire]
    {
        let stage = Stage::new();
        stage.directory.script(step.clone(), Fault::Hangs);
        let patience = stage.rotator().with_patience(2 * DAY);
        let run = tokio::time::timeout(3 * DAY, patience.rotate(&stage.target())).await;
        let outcome = run.unwrap_or_else(|_| panic!("{step:?} hangs"));
        if outcome.is_err() {
            stage.rotator().rotate(&stage.target()).await.unwrap();
        }
        stage.assert_rotated();
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_left_out_and_may_hold_the_new_secret_keeps_it() {
    let (stage, _) = second_rotation(Stage::new()).await;
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let directory = stage.directory.clone();
    let no_way_back = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::RollbackBegun { .. }) {
            directory.break_down(Step::Push(sink("a")), Fault::Refused(ErrorKind::PermissionDenied));
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(no_way_back)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    let outcome = stage.rotator().resolve(&stage.target(), Resolution::LeaveOut(sink("a"))).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert!(stage.directory.failing_sinks().is_empty(), "a holds the new secret, and it is alive");
    let outcome = stage.rotator().resolve(&stage.target(), Resolution::Abandon).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Abandoned { .. }), "{outcome:?}");
    stage.directory.heal();
    let outcome = stage.rotator().rotate_now(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
}

#[tokio::test(start_paused = true)]
async fn when_the_only_consumer_with_proof_is_left_out_the_old_secret_stays() {
    let stage = Stage::new();
    let only = || stage.bare_target().with_sink(SinkBinding::new(stage.directory.sink(&sink("a"))));
    let outcome = stage.rotator().with_patience(Duration::from_secs(600)).rotate(&only()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "in the grace: {outcome:?}");
    let outcome = stage.rotator().resolve(&only(), Resolution::LeaveOut(sink("a"))).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert!(stage.is_alive(stage.old) && stage.directory.failing_sinks().is_empty());
    let outcome = stage.rotator().resolve(&only(), Resolution::TakeAsIs).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn what_an_abandoned_rotation_left_behind_keeps_no_later_one_from_its_end() {
    let stage = killed_after(|event| matches!(event, RotationEvent::Minted { .. })).await;
    stage.directory.break_down(Step::Retire, Fault::Refused(ErrorKind::NotFound));
    let outcome = stage.rotator().resolve(&stage.target(), Resolution::Abandon).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Abandoned { .. }), "{outcome:?}");
    // Refused until a person is needed, and abandoned a second time; then it works again.
    stage.rotator().with_patience(HOUR / 2).rotate(&stage.target()).await.unwrap();
    stage.directory.heal();
    let outcome = stage.rotator().resolve(&stage.target(), Resolution::Retry).await.unwrap();
    assert!(!matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    let outcome = stage.rotator().rotate_now(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. } | RotationOutcome::NotDue { .. }), "{outcome:?}");
    stage.assert_rotated();
}

#[tokio::test(start_paused = true)]
async fn a_scheduler_that_asks_too_early_writes_nothing() {
    let stage = Stage::new();
    let outcome = stage.rotator().with_patience(Duration::from_secs(600)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "in the grace: {outcome:?}");
    let before = history(&stage).await.len();
    for _ in 0..5 {
        let again = stage.rotator().with_patience(Duration::ZERO).rotate(&stage.target()).await.unwrap();
        assert_eq!(again.run_again_at(), outcome.run_again_at());
    }
    assert_eq!(history(&stage).await.len(), before);

    let stage = Stage::new();
    stage.directory.break_down(Step::VerifySink(sink("a")), Fault::Dropped);
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { run_again_at: Some(_), .. }), "{outcome:?}");
    let before = history(&stage).await.len();
    assert_eq!(stage.rotator().rotate(&stage.target()).await.unwrap(), outcome);
    assert_eq!(history(&stage).await.len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_new_secret_that_is_gone_is_not_taken_as_it_is() {
    for dies_at in 1..60 {
        let stage = Stage::new();
        for name in ["a", "b"] {
            stage.directory.break_down(Step::Push(sink(name)), Fault::Refused(ErrorKind::PermissionDenied));
        }
        assert!(run_until_death(&stage, dies_at, false).await, "the new secret was removed before the rotation ended");
        if history(&stage).await.last().is_some_and(|event| matches!(event, RotationEvent::Removed { .. })) {
            stage.clock.sleep(TERM).await;
            let error = stage.rotator().resolve(&stage.target(), Resolution::TakeAsIs).await.unwrap_err();
            assert!(error.to_string().contains("or is gone"), "{error}");
            assert_eq!(stage.directory.held_by(&sink("a")), Some(stage.old));
            return;
        }
    }
    panic!("nothing was removed");
}

#[tokio::test(start_paused = true)]
async fn nothing_new_begins_while_a_lost_secret_cannot_be_removed() {
    let stage = Stage::new();
    stage.directory.script(Step::Mint, Fault::ArrivesLate(5 * HOUR));
    stage.rotator().rotate(&stage.target()).await.unwrap();
    stage.clock.sleep(61 * DAY).await;
    stage.directory.break_down(Step::Retire, Fault::Refused(ErrorKind::PermissionDenied));
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    stage.rotator().resolve(&stage.target(), Resolution::Abandon).await.unwrap();
    for _ in 0..10 {
        stage.clock.sleep(HOUR).await;
        stage.rotator().with_patience(HOUR / 2).resume(&stage.target()).await.unwrap();
    }
    let begun = |events: Vec<RotationEvent>| events.iter().filter(|event| event.kind() == "begun").count();
    let before = begun(history(&stage).await);
    for _ in 0..10 {
        stage.clock.sleep(DAY).await;
        let outcome = stage.rotator().with_patience(HOUR / 2).rotate(&stage.target()).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    }
    assert_eq!(begun(history(&stage).await), before);
    stage.directory.heal();
    let outcome = stage.rotator().resolve(&stage.target(), Resolution::Retry).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn after_a_rotation_that_was_rolled_back_the_next_one_waits() {
    let stage = Stage::new();
    for name in ["a", "b"] {
        stage.directory.break_down(Step::Push(sink(name)), Fault::Refused(ErrorKind::PermissionDenied));
    }
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    let RotationOutcome::RolledBack { run_again_at: Some(again), .. } = outcome else { panic!("{outcome:?}") };
    stage.directory.heal();
    let rotator = stage.rotator().with_patience(Duration::ZERO);
    let outcome = rotator.rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { until, .. } if until == again), "{again}: {outcome:?}");
    stage.clock.sleep(Duration::try_from(again - stage.clock.now()).unwrap()).await;
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
}
