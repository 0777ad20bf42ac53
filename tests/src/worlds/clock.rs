//! The clock of a process, which need not agree with anybody's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::Clock;
use azconnect_testkit::VirtualClock;
use time::OffsetDateTime;

/// The world's clock, shown wrongly. Elapsed time is the world's: it counts on while the process stands still.
#[derive(Clone)]
pub(super) struct SkewedClock {
    inner: VirtualClock,
    ahead: Arc<AtomicI64>,
}

impl SkewedClock {
    /// A clock that is so many seconds ahead of the world's.
    pub(super) fn new(inner: VirtualClock, ahead: i64) -> Self {
        Self { inner, ahead: Arc::new(AtomicI64::new(ahead)) }
    }

    /// Sets the clock by so many seconds.
    pub(super) fn set_by(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for SkewedClock {
    fn now(&self) -> OffsetDateTime {
        self.inner.now() + time::Duration::seconds(self.ahead.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        self.inner.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration).await;
    }
}
