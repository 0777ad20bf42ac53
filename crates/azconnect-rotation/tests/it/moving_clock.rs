//! A clock as machines have it: no two looks at it say the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::Clock;
use azconnect_rotation::{Ports, RotationOutcome};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::fake::{Fault, Step};
use time::OffsetDateTime;

use crate::stage::Stage;

/// More looks than a rotation needs: whoever takes more goes round in circles.
const ENOUGH: u32 = 100_000;

struct Moving {
    inner: VirtualClock,
    looks: AtomicU32,
}

impl Moving {
    fn passed(&self) -> Duration {
        let looks = self.looks.fetch_add(1, Ordering::SeqCst);
        assert!(looks < ENOUGH, "the rotation goes round in circles");
        Duration::from_micros(u64::from(looks))
    }
}

#[async_trait]
impl Clock for Moving {
    fn now(&self) -> OffsetDateTime {
        self.inner.now() + self.passed()
    }

    fn elapsed(&self) -> Duration {
        self.inner.elapsed() + self.passed()
    }

    async fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_decided_twice_at_different_moments_is_done_all_the_same() {
    for fault in [Fault::Dropped, Fault::AnswerLost] {
        let stage = Stage::new();
        // Several events name a moment that follows from now, such as the end of the watch for a lost secret.
        stage.directory.script(Step::Mint, fault);
        let clock = Arc::new(Moving { inner: stage.clock.clone(), looks: AtomicU32::new(0) });
        let ports = Ports::new(stage.journal.clone(), stage.secrets.clone(), stage.lease.clone(), clock);
        let rotator = azconnect_rotation::Rotator::new(ports).with_patience(30 * crate::stage::DAY);
        let outcome = rotator.rotate(&stage.target()).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
        stage.assert_rotated();
    }
}
