//! Whole rotations against a directory in memory.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, ErrorKind, Lease, LeaseKey, Retry, Sequence, StreamId};
use azconnect_credential::{Check, CheckReport};
use azconnect_rotation::{Policy, RotationEvent, RotationOutcome, SinkBinding};
use azconnect_testkit::Canary;
use azconnect_testkit::fake::{Call, Fault, Step};

use crate::stage::{DAY, Stage, policy, sink};

#[tokio::test(start_paused = true)]
async fn a_rotation_replaces_the_adopted_secret_and_leaves_the_foreign_one() {
    let stage = Stage::new();
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { key: Some(_), run_again_at: Some(_) }), "{outcome:?}");
    stage.assert_rotated();
    assert!(stage.journal.unfinished().await.unwrap().is_empty());
    let retired: Vec<_> = stage.directory.calls().into_iter().filter(|call| matches!(call, Call::Retire(_))).collect();
    assert!(
        retired.iter().all(|call| *call == Call::Retire(stage.old)),
        "only the adopted key was removed: {retired:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_next_rotation_retires_the_secret_of_the_last_and_destroys_its_sealed_copy() {
    let stage = Stage::new();
    stage.rotator().rotate(&stage.target()).await.unwrap();
    let first = stage.ours()[0];
    let (state, _) = stage.rotator().state(stage.target().subject()).await.unwrap();
    let sealed = state.ledger[&first].sealed.clone().unwrap();
    assert!(stage.secrets.get(&sealed).await.unwrap().is_some());

    assert!(matches!(stage.rotator().rotate(&stage.target()).await.unwrap(), RotationOutcome::NotDue { .. }));
    stage.clock.sleep(61 * DAY).await;
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(!stage.is_alive(first));
    stage.assert_rotated();
    assert!(stage.secrets.get(&sealed).await.unwrap().is_none(), "the sealed copy is destroyed");
}

#[tokio::test(start_paused = true)]
async fn a_plan_has_no_effect_and_says_what_would_be_done() {
    let stage = Stage::new();
    let plan = stage.rotator().plan(&stage.target()).await.unwrap();
    assert_eq!(plan.retire(), [stage.old]);
    assert_eq!(plan.decision, azconnect_rotation::Decision::Rotate);
    let effects = |call: &Call| matches!(call, Call::Mint(_) | Call::Retire(_) | Call::Push(..));
    assert!(!stage.directory.calls().iter().any(effects));
    let stream = StreamId::new(format!("rotation/{}", stage.target().subject())).unwrap();
    assert!(stage.journal.read(&stream, Sequence::START).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_pushed_before_the_new_secret_is_settled_and_proven() {
    let stage = Stage::new();
    stage.rotator().rotate(&stage.target()).await.unwrap();
    let calls = stage.directory.calls();
    let first_push = calls.iter().position(|call| matches!(call, Call::Push(..))).unwrap();
    let mint = calls.iter().position(|call| matches!(call, Call::Mint(_))).unwrap();
    assert!(calls[mint..first_push].iter().any(|call| matches!(call, Call::Verify(Some(_)))));
    let history = stage.rotator().events(stage.target().subject()).await.unwrap();
    let at = |wanted: fn(&RotationEvent) -> bool| history.iter().find(|(_, event)| wanted(event)).unwrap().0;
    let minted = at(|event| matches!(event, RotationEvent::Minted { .. }));
    let pushed = at(|event| matches!(event, RotationEvent::PushIntended { .. }));
    let cut_over = at(|event| matches!(event, RotationEvent::CutOver));
    let removal = at(|event| matches!(event, RotationEvent::RemovalIntended { .. }));
    assert!(pushed - minted >= policy().settle && removal - cut_over >= policy().grace);
}

#[tokio::test(start_paused = true)]
async fn a_mint_whose_answer_was_lost_is_found_removed_and_repeated_under_a_new_marker() {
    let stage = Stage::new();
    stage.directory.script(Step::Mint, Fault::AnswerLost);
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
    let markers: Vec<_> = stage
        .directory
        .calls()
        .into_iter()
        .filter_map(|call| match call {
            Call::Mint(marker) => Some(marker),
            _ => None,
        })
        .collect();
    assert_eq!(markers.len(), 2);
    assert_ne!(markers[0], markers[1]);
}

#[tokio::test(start_paused = true)]
async fn a_mint_that_never_happened_is_watched_for_and_the_watch_ends() {
    let stage = Stage::new();
    stage.directory.script(Step::Mint, Fault::Dropped);
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    stage.assert_rotated();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(outcome.run_again_at().is_some());
    let outcome = stage.rotator().resume(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Idle { .. }), "{outcome:?}");
    assert!(stage.journal.unfinished().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refused_mint_leaves_everything_as_it_was() {
    let stage = Stage::new();
    stage.directory.script(Step::Mint, Fault::Refused(ErrorKind::PermissionDenied));
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(
        matches!(&outcome, RotationOutcome::RolledBack { problem, .. } if !problem.advice().is_empty()),
        "{outcome:?}"
    );
    assert!(stage.ours().is_empty());
    assert!(stage.is_alive(stage.old));
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_refuses_before_anyone_holds_the_secret_undoes_the_rotation() {
    let stage = Stage::new();
    for name in ["a", "b"] {
        stage.directory.break_down(Step::Push(sink(name)), Fault::Refused(ErrorKind::PermissionDenied));
    }
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::RolledBack { .. }), "{outcome:?}");
    assert!(stage.ours().is_empty(), "the new key is gone");
    assert!(stage.is_alive(stage.old));
    assert!(stage.directory.failing_sinks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_never_accepted_is_removed_again() {
    let stage = Stage::new();
    stage.directory.break_down(Step::Verify, Fault::Dropped);
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::RolledBack { .. }), "{outcome:?}");
    assert!(stage.ours().is_empty());
    assert_eq!(stage.directory.held_by(&sink("a")), Some(stage.old));
}

#[tokio::test(start_paused = true)]
async fn a_half_pushed_secret_without_a_way_back_needs_a_person_and_goes_on_when_told() {
    let stage = Stage::new();
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert!(stage.is_alive(stage.old) && stage.ours().len() == 1, "both are alive");
    assert!(stage.directory.failing_sinks().is_empty());
    assert!(matches!(stage.rotator().rotate(&stage.target()).await.unwrap(), RotationOutcome::Blocked { .. }));

    stage.directory.heal();
    let outcome = stage.rotator().unblock(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
}

#[tokio::test(start_paused = true)]
async fn a_half_pushed_secret_is_taken_back_where_the_old_one_is_held_sealed() {
    let stage = Stage::new();
    stage.rotator().rotate(&stage.target()).await.unwrap();
    let first = stage.ours()[0];
    stage.clock.sleep(61 * DAY).await;
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::RolledBack { .. }), "{outcome:?}");
    assert_eq!(stage.ours(), [first], "the new key is gone, the old one serves on");
    assert_eq!(stage.directory.held_by(&sink("a")), Some(first));
    assert_eq!(stage.directory.held_by(&sink("b")), Some(first));
    assert!(stage.directory.failing_sinks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_optional_consumer_may_fail() {
    let stage = Stage::new();
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let target = stage
        .bare_target()
        .with_sink(SinkBinding::new(stage.directory.sink(&sink("a"))))
        .with_sink(SinkBinding::new(stage.directory.sink(&sink("b"))).optional());
    let outcome = stage.rotator().rotate(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(!stage.is_alive(stage.old));
}

#[tokio::test(start_paused = true)]
async fn an_inconclusive_last_proof_never_permits_the_removal() {
    let stage = Stage::new();
    let rotator = stage.rotator().with_patience(Duration::from_secs(600));
    let outcome = rotator.rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "the grace outlasts the patience: {outcome:?}");
    stage.directory.break_down(Step::VerifySink(sink("a")), Fault::Dropped);
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert!(stage.is_alive(stage.old), "the old key outlives a week without proof");
}

#[tokio::test(start_paused = true)]
async fn a_receipt_stands_in_for_a_proof_only_where_that_was_agreed() {
    let stage = Stage::new();
    stage.directory.break_down(Step::VerifySink(sink("b")), Fault::Dropped);
    let target = stage
        .bare_target()
        .with_sink(SinkBinding::new(stage.directory.sink(&sink("a"))))
        .with_sink(SinkBinding::new(stage.directory.sink(&sink("b"))).with_receipt_as_proof());
    let outcome = stage.rotator().rotate(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
}

#[tokio::test(start_paused = true)]
async fn a_consumer_changed_by_somebody_else_during_the_grace_is_served_again() {
    let stage = Stage::new();
    let rotator = stage.rotator().with_patience(Duration::from_secs(600));
    rotator.rotate(&stage.target()).await.unwrap();
    stage.directory.seed_sink(&sink("a"), None);
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
    let history = stage.rotator().events(stage.target().subject()).await.unwrap();
    assert!(history.iter().any(|(_, event)| matches!(event, RotationEvent::SinkDisproved { .. })));
}

#[tokio::test(start_paused = true)]
async fn findings_that_forbid_a_rotation_refuse_it_before_any_effect() {
    let blocker = Check::failed("automatic-creation", "creation", "no", "convert it");
    let refused = |stage: Stage, rule: &'static str| async move {
        let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
        let RotationOutcome::Refused { plan, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(plan.blockers()[0].1.code, rule);
        assert!(!stage.directory.calls().iter().any(|call| matches!(call, Call::Mint(_))));
    };
    let stage = Stage::new();
    stage.directory.set_sink_checks(&sink("b"), CheckReport::from(vec![blocker]));
    refused(stage, "automatic-creation").await;
    refused(Stage::with(|directory| directory.with_key_limit(Some(2))), "no-room-for-a-key").await;
    refused(Stage::with(|directory| directory.with_issuer_signs_in_with_these(true)), "own-credential-unbound").await;
    refused(Stage::with(|directory| directory.with_max_lifetime(Some(10 * DAY))), "lifetime-too-short").await;
}

#[tokio::test(start_paused = true)]
async fn the_orchestrator_s_own_secret_rotates_when_its_own_credential_is_bound() {
    let stage = Stage::with(|directory| directory.with_issuer_signs_in_with_these(true));
    stage.directory.set_sink_is_issuers_own(&sink("a"), true);
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn two_writers_never_work_on_one_subject() {
    let stage = Stage::new();
    let (one, two, target) = (stage.rotator(), stage.rotator(), stage.target());
    let (first, second) = tokio::join!(one.rotate(&target), async {
        stage.clock.sleep(Duration::from_secs(20)).await;
        two.rotate(&target).await
    });
    assert!(matches!(first.unwrap(), RotationOutcome::Rotated { .. }));
    let error = second.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(matches!(error.retry(), Retry::After(_)), "{error:?}");
    assert_eq!(stage.directory.calls().iter().filter(|call| matches!(call, Call::Mint(_))).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_lost_its_lease_stops_before_its_next_effect() {
    let stage = Stage::new();
    let (rotator, target) = (stage.rotator(), stage.target());
    let key = LeaseKey::new(format!("rotation/{}", target.subject())).unwrap();
    let thief = async {
        stage.clock.sleep(Duration::from_secs(20)).await;
        // The operator of another machine breaks the lease by hand.
        let grant = stage.lease.acquire(&key, "nobody", Duration::from_secs(1)).await;
        assert!(grant.is_err(), "it is held");
    };
    let (outcome, ()) = tokio::join!(rotator.rotate(&target), thief);
    assert!(matches!(outcome.unwrap(), RotationOutcome::Rotated { .. }));

    let stolen = Arc::new(Stolen::new(stage.lease.clone()));
    let stage = Stage { lease: stolen, ..Stage::new() };
    let error = stage.rotator().rotate(&stage.target()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(stage.is_alive(stage.old));
}

/// A lease that is taken over after a few renewals.
struct Stolen {
    inner: Arc<dyn Lease>,
    renewals: std::sync::atomic::AtomicU32,
}

impl Stolen {
    fn new(inner: Arc<dyn Lease>) -> Self {
        Self { inner, renewals: std::sync::atomic::AtomicU32::new(0) }
    }
}

#[async_trait::async_trait]
impl Lease for Stolen {
    async fn acquire(
        &self,
        key: &LeaseKey,
        holder: &str,
        term: Duration,
    ) -> Result<azconnect_core::Grant, azconnect_core::Error> {
        self.inner.acquire(key, holder, term).await
    }

    async fn renew(
        &self,
        grant: &azconnect_core::Grant,
        term: Duration,
    ) -> Result<azconnect_core::Grant, azconnect_core::Error> {
        if self.renewals.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 3 {
            return self.inner.renew(grant, term).await;
        }
        Err(azconnect_core::Error::new(ErrorKind::Conflict, "taken over"))
    }

    async fn release(&self, grant: &azconnect_core::Grant) -> Result<(), azconnect_core::Error> {
        self.inner.release(grant).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_policy_is_refused_by_name_before_anything_is_read() {
    let stage = Stage::new();
    let target = stage.target().with_policy(Policy::default().with_lifetime(DAY));
    let error = stage.rotator().rotate(&target).await.unwrap_err();
    assert_eq!(error.field(), Some("policy.lifetime"));
    assert!(stage.directory.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn many_targets_run_at_once_and_one_failure_stops_no_other() {
    let stages = [Stage::new(), Stage::new()];
    stages[1].directory.break_down(Step::Inventory, Fault::Dropped);
    let rotator = stages[0].rotator();
    let runs = rotator.rotate_due(&[stages[1].target(), stages[0].target()], 4).await;
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().any(|(_, run)| matches!(run, Ok(RotationOutcome::Rotated { .. }))));
    assert!(runs.iter().any(|(_, run)| run.is_err()));
    stages[0].assert_rotated();
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_the_journal_the_logs_or_a_debug_text() {
    let canary = Canary::new();
    let _ears = canary.listen();
    let stage = Stage::new();
    stage.directory.script(Step::Push(sink("a")), Fault::AnswerLost);
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    for key in stage.ours().into_iter().chain([stage.old]) {
        canary.watch(&stage.directory.secret_of(key).unwrap());
    }
    canary.assert_absent_from_logs();
    canary.assert_absent("the outcome", format!("{outcome:?}").as_bytes());
    let stream = StreamId::new(format!("rotation/{}", stage.target().subject())).unwrap();
    for entry in stage.journal.read(&stream, Sequence::START).await.unwrap() {
        canary.assert_absent("a journal entry", format!("{entry:?}").as_bytes());
    }
    let (state, _) = stage.rotator().state(stage.target().subject()).await.unwrap();
    canary.assert_absent("the state", format!("{state:?}").as_bytes());
}
