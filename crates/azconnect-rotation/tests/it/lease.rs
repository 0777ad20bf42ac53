//! The lease outlasts whatever a rotation waits for.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, ErrorKind};
use azconnect_credential::{Assessment, Candidate, CredentialSink, PushReceipt, SinkId, SinkReport};
use azconnect_rotation::{RotationOutcome, SinkBinding};

use crate::stage::{Stage, TERM, sink};

/// A consumer that takes its time over a push.
struct Slow {
    inner: Arc<dyn CredentialSink>,
    clock: Arc<dyn Clock>,
    pause: Duration,
}

#[async_trait]
impl CredentialSink for Slow {
    fn id(&self) -> &SinkId {
        self.inner.id()
    }

    async fn inspect(&self) -> Result<SinkReport, Error> {
        self.inner.inspect().await
    }

    async fn push(&self, candidate: &Candidate<'_>) -> Result<PushReceipt, Error> {
        self.clock.sleep(self.pause).await;
        self.inner.push(candidate).await
    }

    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        self.inner.verify(candidate).await
    }
}

#[tokio::test(start_paused = true)]
async fn twelve_slow_consumers_that_answer_one_after_the_other_lose_nobody_the_lease() {
    let stage = Stage::new();
    // Each answers before a third of the term has passed since the one before.
    let step = TERM / 3 - Duration::from_secs(1);
    let mut target = stage.bare_target();
    for number in 1..=12 {
        let id = sink(&format!("slow-{number}"));
        stage.directory.seed_sink(&id, Some(stage.old));
        let slow = Slow { inner: stage.directory.sink(&id), clock: Arc::new(stage.clock.clone()), pause: step };
        target = target.with_sink(SinkBinding::new(Arc::new(slow)));
    }
    let (one, two) = (stage.rotator().with_fan_out(1), stage.rotator());
    let (first, second) = tokio::join!(one.rotate(&target), async {
        // The secret settles for 30 s; from then on consumers answer for twelve steps.
        stage.clock.sleep(Duration::from_secs(45) + TERM + step * 2).await;
        two.rotate(&target).await
    });
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Conflict, "another process took over");
    assert!(matches!(first, Ok(RotationOutcome::Rotated { .. })), "{first:?}");
}
