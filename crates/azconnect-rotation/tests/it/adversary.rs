//! Bad luck and rough handling: half-arrived pushes, hidden keys, lost leases, consumers that come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, ErrorKind, Grant, KeyId, Lease, LeaseKey, Sequence};
use azconnect_credential::{CredentialIssuer, Inventory, MintRequest, Minted, Retirement, SubjectId};
use azconnect_rotation::{Observer, RotationEvent, RotationOutcome, RotationState, SinkBinding};
use azconnect_testkit::fake::{Call, Directory, Fault, Step};
use time::OffsetDateTime;

use crate::crash::run_until_death;
use crate::stage::{DAY, Stage, TERM, sink};

/// Does something when an event was recorded.
pub struct On<F>(pub F);

impl<F: Fn(&RotationEvent) + Send + Sync> Observer for On<F> {
    fn recorded(&self, _: &SubjectId, event: &RotationEvent, _: OffsetDateTime, _: &RotationState) {
        (self.0)(event);
    }
}

pub async fn history(stage: &Stage) -> Vec<RotationEvent> {
    let history = stage.rotator().events(stage.target().subject()).await.unwrap();
    history.into_iter().map(|(_, event)| event).collect()
}

/// A stage on which the process died just after an event was recorded.
pub async fn killed_after(wanted: fn(&RotationEvent) -> bool) -> Stage {
    for dies_at in 1..60 {
        let stage = Stage::new();
        assert!(run_until_death(&stage, dies_at, false).await, "there is such an event");
        if history(&stage).await.last().is_some_and(wanted) {
            stage.clock.sleep(TERM).await;
            return stage;
        }
    }
    panic!("no such event");
}

/// A stage on which the process died after a push arrived, and before that was recorded.
async fn killed_with_a_push_in_flight() -> Stage {
    for dies_at in 1..60 {
        let stage = Stage::new();
        assert!(run_until_death(&stage, dies_at, true).await);
        if stage.directory.held_by(&sink("a")) != Some(stage.old) {
            stage.clock.sleep(TERM).await;
            return stage;
        }
    }
    panic!("no push arrived");
}

#[tokio::test(start_paused = true)]
async fn a_push_that_arrived_unseen_is_not_forgotten_when_the_next_one_is_refused() {
    let stage = killed_with_a_push_in_flight().await;
    for name in ["a", "b"] {
        stage.directory.break_down(Step::Push(sink(name)), Fault::Refused(ErrorKind::PermissionDenied));
    }
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert!(stage.directory.failing_sinks().is_empty(), "a holds the new secret, which is alive");
}

#[tokio::test(start_paused = true)]
async fn a_push_that_arrived_unseen_is_not_forgotten_when_the_proof_fails() {
    let stage = killed_with_a_push_in_flight().await;
    stage.clock.sleep(Duration::from_secs(700)).await;
    stage.directory.break_down(Step::Verify, Fault::Dropped);
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert!(stage.directory.failing_sinks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_never_answers_ends_the_rotation_and_leaves_nothing() {
    for fault in [Fault::Dropped, Fault::AnswerLost] {
        let stage = Stage::new();
        stage.directory.break_down(Step::Mint, fault);
        let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::RolledBack { .. }), "{fault:?}: {outcome:?}");
        let mints = stage.directory.calls().iter().filter(|call| matches!(call, Call::Mint(_))).count();
        assert_eq!(mints, 4, "as often as the policy says");
        let resumed = stage.rotator().resume(&stage.target()).await.unwrap();
        assert!(matches!(resumed, RotationOutcome::Idle { .. }), "{resumed:?}");
        assert!(stage.ours().is_empty() && stage.is_alive(stage.old));
        assert!(stage.journal.unfinished().await.unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_ended_with_a_lost_secret_says_when_to_look_again() {
    let stage = Stage::new();
    stage.directory.script(Step::Mint, Fault::Dropped);
    stage.directory.script(Step::Mint, Fault::Refused(ErrorKind::PermissionDenied));
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::RolledBack { .. }), "{outcome:?}");
    assert!(outcome.run_again_at().is_some_and(|at| at > stage.clock.now()));
}

#[tokio::test(start_paused = true)]
async fn an_old_secret_that_cannot_be_proved_at_once_is_asked_again() {
    let stage = Stage::new();
    stage.rotator().rotate(&stage.target()).await.unwrap();
    let first = stage.ours()[0];
    stage.clock.sleep(61 * DAY).await;
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let directory = stage.directory.clone();
    let glitch = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::RollbackBegun { .. }) {
            directory.script(Step::Verify, Fault::Dropped);
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(glitch)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::RolledBack { .. }), "{outcome:?}");
    assert_eq!(stage.ours(), [first]);
    assert_eq!(stage.directory.held_by(&sink("a")), Some(first));
}

#[tokio::test(start_paused = true)]
async fn an_old_secret_without_proof_is_not_given_back() {
    let stage = Stage::new();
    stage.rotator().rotate(&stage.target()).await.unwrap();
    let first = stage.ours()[0];
    stage.clock.sleep(61 * DAY).await;
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let directory = stage.directory.clone();
    let silent = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::RollbackBegun { .. }) {
            directory.break_down(Step::Verify, Fault::Dropped);
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(silent)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert_ne!(stage.directory.held_by(&sink("a")), Some(first));
    assert!(stage.directory.failing_sinks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_rotation_whose_way_back_is_closed_goes_forward_when_told() {
    let stage = Stage::new();
    stage.rotator().rotate(&stage.target()).await.unwrap();
    stage.clock.sleep(61 * DAY).await;
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let directory = stage.directory.clone();
    let closed = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::RollbackBegun { .. }) {
            directory.break_down(Step::Push(sink("a")), Fault::Dropped);
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(closed)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    // By the time a person looks at it, the old secret has ended: only the way forward is left.
    stage.clock.sleep(35 * DAY).await;
    stage.directory.heal();
    let outcome = stage.rotator().unblock(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_was_intended_long_ago_is_proved_again_before_it_is_done() {
    let stage = killed_after(|event| matches!(event, RotationEvent::RemovalIntended { .. })).await;
    stage.directory.seed_sink(&sink("a"), Some(stage.old));
    stage.clock.sleep(DAY).await;
    let (directory, old) = (stage.directory.clone(), stage.old);
    let judge = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::RemovalAnswered { .. }) {
            assert_ne!(directory.held_by(&sink("a")), Some(old), "a still held what was removed");
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(judge)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
}

#[tokio::test(start_paused = true)]
async fn a_blocked_rotation_is_reported_without_writing() {
    let stage = Stage::new();
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    stage.rotator().rotate(&stage.target()).await.unwrap();
    let before = history(&stage).await.len();
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert_eq!(history(&stage).await.len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_bound_during_the_grace_is_served_before_the_old_secret_goes() {
    let stage = Stage::new();
    let alone = stage.bare_target().with_sink(SinkBinding::new(stage.directory.sink(&sink("a"))));
    let rotator = stage.rotator().with_patience(Duration::from_secs(600));
    let outcome = rotator.rotate(&alone).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "{outcome:?}");
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_bound_twice_is_refused_before_anything_is_read() {
    let stage = Stage::new();
    let target = stage.target().with_sink(SinkBinding::new(stage.directory.sink(&sink("a"))));
    let error = stage.rotator().rotate(&target).await.unwrap_err();
    assert_eq!(error.field(), Some("target.sinks"));
    assert!(stage.directory.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_runs_of_one_rotator_exclude_each_other_even_late_in_the_grace() {
    let stage = Stage::new();
    let (rotator, target) = (stage.rotator(), stage.target());
    let (first, second) = tokio::join!(rotator.rotate(&target), async {
        stage.clock.sleep(Duration::from_secs(2000)).await;
        rotator.rotate(&target).await
    });
    assert!(matches!(first.unwrap(), RotationOutcome::Rotated { .. }));
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Conflict);
}

/// A lease that is taken over at once.
struct TakenOver(Arc<dyn Lease>);

#[async_trait]
impl Lease for TakenOver {
    async fn acquire(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Error> {
        self.0.acquire(key, holder, term).await
    }

    async fn renew(&self, _: &Grant, _: Duration) -> Result<Grant, Error> {
        Err(Error::new(ErrorKind::Conflict, "taken over"))
    }

    async fn release(&self, grant: &Grant) -> Result<(), Error> {
        self.0.release(grant).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_asked_for_before_every_effect() {
    let stage = Stage::new();
    let stage = Stage { lease: Arc::new(TakenOver(stage.lease.clone())), ..stage };
    let error = stage.rotator().rotate(&stage.target()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(!stage.directory.calls().iter().any(|call| matches!(call, Call::Mint(_))));
}

/// A lease that another process takes over while a secret is minted.
struct TakenOverAtMint(Arc<dyn Lease>, Directory);

#[async_trait]
impl Lease for TakenOverAtMint {
    async fn acquire(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Error> {
        self.0.acquire(key, holder, term).await
    }

    async fn renew(&self, grant: &Grant, term: Duration) -> Result<Grant, Error> {
        if self.1.calls().iter().any(|call| matches!(call, Call::Mint(_))) {
            return Err(Error::new(ErrorKind::Conflict, "taken over"));
        }
        self.0.renew(grant, term).await
    }

    async fn release(&self, grant: &Grant) -> Result<(), Error> {
        self.0.release(grant).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_lost_its_lease_while_it_minted_takes_its_secret_back_at_once() {
    let stage = Stage::with(|directory| directory);
    let stage = Stage { lease: Arc::new(TakenOverAtMint(stage.lease.clone(), stage.directory.clone())), ..stage };
    let error = stage.rotator().rotate(&stage.target()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(stage.directory.calls().iter().any(|call| matches!(call, Call::Mint(_))));
    assert_eq!(stage.ours(), [], "{:?}", stage.directory.keys());
}

#[tokio::test(start_paused = true)]
async fn every_run_writes_under_an_epoch_of_its_own() {
    let stage = killed_after(|event| matches!(event, RotationEvent::Minted { .. })).await;
    stage.rotator().rotate(&stage.target()).await.unwrap();
    let stream = stage.target().stream().unwrap();
    let entries = stage.journal.read(&stream, Sequence::START).await.unwrap();
    let resumed = entries.iter().position(|entry| entry.record.kind == "resumed").unwrap();
    assert!(entries[resumed].epoch > entries[resumed - 1].epoch, "the dead writer is fenced off");
}

/// An issuer that stops listing the keys that carry our marker.
struct Hiding {
    inner: Arc<dyn CredentialIssuer>,
    hides: Arc<AtomicBool>,
}

#[async_trait]
impl CredentialIssuer for Hiding {
    fn subject(&self) -> &SubjectId {
        self.inner.subject()
    }

    async fn inventory(&self) -> Result<Inventory, Error> {
        let mut inventory = self.inner.inventory().await?;
        if self.hides.load(Ordering::SeqCst) {
            let ours = |name: &Option<String>| name.as_deref().is_some_and(|name| name.starts_with("azconnect "));
            inventory.keys.retain(|issued| !ours(&issued.display_name));
        }
        Ok(inventory)
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        self.inner.mint(request).await
    }

    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        self.inner.retire(key).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_old_secret_stays_while_the_new_one_is_not_listed() {
    let stage = Stage::new();
    let hides = Arc::new(AtomicBool::new(false));
    let issuer = Hiding { inner: stage.directory.issuer(), hides: hides.clone() };
    let mut target = stage.target();
    target.issuer = Arc::new(issuer);
    let cut_over = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::CutOver) {
            hides.store(true, Ordering::SeqCst);
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(cut_over)).rotate(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert!(stage.is_alive(stage.old));
}

#[tokio::test(start_paused = true)]
async fn the_old_secret_stays_while_the_issuer_does_not_say_that_it_accepts_the_new_one() {
    let stage = Stage::new();
    let directory = stage.directory.clone();
    let cut_over = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::CutOver) {
            directory.break_down(Step::Verify, Fault::Dropped);
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(cut_over)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert!(stage.is_alive(stage.old));
}

#[tokio::test(start_paused = true)]
async fn an_inconclusive_check_of_a_consumer_is_no_proof() {
    let stage = Stage::new();
    stage.directory.break_down(Step::VerifySink(sink("a")), Fault::Dropped);
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    let verified = |event: &RotationEvent| matches!(event, RotationEvent::SinkVerified { sink: proven, .. } if *proven == sink("a"));
    assert!(!history(&stage).await.iter().any(verified));
    assert!(stage.is_alive(stage.old));
}
