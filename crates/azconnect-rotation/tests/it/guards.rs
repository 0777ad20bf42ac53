//! What must never be done too early, said of each guard alone: the events lead up to it, and only it decides.

use std::sync::Arc;

use azconnect_core::{Clock, Effect, Error, ErrorKind};
use azconnect_rotation::{Action, Problem, RemovalCause, RotationEvent, RotationOutcome, SinkBinding};
use azconnect_testkit::fake::{Fault, Step};

use crate::adversary::{On, history};
use crate::crash::run_until_death;
use crate::promises::second_rotation;
use crate::stage::{DAY, Stage, TERM, sink};
use crate::tale::*;

#[test]
fn a_push_that_was_under_way_may_have_arrived_whatever_the_next_one_says() {
    let tale = Tale::proven(&["a"]).then(pushing(&["a"])).then(RotationEvent::Resumed);
    let tale = tale.then(pushing(&["a"])).then(push_failed("a", refused()));
    assert!(tale.sink("a").may_hold_new());
    let tale = tale.then(turns_back());
    assert!(matches!(tale.next(), Action::ProveOld { .. }), "{:?}", tale.next());
}

#[test]
fn a_push_without_an_answer_may_have_arrived_and_a_refused_one_has_not() {
    let pushed = Tale::proven(&["a"]).then(pushing(&["a"]));
    let lost = pushed.clone().then(push_failed("a", lost())).then(turns_back());
    assert!(lost.sink("a").may_hold_new());
    assert!(matches!(lost.next(), Action::ProveOld { .. }), "{:?}", lost.next());
    let refused = pushed.then(push_failed("a", refused())).then(turns_back());
    assert!(!refused.sink("a").may_hold_new());
    assert_eq!(refused.concluded(), removing(new(), RemovalCause::RolledBack));
}

#[test]
fn a_push_that_may_still_arrive_is_waited_out_on_the_way_back() {
    let failed = Tale::proven(&["a"]).then(pushing(&["a"])).then(push_failed("a", lost()));
    let back = failed.then(turns_back()).then(old_proven()).then(restored("a"));
    assert_eq!(back.waits(), seconds(300));
    let back = back.after(seconds(300));
    assert!(matches!(back.next(), Action::GateBack { .. }), "{:?}", back.next());
}

#[test]
fn a_push_of_a_process_that_ended_may_arrive_until_long_after_the_next_one_took_over() {
    let died = Tale::proven(&["a", "b"]).serves("b").then(pushing(&["a"])).after(seconds(200));
    let back = died.then(RotationEvent::Resumed).then(turns_back()).then(old_proven());
    assert_eq!(back.then(restored("a")).then(restored("b")).waits(), seconds(300));
}

#[test]
fn a_push_that_succeeded_is_not_waited_for() {
    let back = Tale::given_back();
    assert!(matches!(back.next(), Action::GateBack { .. }), "{:?}", back.next());
}

#[test]
fn nothing_is_minted_while_a_lost_secret_is_removed() {
    let removing = Tale::begun(&[terms("a", true)])
        .then(RotationEvent::MintIntended { marker: marker(2), ends_at: None })
        .then(removing_lost(new(), 2));
    assert_eq!(removing.next(), Action::Remove { key: new() });
    assert_eq!(removing.then(answered(new())).waits(), seconds(10));
}

#[test]
fn a_rotation_that_goes_back_does_not_end_while_a_lost_secret_is_removed() {
    let back = Tale::begun(&[terms("a", true)])
        .then(RotationEvent::MintIntended { marker: marker(2), ends_at: None })
        .then(turns_back())
        .then(removing_lost(new(), 2))
        .then(answered(new()));
    assert_eq!(back.waits(), seconds(10));
    let gone = (0..3).fold(back, |back, _| back.after(seconds(10)).then(read(new(), false)));
    assert_eq!(gone.concluded(), RotationEvent::Removed { key: new() });
    assert!(matches!(gone.then(RotationEvent::Removed { key: new() }).concluded(), RotationEvent::RolledBack { .. }));
}

#[test]
fn the_grace_begins_again_for_a_consumer_that_joins() {
    let joined = Tale::after_the_grace().then(RotationEvent::SinkJoined { terms: terms("b", true) });
    let served = joined.then(proven()).serves("b");
    assert_eq!(served.concluded(), RotationEvent::CutOver);
    assert_eq!(served.then(RotationEvent::CutOver).waits(), seconds(3600));
}

#[test]
fn the_grace_begins_again_for_a_consumer_that_was_given_up_and_is_required_now() {
    let given_up = Tale::minted(&[terms("a", true), terms("b", false)])
        .then(proven())
        .serves("a")
        .then(RotationEvent::SinkGivenUp { sink: sink("b") })
        .then(RotationEvent::CutOver)
        .after(seconds(3600));
    let served = given_up.then(RotationEvent::SinkRebound { terms: terms("b", true) }).then(proven()).serves("b");
    assert_eq!(served.concluded(), RotationEvent::CutOver);
}

#[test]
fn the_grace_begins_again_for_a_consumer_that_held_something_else() {
    let disproved = RotationEvent::SinkDisproved { sink: sink("a"), problem: refused() };
    let tale = Tale::after_the_grace().then(disproved).after(seconds(60));
    assert_eq!(tale.next(), Action::Prove, "its proof was for another push");
    let served = tale.then(proven()).serves("a");
    assert_eq!(served.concluded(), RotationEvent::CutOver);
}

#[test]
fn a_consumer_that_refuses_what_it_holds_is_given_it_again_and_one_that_says_nothing_is_asked_again() {
    let pushed = Tale::proven(&["a"]).then(pushing(&["a"])).then(pushed("a"));
    let answer = |rejected| RotationEvent::SinkUnverified { sink: sink("a"), rejected, problem: refused() };
    let sinks = vec![sink("a")];
    assert_eq!(pushed.clone().then(answer(true)).after(seconds(60)).next(), Action::Push { sinks: sinks.clone() });
    assert_eq!(pushed.then(answer(false)).after(seconds(60)).next(), Action::Verify { sinks });
}

#[test]
fn the_proof_of_the_new_secret_keeps_for_two_minutes_and_not_from_the_future() {
    let proven = Tale::proven(&["a"]);
    let sinks = vec![sink("a")];
    assert_eq!(proven.clone().after(seconds(120)).next(), Action::Push { sinks });
    assert_eq!(proven.clone().after(seconds(121)).next(), Action::Prove);
    assert_eq!(proven.before(seconds(1)).next(), Action::Prove);
}

#[test]
fn the_proof_of_the_old_secret_keeps_for_two_minutes_and_not_from_the_future() {
    let proven = Tale::proven(&["a"]).serves("a").then(turns_back()).then(old_proven());
    assert!(matches!(proven.clone().after(seconds(120)).next(), Action::Restore { .. }));
    assert!(matches!(proven.clone().after(seconds(121)).next(), Action::ProveOld { .. }));
    assert!(matches!(proven.before(seconds(1)).next(), Action::ProveOld { .. }));
}

#[test]
fn the_last_proof_keeps_for_five_minutes_before_a_removal_is_intended() {
    let cleared = Tale::after_the_grace().then(cleared());
    let intended = removing(old(), RemovalCause::Superseded);
    assert_eq!(cleared.clone().after(seconds(300)).concluded(), intended);
    assert_eq!(cleared.clone().after(seconds(301)).next(), Action::Gate);
    assert_eq!(cleared.before(seconds(1)).waits(), seconds(1), "the grace ends later, by a clock that was set back");
}

#[test]
fn the_last_proof_keeps_for_five_minutes_before_an_intended_removal_is_sent() {
    let intended = Tale::after_the_grace().then(cleared()).then(removing(old(), RemovalCause::Superseded));
    assert_eq!(intended.clone().after(seconds(300)).next(), Action::Remove { key: old() });
    assert_eq!(intended.clone().after(seconds(301)).next(), Action::Gate);
    assert_eq!(intended.then(RotationEvent::Resumed).next(), Action::Gate, "no proof survives its process");
}

#[test]
fn the_last_proof_of_the_way_back_keeps_for_five_minutes_before_and_after_the_removal_is_intended() {
    let cleared = Tale::given_back().then(back_cleared());
    let intended = removing(new(), RemovalCause::RolledBack);
    assert_eq!(cleared.clone().after(seconds(300)).concluded(), intended);
    assert!(matches!(cleared.clone().after(seconds(301)).next(), Action::GateBack { .. }));
    let intended = cleared.then(intended);
    assert_eq!(intended.clone().after(seconds(300)).next(), Action::Remove { key: new() });
    assert!(matches!(intended.clone().after(seconds(301)).next(), Action::GateBack { .. }));
    let undone = RotationEvent::RestoreUndone { sink: sink("a"), problem: refused() };
    let undone = intended.then(undone);
    assert!(!matches!(undone.next(), Action::Remove { .. }), "{:?}", undone.next());
}

#[test]
fn done_is_said_only_with_a_proof_that_is_younger_than_the_removal_and_five_minutes() {
    let removed = Tale::after_the_grace()
        .then(cleared())
        .then(removing(old(), RemovalCause::Superseded))
        .then(answered(old()))
        .then(RotationEvent::Removed { key: old() });
    assert!(matches!(removed.next(), Action::Forget { .. }), "{:?}", removed.next());
    let forgotten = removed.then(RotationEvent::Forgotten { key: old() });
    assert_eq!(forgotten.next(), Action::Gate);
    let proven = forgotten.then(cleared());
    assert_eq!(proven.clone().after(seconds(300)).concluded(), RotationEvent::Rotated);
    assert_eq!(proven.after(seconds(301)).next(), Action::Gate);
}

#[test]
fn a_sealed_copy_is_destroyed_before_what_is_due_longer() {
    let mut tale = Tale::after_the_grace()
        .then(removing_lost(marker_key(), 7))
        .then(answered(marker_key()))
        .then(cleared())
        .then(removing(old(), RemovalCause::Superseded))
        .then(answered(old()))
        .then(RotationEvent::Removed { key: old() });
    tale = tale.after(seconds(3600));
    assert!(matches!(tale.next(), Action::Forget { .. }), "{:?}", tale.next());
}

#[test]
fn a_key_is_gone_only_after_several_absences_in_a_row_also_after_the_end() {
    let (during, end) = (Tale::begun(&[]), RotationEvent::RolledBack { problem: refused() });
    for tale in [during.clone(), during.then(end)] {
        let sent = tale.then(removing_lost(marker_key(), 7)).then(answered(marker_key()));
        let absent = |tale: Tale| tale.after(seconds(10)).then(read(marker_key(), false));
        let check = Action::CheckRemoved { key: marker_key() };
        let twice = absent(absent(sent));
        assert_eq!(twice.clone().after(seconds(10)).next(), check);
        assert_eq!(absent(twice.clone()).concluded(), RotationEvent::Removed { key: marker_key() });
        let seen = twice.clone().after(seconds(10)).then(read(marker_key(), true));
        assert_eq!(seen.clone().after(seconds(10)).next(), Action::Remove { key: marker_key() });
        let again = seen.then(answered(marker_key()));
        assert_eq!(absent(again).after(seconds(10)).next(), check, "absences before it was seen count for nothing");
        let asked_again = absent(twice.then(answered(marker_key())));
        assert_eq!(asked_again.after(seconds(10)).next(), check, "absences before the last answer count for nothing");
    }
}

#[test]
fn a_secret_that_the_issuer_has_no_time_to_mint_is_given_up_after_the_retry_budget_and_not_before() {
    let busy = Problem::from(&Error::new(ErrorKind::Unavailable, "busy").with_effect(Effect::None));
    let mut tale = Tale::begun(&[terms("a", true)]);
    for day in 0..=8 {
        assert_eq!(tale.next(), Action::Mint, "day {day}");
        let asked = tale.then(RotationEvent::MintIntended { marker: marker(10 + day), ends_at: None });
        tale = asked.then(RotationEvent::MintRefused { marker: marker(10 + day), problem: busy.clone() });
        if day == 8 {
            break;
        }
        tale = tale.after(seconds(86_400));
    }
    assert!(matches!(tale.concluded(), RotationEvent::RolledBack { .. }));
}

/// The key of a secret that turned up under the seventh marker.
fn marker_key() -> azconnect_core::KeyId {
    uuid::Uuid::from_u128(7).into()
}

#[tokio::test(start_paused = true)]
async fn a_restore_whose_check_says_nothing_is_no_restore() {
    let (stage, first) = second_rotation(Stage::new()).await;
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let directory = stage.directory.clone();
    let silent = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::RollbackBegun { .. }) {
            directory.break_down(Step::VerifySink(sink("a")), Fault::Dropped);
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(silent)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert!(!history(&stage).await.iter().any(|event| matches!(event, RotationEvent::Restored { .. })));
    assert!(stage.is_alive(first) && stage.ours().len() == 2, "both secrets are alive");
}

#[tokio::test(start_paused = true)]
async fn of_two_keys_under_one_marker_neither_is_taken_up() {
    for dies_at in 1..60 {
        let stage = Stage::new();
        assert!(run_until_death(&stage, dies_at, true).await, "a secret is minted");
        let [minted] = stage.ours()[..] else { continue };
        let name = stage.directory.keys().into_iter().find(|key| key.key == minted).unwrap().display_name.unwrap();
        let twin = stage.directory.add_by_hand(&name, stage.clock.now() + 90 * DAY);
        stage.clock.sleep(TERM).await;
        let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
        assert!(!stage.is_alive(minted) && !stage.is_alive(twin));
        stage.assert_rotated();
        return;
    }
    panic!("no secret was minted");
}

#[tokio::test(start_paused = true)]
async fn the_old_secret_stays_while_the_only_consumer_does_not_say_that_it_works_even_if_it_is_optional() {
    let stage = Stage::new();
    let directory = stage.directory.clone();
    let silent = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::CutOver) {
            directory.break_down(Step::VerifySink(sink("a")), Fault::Dropped);
        }
    });
    let only = SinkBinding::new(stage.directory.sink(&sink("a"))).optional();
    let target = stage.bare_target().with_sink(only);
    let outcome = stage.rotator().with_observer(Arc::new(silent)).rotate(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert!(stage.is_alive(stage.old));
}

#[test]
fn a_consumer_that_was_given_the_old_secret_back_is_proved_even_if_its_push_never_had_an_answer() {
    let died = Tale::proven(&["a"]).then(pushing(&["a"])).after(seconds(200)).then(RotationEvent::Resumed);
    let back = died.then(turns_back()).then(old_proven()).then(restored("a"));
    assert_eq!(back.waits(), seconds(300));
    let back = back.after(seconds(300));
    assert!(matches!(back.next(), Action::GateBack { .. }), "{:?}", back.next());
}

#[test]
fn an_old_secret_whose_removal_may_have_been_asked_for_is_not_given_back() {
    let intended = Tale::after_the_grace().then(cleared()).then(removing(old(), RemovalCause::Superseded));
    let back = intended
        .then(RotationEvent::Resumed)
        .then(RotationEvent::SinkDisproved { sink: sink("a"), problem: Problem::lasting("no", "look at it") })
        .after(seconds(60));
    assert!(matches!(back.concluded(), RotationEvent::Blocked { .. }), "it may be gone by now");
}

#[test]
fn a_last_proof_that_is_not_to_be_had_for_the_retry_budget_needs_a_person() {
    let week = seconds(7 * 86_400 + 60);
    let held = || RotationEvent::GateHeld { problem: lost() };
    let tale = Tale::after_the_grace().then(held()).after(week).then(held());
    assert!(matches!(tale.concluded(), RotationEvent::Blocked { .. }));
}

#[test]
fn a_consumer_that_refuses_the_old_secret_needs_a_person() {
    let back = Tale::proven(&["a"]).serves("a").then(turns_back()).then(old_proven());
    let refusal = push_back_failed("a", Problem::lasting("no", "look at it"));
    assert!(matches!(back.then(refusal).concluded(), RotationEvent::Blocked { .. }));
}

#[test]
fn a_consumer_that_is_changed_again_and_again_on_the_way_back_needs_a_person() {
    let mut back = Tale::given_back();
    for _ in 0..8 {
        let undone = RotationEvent::RestoreUndone { sink: sink("a"), problem: lost() };
        back = back.then(restored("a")).then(undone);
    }
    assert!(matches!(back.concluded(), RotationEvent::Blocked { .. }));
}

#[test]
fn no_proof_of_a_process_serves_the_next_one() {
    let forward = Tale::proven(&["a"]);
    assert!(matches!(forward.next(), Action::Push { .. }), "{:?}", forward.next());
    let forward = forward.then(RotationEvent::Resumed);
    assert_eq!(forward.next(), Action::Prove);

    let back = Tale::given_back().after(seconds(300)).then(back_cleared());
    assert!(matches!(back.concluded(), RotationEvent::RemovalIntended { .. }));
    let back = back.then(RotationEvent::Resumed);
    assert!(matches!(back.next(), Action::GateBack { .. }), "{:?}", back.next());

    let gate = Tale::after_the_grace().then(cleared()).then(RotationEvent::Resumed).then(proven());
    assert_eq!(gate.next(), Action::Gate);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_does_not_speak_for_a_consumer_that_cannot_be_looked_at() {
    let stage = Stage::new();
    let target = || {
        let a = SinkBinding::new(stage.directory.sink(&sink("a"))).with_receipt_as_proof();
        stage.bare_target().with_sink(a)
    };
    let outcome = stage.rotator().with_patience(seconds(600)).rotate(&target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "in the grace: {outcome:?}");
    stage.directory.put_by_hand(&sink("a"), stage.old);
    stage.directory.break_down(Step::VerifySink(sink("a")), Fault::Dropped);
    stage.directory.break_down(Step::Inspect(sink("a")), Fault::Dropped);
    stage.clock.sleep(seconds(7200)).await;
    let outcome = stage.rotator().with_patience(seconds(600)).rotate(&target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "{outcome:?}");
    assert!(stage.is_alive(stage.old), "a holds it again, and nobody could see that");
}

#[test]
fn a_consumer_that_holds_the_new_secret_again_is_given_the_old_one_before_the_last_proof_is_asked() {
    let undone = RotationEvent::RestoreUndone { sink: sink("a"), problem: refused() };
    let intended = removing(new(), RemovalCause::RolledBack);
    let tale = Tale::given_back().then(back_cleared()).then(intended).then(undone).after(seconds(120));
    assert!(matches!(tale.next(), Action::ProveOld { .. } | Action::Restore { .. }), "{:?}", tale.next());
}

#[test]
fn the_last_proof_of_the_way_back_ends_when_a_consumer_holds_the_new_secret_again() {
    let undone = RotationEvent::RestoreUndone { sink: sink("a"), problem: refused() };
    let cleared = Tale::given_back().then(back_cleared());
    assert_eq!(cleared.concluded(), removing(new(), RemovalCause::RolledBack));
    let again = cleared.then(undone).then(restored("a"));
    assert!(matches!(again.next(), Action::GateBack { .. }), "{:?}", again.next());
}

#[test]
fn a_proof_that_fails_now_is_no_proof_however_fresh_the_earlier_one_is() {
    let tale = Tale::proven(&["a"]);
    assert!(matches!(tale.next(), Action::Push { .. }));
    let tale = tale.then(RotationEvent::ProofDeferred { problem: refused() }).after(seconds(60));
    assert_eq!(tale.next(), Action::Prove);
}

#[test]
fn a_secret_that_no_list_has_shown_is_watched_for_after_its_accepted_removal() {
    let unlisted = event(serde_json::json!({
        "event": "minted", "marker": marker(2), "key": new(), "sealed": "sealed/2",
        "ends_at": "2026-12-01T00:00:00Z", "minted_at": "2026-01-01T00:00:00Z", "listed": false,
    }));
    let listed = Tale::minted(&[]).then(turns_back());
    let unlisted = Tale::begun(&[])
        .then(RotationEvent::MintIntended { marker: marker(2), ends_at: None })
        .then(unlisted)
        .then(turns_back());
    for (tale, watched) in [(listed, false), (unlisted, true)] {
        let removing = tale.then(removing(new(), RemovalCause::RolledBack)).then(answered(new()));
        let removed = (0..3).fold(removing, |tale, _| tale.after(seconds(10)).then(read(new(), false)));
        let removed = removed.then(RotationEvent::Removed { key: new() });
        assert_eq!(removed.state.watch.contains_key(marker(2).as_str()), watched);
    }
}

#[test]
fn a_secret_that_was_asked_for_is_watched_for_when_its_rotation_is_abandoned() {
    let asked = Tale::begun(&[]).then(RotationEvent::MintIntended { marker: marker(2), ends_at: None });
    let abandoned = asked.then(RotationEvent::Abandoned);
    assert!(abandoned.state.watch.contains_key(marker(2).as_str()));
    let watched = abandoned.after(seconds(60));
    assert_eq!(watched.next(), Action::Search { marker: marker(2) });
}

#[test]
fn a_consumer_that_holds_something_else_after_its_way_back_is_written_to_again() {
    let taken = RotationEvent::RestoreFailed {
        sink: sink("a"),
        problem: refused(),
        receipt: Some("taken".into()),
        revision: None,
    };
    let back = Tale::proven(&["a"]).serves("a").then(turns_back()).then(old_proven()).then(taken);
    assert!(back.sink("a").given_back.is_some(), "it is only checked again");
    let undone = RotationEvent::RestoreUndone { sink: sink("a"), problem: refused() };
    assert_eq!(back.then(restored("a")).then(undone).sink("a").given_back, None);
}
