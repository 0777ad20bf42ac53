//! Killed after every append and around every call, and resumed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Append, Clock, Entry, Error, Integrity, Journal, Sequence, StreamId};
use azconnect_rotation::{RotationOutcome, Rotator};
use azconnect_testkit::fake::{Fault, Step};
use tokio::sync::Notify;

use crate::stage::{Stage, TERM, sink};

/// A journal in front of which, or behind which, the process dies at the n-th append.
struct Deadly {
    inner: Arc<dyn Journal>,
    appends: AtomicU32,
    dies_at: u32,
    before: bool,
    died: Notify,
}

#[async_trait]
impl Journal for Deadly {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        let number = self.appends.fetch_add(1, Ordering::SeqCst) + 1;
        if number != self.dies_at {
            return self.inner.append(append).await;
        }
        if !self.before {
            self.inner.append(append).await?;
        }
        self.died.notify_one();
        // A dead process does not go on, not even to release its lease.
        std::future::pending().await
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        self.inner.read(stream, after).await
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        self.inner.latest(stream).await
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.inner.unfinished().await
    }

    fn integrity(&self) -> Integrity {
        self.inner.integrity()
    }
}

/// Runs until the n-th append; returns whether the process died there.
pub async fn run_until_death(stage: &Stage, dies_at: u32, before: bool) -> bool {
    let deadly = Arc::new(Deadly {
        inner: stage.journal.clone(),
        appends: AtomicU32::new(0),
        dies_at,
        before,
        died: Notify::new(),
    });
    let mut ports = stage.ports();
    ports.journal = deadly.clone();
    let rotator = Rotator::new(ports).with_lease_term(TERM).with_patience(Duration::from_secs(30 * 86_400));
    let target = stage.target();
    tokio::select! {
        biased;
        outcome = rotator.rotate(&target) => {
            outcome.unwrap();
            false
        }
        () = deadly.died.notified() => true,
    }
}

/// Finishes what is under way, like the next start of the program.
async fn finish(stage: &Stage) {
    stage.clock.sleep(TERM).await;
    let outcome = stage.rotator().rotate(&stage.target()).await.unwrap();
    assert!(
        matches!(
            outcome,
            RotationOutcome::Rotated { .. } | RotationOutcome::NotDue { .. } | RotationOutcome::Idle { .. }
        ),
        "{outcome:?}"
    );
    let outcome = stage.rotator().resume(&stage.target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Idle { .. }), "{outcome:?}");
    stage.assert_rotated();
    assert!(stage.journal.unfinished().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn killed_before_or_after_any_append_the_next_run_finishes() {
    for before in [true, false] {
        for dies_at in 1.. {
            let stage = Stage::new();
            if !run_until_death(&stage, dies_at, before).await {
                assert!(dies_at > 12, "a rotation has many appends, not {dies_at}");
                break;
            }
            assert!(stage.directory.failing_sinks().is_empty(), "killed at append {dies_at}, before: {before}");
            finish(&stage).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_twice_in_one_rotation_the_third_run_finishes() {
    for first in [3, 6, 9, 12] {
        for second in 1..8 {
            let stage = Stage::new();
            assert!(run_until_death(&stage, first, false).await);
            stage.clock.sleep(TERM).await;
            if run_until_death(&stage, second, second % 2 == 0).await {
                stage.clock.sleep(TERM).await;
            }
            finish(&stage).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_call_that_fails_once_or_twice_is_survived() {
    let steps = [
        Step::Inventory,
        Step::Mint,
        Step::Retire,
        Step::Verify,
        Step::Push(sink("a")),
        Step::Push(sink("b")),
        Step::VerifySink(sink("a")),
    ];
    for step in steps {
        for fault in [Fault::Dropped, Fault::AnswerLost] {
            for times in 1..=2 {
                let stage = Stage::new();
                // The plan reads the inventory once before anything begins, and a failure there is the caller's.
                let target = stage.target();
                if step == Step::Inventory {
                    let rotator = stage.rotator().with_patience(Duration::from_secs(10));
                    let outcome = rotator.rotate(&target).await.unwrap();
                    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "{outcome:?}");
                }
                (0..times).for_each(|_| stage.directory.script(step.clone(), fault));
                let outcome = stage.rotator().rotate(&target).await.unwrap();
                assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{step:?} {fault:?}: {outcome:?}");
                finish(&stage).await;
            }
        }
    }
}
