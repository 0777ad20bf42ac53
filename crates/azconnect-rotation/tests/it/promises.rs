//! Promises that were broken once, each by something that acts beside the rotation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{
    Append, Clock, Entry, Error, ErrorKind, Integrity, Journal, KeyId, Secret, SecretId, SecretStore, Sequence,
    StreamId,
};
use azconnect_credential::{CredentialIssuer, Inventory, KeyHolder, MintRequest, Minted, Retirement, SubjectId};
use azconnect_rotation::{
    Policy, Resolution, RotationEvent, RotationOutcome, RotationState, SinkBinding, Target, WaitingFor,
};
use azconnect_testkit::fake::{Call, Fault, Step};
use time::OffsetDateTime;

use crate::adversary::{On, history, killed_after};
use crate::stage::{DAY, Stage, policy, sink};

pub const HOUR: Duration = Duration::from_secs(3600);

/// A stage whose first rotation ended, so that the old secret is sealed, and on which the next one is due.
pub async fn second_rotation(stage: Stage) -> (Stage, KeyId) {
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    let first = stage.ours()[0];
    stage.clock.sleep(61 * DAY).await;
    (stage, first)
}

fn removed(stage: &Stage, key: KeyId) -> bool {
    stage.directory.calls().contains(&Call::Retire(key))
}

#[tokio::test(start_paused = true)]
async fn without_a_consumer_nothing_that_is_used_is_removed_unless_the_caller_says_so() {
    let stage = Stage::new();
    let outcome = stage.rotator().rotate(&stage.bare_target()).await.unwrap();
    let RotationOutcome::Refused { plan, run_again_at } = outcome else { panic!("{outcome:?}") };
    assert_eq!(plan.blockers()[0].1.code, "no-consumer");
    assert!(run_again_at > stage.clock.now());
    assert!(!stage.directory.calls().iter().any(|call| matches!(call, Call::Mint(_))));

    let outcome = stage.rotator().rotate(&stage.bare_target().without_consumers()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(!stage.is_alive(stage.old));
}

#[tokio::test(start_paused = true)]
async fn when_every_optional_consumer_failed_the_old_secret_stays() {
    let stage = Stage::new();
    stage.directory.break_down(Step::Push(sink("a")), Fault::Refused(ErrorKind::PermissionDenied));
    let only = SinkBinding::new(stage.directory.sink(&sink("a"))).optional();
    let outcome = stage.rotator().rotate(&stage.bare_target().with_sink(only)).await.unwrap();
    let RotationOutcome::RolledBack { problem, .. } = &outcome else { panic!("{outcome:?}") };
    assert!(problem.to_string().contains("no consumer took the new secret"), "{problem}");
    assert!(stage.is_alive(stage.old) && stage.ours().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_proof_does_not_outlive_its_process() {
    let stage = killed_after(|event| matches!(event, RotationEvent::RemovalIntended { .. })).await;
    let new = stage.ours()[0];
    assert!(stage.directory.delete_by_hand(new), "a person deletes the new key within the five minutes");
    let outcome = stage.rotator().with_patience(HOUR).rotate(&stage.target()).await.unwrap();
    assert!(!matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(stage.is_alive(stage.old) && !removed(&stage, stage.old), "the old secret is all there is");
}

#[tokio::test(start_paused = true)]
async fn done_is_said_only_after_one_more_proof() {
    let stage = Stage::new();
    let directory = stage.directory.clone();
    let vandal = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::Removed { .. }) {
            let new = directory.keys().into_iter().find(|key| key.display_name.as_deref() != Some("somebody else's"));
            directory.delete_by_hand(new.unwrap().key);
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(vandal)).rotate(&stage.target()).await.unwrap();
    assert!(!matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_no_list_has_shown_is_watched_for_after_its_removal() {
    let stage = Stage::with(|directory| directory.with_list_lags(Duration::from_secs(1800), Duration::ZERO));
    stage.directory.break_down(Step::Verify, Fault::Refused(ErrorKind::Unauthenticated));
    for name in ["a", "b"] {
        stage.directory.break_down(Step::Push(sink(name)), Fault::Refused(ErrorKind::PermissionDenied));
    }
    let rotator = stage.rotator().with_patience(HOUR);
    for _ in 0..40 {
        rotator.rotate(&stage.target()).await.unwrap();
        assert!(stage.ours().len() <= 2, "at most two live secrets are ours: {:?}", stage.directory.keys());
        stage.clock.sleep(HOUR).await;
    }
    stage.directory.heal();
    for _ in 0..40 {
        rotator.resolve(&stage.target(), Resolution::Retry).await.unwrap();
        stage.clock.sleep(HOUR).await;
    }
    assert_eq!(stage.ours().len(), 1, "{:?}", stage.directory.keys());
}

/// The holder of the old key becomes unreadable when an event of a kind is recorded.
async fn blinded_at(kind: &'static str) {
    let stage = Stage::new();
    let ends_at = stage.clock.now() + 9 * DAY;
    let on_principal = stage.directory.seed_key_of(KeyHolder::ServicePrincipal, Some("on the principal"), ends_at);
    for name in ["a", "b"] {
        stage.directory.seed_sink(&sink(name), Some(on_principal));
    }
    let mut target = Target::new(stage.directory.issuer(), stage.directory.verifier())
        .with_adopted(on_principal)
        .with_policy(crate::stage::policy());
    target.sinks = stage.target().sinks;
    let directory = stage.directory.clone();
    let blind = On(move |event: &RotationEvent| {
        if event.kind() == kind {
            directory.set_unseen(KeyHolder::ServicePrincipal, true);
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(blind)).rotate(&target).await.unwrap();
    assert!(!matches!(outcome, RotationOutcome::Rotated { .. }), "nobody knows whether it lives: {outcome:?}");
    let removed = history(&stage).await.iter().any(|event| matches!(event, RotationEvent::Removed { .. }));
    assert!(!removed, "its absence from a list that cannot show it proves nothing");
    stage.directory.set_unseen(KeyHolder::ServicePrincipal, false);
    let outcome = stage.rotator().resolve(&target, Resolution::Retry).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(!stage.is_alive(on_principal));
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_a_holder_that_cannot_be_read_are_not_gone() {
    blinded_at("removal_intended").await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_was_accepted_is_no_proof_while_its_holder_cannot_be_read() {
    blinded_at("removal_answered").await;
}

/// An issuer that may not look at the service principal, where a key that the application does not list may be.
struct Restricted(Arc<dyn CredentialIssuer>);

#[async_trait]
impl CredentialIssuer for Restricted {
    fn subject(&self) -> &SubjectId {
        self.0.subject()
    }

    async fn inventory(&self) -> Result<Inventory, Error> {
        Ok(self.0.inventory().await?.with_unseen(KeyHolder::ServicePrincipal))
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        self.0.mint(request).await
    }

    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        match self.0.retire(key).await? {
            Retirement::Accepted => Ok(Retirement::Accepted),
            Retirement::NotListed => Err(Error::new(ErrorKind::PermissionDenied, "it may be on the service principal")),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_removal_is_no_dead_end_for_who_may_read_the_application_only() {
    let stage = Stage::with(|directory| directory);
    stage.directory.script(Step::Retire, Fault::AnswerLost);
    let mut target = stage.target();
    target.issuer = Arc::new(Restricted(stage.directory.issuer()));
    let outcome = stage.rotator().rotate(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_holds_the_new_secret_again_keeps_it_alive() {
    let (stage, first) = second_rotation(Stage::new()).await;
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let directory = stage.directory.clone();
    let done = AtomicBool::new(false);
    let person = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::Restored { sink: restored, .. } if *restored == sink("a"))
            && !done.swap(true, Ordering::SeqCst)
        {
            let new = directory.keys().into_iter().map(|key| key.key).max().unwrap();
            directory.put_by_hand(&sink("a"), new);
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(person)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::RolledBack { .. }), "{outcome:?}");
    assert!(stage.directory.failing_sinks().is_empty(), "a was given the old secret once more");
    assert_eq!(stage.directory.held_by(&sink("a")), Some(first));
    assert!(history(&stage).await.iter().any(|event| matches!(event, RotationEvent::RestoreUndone { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_about_to_end_is_not_given_back() {
    let (stage, first) = second_rotation(Stage::new()).await;
    // The rotation began late: less than an hour is left.
    stage.clock.sleep(29 * DAY - 2 * HOUR).await;
    assert!(stage.directory.accepts(&stage.directory.secret_of(first).unwrap()), "it works as yet");
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let rotator = stage.rotator().with_patience(HOUR / 12);
    let outcome = rotator.rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Blocked { .. }), "{outcome:?}");
    assert_ne!(stage.directory.held_by(&sink("a")), Some(first));
}

#[tokio::test(start_paused = true)]
async fn a_secret_lives_its_whole_life_however_late_it_is_minted() {
    let stage = killed_after(|event| matches!(event, RotationEvent::Begun { .. })).await;
    stage.clock.sleep(85 * DAY).await;
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    let ours = stage.ours();
    let new = stage.directory.keys().into_iter().find(|key| ours.contains(&key.key)).unwrap();
    assert!(new.ends_at.unwrap() - stage.clock.now() > Policy::default().rotate_before, "{new:?}");
}

#[tokio::test(start_paused = true)]
async fn an_adoption_can_be_taken_back_during_the_grace_and_after_a_rollback() {
    let stage = Stage::new();
    let outcome = stage.rotator().with_patience(Duration::from_secs(600)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { what: WaitingFor::Grace, .. }), "{outcome:?}");
    let mut target = stage.target();
    target.adopted.clear();
    let outcome = stage.rotator().rotate(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(stage.is_alive(stage.old) && !removed(&stage, stage.old));

    let stage = Stage::new();
    stage.directory.script(Step::Mint, Fault::Refused(ErrorKind::PermissionDenied));
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::RolledBack { .. }), "{outcome:?}");
    let mut target = stage.target();
    target.adopted.clear();
    let plan = stage.rotator().plan_now(&target).await.unwrap();
    assert!(plan.retire().is_empty(), "{plan:?}");
}

/// An issuer that takes its time before it asks, as a process does that is suspended there.
struct Suspended {
    inner: Arc<dyn CredentialIssuer>,
    clock: Arc<dyn Clock>,
    pause: Duration,
}

#[async_trait]
impl CredentialIssuer for Suspended {
    fn subject(&self) -> &SubjectId {
        self.inner.subject()
    }

    async fn inventory(&self) -> Result<Inventory, Error> {
        self.inner.inventory().await
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        self.clock.sleep(self.pause).await;
        self.inner.mint(request).await
    }

    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        self.inner.retire(key).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_wakes_after_its_deadline_mints_nothing() {
    let stage = Stage::new();
    let mut target = stage.target();
    target.issuer =
        Arc::new(Suspended { inner: stage.directory.issuer(), clock: Arc::new(stage.clock.clone()), pause: HOUR });
    let outcome = stage.rotator().with_patience(Duration::from_secs(60)).rotate(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. } | RotationOutcome::RolledBack { .. }), "{outcome:?}");
    assert!(!stage.directory.calls().iter().any(|call| matches!(call, Call::Mint(_))));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_arrives_long_after_its_watch_is_removed() {
    let stage = Stage::new();
    stage.directory.script(Step::Mint, Fault::ArrivesLate(5 * HOUR));
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.clock.sleep(6 * HOUR).await;
    assert_eq!(stage.ours().len(), 2, "it arrived after nobody watched for it");
    stage.clock.sleep(61 * DAY).await;
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.rotator().resume(&stage.target()).await.unwrap();
    assert_eq!(stage.ours().len(), 1, "{:?}", stage.directory.keys());
}

#[tokio::test(start_paused = true)]
async fn a_key_under_a_marker_that_the_journal_does_not_know_is_shown_and_left_alone() {
    let (stage, first) = second_rotation(Stage::new()).await;
    // The database is lost; the secret is not.
    let fresh = Stage { journal: Stage::new().journal, ..stage };
    let plan = fresh.rotator().plan(&fresh.target()).await.unwrap();
    let check = plan.checks.of("unknown-marker").expect("it is shown");
    assert!(check.cause.contains(&first.to_string()) && !check.remedy.is_empty(), "{check}");
    assert!(!plan.retire().contains(&first));
}

/// A clock that is set back.
#[derive(Clone)]
struct SetBack {
    inner: azconnect_testkit::VirtualClock,
    by: Duration,
}

#[async_trait]
impl Clock for SetBack {
    fn now(&self) -> OffsetDateTime {
        self.inner.now() - self.by
    }

    fn elapsed(&self) -> Duration {
        self.inner.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_back_a_day_delays_nothing_by_a_day_and_is_named() {
    let stage = Stage::new();
    let outcome = stage.rotator().with_patience(Duration::from_secs(600)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "{outcome:?}");
    let clock = Arc::new(SetBack { inner: stage.clock.clone(), by: DAY });
    let ports =
        azconnect_rotation::Ports::new(stage.journal.clone(), stage.secrets.clone(), stage.lease.clone(), clock);
    let rotator = azconnect_rotation::Rotator::new(ports).with_patience(DAY);
    let plan = rotator.plan(&stage.target()).await.unwrap();
    assert!(plan.checks.of("clock-set-back").is_some(), "{plan:?}");
    let before = stage.clock.elapsed();
    let outcome = rotator.rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(stage.clock.elapsed() - before < 2 * HOUR);

    // The next rotation begins in a journal that is ahead of this clock: its secret lives as long as any other.
    let outcome = rotator.rotate_now(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    let new = stage.directory.keys().into_iter().find(|key| stage.ours().contains(&key.key)).unwrap();
    let lives = new.ends_at.unwrap() - (stage.clock.now() - DAY);
    assert!(lives > Policy::default().lifetime - 3 * HOUR, "{lives}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_panics_stops_no_other_and_one_that_waits_holds_no_place() {
    struct Panics(SubjectId);

    #[async_trait]
    impl CredentialIssuer for Panics {
        fn subject(&self) -> &SubjectId {
            &self.0
        }

        async fn inventory(&self) -> Result<Inventory, Error> {
            panic!("somebody else's mistake")
        }

        async fn mint(&self, _: &MintRequest) -> Result<Minted, Error> {
            panic!("somebody else's mistake")
        }

        async fn retire(&self, _: KeyId) -> Result<Retirement, Error> {
            panic!("somebody else's mistake")
        }
    }

    let stages = [Stage::new(), Stage::new()];
    let mut broken = stages[0].target();
    broken.issuer = Arc::new(Panics(SubjectId::new("fake/panics").unwrap()));
    let mut other = stages[1].target();
    other.issuer = Arc::new(Renamed(stages[1].directory.issuer(), SubjectId::new("fake/other").unwrap()));
    let rotator = stages[0].rotator();
    let before = stages[0].clock.elapsed();
    let runs = rotator.rotate_due(&[broken, stages[0].target(), other], 1).await;
    assert_eq!(runs.len(), 3);
    assert_eq!(
        runs.iter().filter(|(_, run)| matches!(run, Ok(RotationOutcome::Rotated { .. }))).count(),
        2,
        "{runs:?}"
    );
    let panicked = runs.iter().find_map(|(_, run)| run.as_ref().err()).unwrap();
    assert_eq!(panicked.kind(), ErrorKind::Unexpected);
    // Both wait an hour of grace. One place is enough for both at once.
    assert!(stages[0].clock.elapsed() - before < policy().grace * 3 / 2);
}

/// An issuer under another name.
struct Renamed(Arc<dyn CredentialIssuer>, SubjectId);

#[async_trait]
impl CredentialIssuer for Renamed {
    fn subject(&self) -> &SubjectId {
        &self.1
    }

    async fn inventory(&self) -> Result<Inventory, Error> {
        self.0.inventory().await
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        self.0.mint(request).await
    }

    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        self.0.retire(key).await
    }
}

/// A journal that counts what is read from it.
struct Counted(Arc<dyn Journal>, std::sync::atomic::AtomicUsize);

#[async_trait]
impl Journal for Counted {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        self.0.append(append).await
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        let entries = self.0.read(stream, after).await?;
        self.1.fetch_add(entries.len(), Ordering::SeqCst);
        Ok(entries)
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        let entries = self.0.latest(stream).await?;
        self.1.fetch_add(entries.len(), Ordering::SeqCst);
        Ok(entries)
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.0.unfinished().await
    }

    fn integrity(&self) -> Integrity {
        self.0.integrity()
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_at_a_subject_with_a_long_past_reads_what_one_with_a_short_one_reads() {
    let stage = Stage::new();
    let mut read = Vec::new();
    for _ in 0..6 {
        let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
        let counted = Arc::new(Counted(stage.journal.clone(), Default::default()));
        let looker = Stage { journal: counted.clone(), ..Stage::new() };
        let (state, _): (RotationState, _) = looker.rotator().state(stage.target().subject()).await.unwrap();
        assert!(state.announced.len() <= 2, "what is known does not grow either: {:?}", state.announced);
        read.push(counted.1.load(Ordering::SeqCst));
        stage.clock.sleep(61 * DAY).await;
    }
    assert_eq!(read, [1; 6], "the last checkpoint is enough");
    assert_eq!(stage.rotator().audit(stage.target().subject()).await.unwrap(), 6, "each says what the events say");
}

#[tokio::test(start_paused = true)]
async fn an_old_secret_that_is_refused_is_given_back_to_nobody() {
    let (stage, first) = second_rotation(Stage::new()).await;
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let directory = stage.directory.clone();
    let person = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::RollbackBegun { .. }) {
            directory.delete_by_hand(first);
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(person)).with_patience(HOUR).rotate(&stage.target()).await;
    assert!(!matches!(outcome, Ok(RotationOutcome::RolledBack { .. })), "{outcome:?}");
    assert_ne!(stage.directory.held_by(&sink("a")), Some(first), "a keeps the new one, which works");
    assert!(!stage.directory.failing_sinks().contains(&sink("a")));
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_refuses_what_it_holds_is_given_the_new_secret_again() {
    let stage = Stage::new();
    let directory = stage.directory.clone();
    let done = AtomicBool::new(false);
    let vandal = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::Pushed { sink: pushed, .. } if *pushed == sink("a"))
            && !done.swap(true, Ordering::SeqCst)
        {
            directory.spoil_by_hand(&sink("a"));
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(vandal)).rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
    let rejected = |event: &RotationEvent| matches!(event, RotationEvent::SinkUnverified { rejected: true, .. });
    assert!(history(&stage).await.iter().any(rejected));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_grew_old_before_anybody_received_it_is_handed_to_nobody() {
    let stage = killed_after(|event| matches!(event, RotationEvent::Minted { .. })).await;
    let minted = stage.ours()[0];
    stage.clock.sleep(85 * DAY).await;
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::RolledBack { .. }), "{outcome:?}");
    assert!(!stage.directory.calls().iter().any(|call| matches!(call, Call::Push(..))), "it would end in five days");
    assert!(!stage.is_alive(minted));
    let outcome = stage.rotator().rotate_now(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn the_new_secret_stays_while_nobody_can_say_what_a_consumer_holds_on_the_way_back() {
    let (stage, _) = second_rotation(Stage::new()).await;
    stage.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    let directory = stage.directory.clone();
    let silent = On(move |event: &RotationEvent| {
        if matches!(event, RotationEvent::Restored { .. }) {
            directory.break_down(Step::VerifySink(sink("a")), Fault::Dropped);
        }
    });
    let outcome = stage.rotator().with_observer(Arc::new(silent)).with_patience(HOUR / 2).rotate(&stage.target()).await;
    assert!(matches!(outcome, Ok(RotationOutcome::Waiting { .. })), "{outcome:?}");
    assert_eq!(stage.ours().len(), 2, "both are alive");
    assert!(history(&stage).await.iter().any(|event| matches!(event, RotationEvent::BackHeld { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_ended_while_nobody_looked_is_said_to_have_ended() {
    let stage = killed_after(|event| matches!(event, RotationEvent::CutOver)).await;
    stage.clock.sleep(91 * DAY).await;
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    let RotationOutcome::Blocked { problem, .. } = &outcome else { panic!("{outcome:?}") };
    assert!(problem.to_string().contains("ended before the rotation did"), "{problem}");
    assert!(stage.is_alive(stage.foreign) && !removed(&stage, stage.old));
}

/// A store that fails a few times before it takes a secret.
struct Hesitant {
    inner: Arc<dyn SecretStore>,
    refusals: std::sync::atomic::AtomicU32,
}

#[async_trait]
impl SecretStore for Hesitant {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        if self.refusals.fetch_add(1, Ordering::SeqCst) < 3 {
            return Err(Error::new(ErrorKind::Unavailable, "the disk is full"));
        }
        self.inner.put(id, secret).await
    }

    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        self.inner.get(id).await
    }

    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        self.inner.remove(id).await
    }

    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        self.inner.list(prefix, after).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_only_copy_of_a_new_secret_is_not_given_up_at_the_first_failure_of_the_store() {
    let stage = Stage::new();
    let hesitant = Hesitant { inner: stage.secrets.clone(), refusals: Default::default() };
    let stage = Stage { secrets: Arc::new(hesitant), ..stage };
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    let mints = stage.directory.calls().iter().filter(|call| matches!(call, Call::Mint(_))).count();
    assert_eq!(mints, 1, "sealed in the end, and not lost");
}
