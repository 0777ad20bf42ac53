//! The time of a stream, which never goes back, whatever is done to the machine's clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azconnect_core::Clock;
use time::OffsetDateTime;

/// The least difference between the stream's time and the clock's that is worth a word. Clocks of several machines differ
/// by less.
const NOTICEABLE_SKEW: Duration = Duration::from_secs(60);

/// The clock, and the moment before which it is not believed.
pub(crate) struct StreamTime {
    clock: Arc<dyn Clock>,
    floor: Mutex<Floor>,
}

/// A moment of the stream, and when it was by [`Clock::elapsed`].
#[derive(Clone, Copy)]
struct Floor {
    at: OffsetDateTime,
    elapsed: Duration,
}

impl StreamTime {
    /// Begins with the latest moment at which anything was recorded, and never before the clock's own.
    pub(crate) fn new(clock: Arc<dyn Clock>, latest_at: Option<OffsetDateTime>) -> Self {
        let (now, elapsed) = (clock.now(), clock.elapsed());
        let at = latest_at.map_or(now, |latest_at| latest_at.max(now));
        Self { clock, floor: Mutex::new(Floor { at, elapsed }) }
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        let floor = *self.floor.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = self.clock.elapsed().saturating_sub(floor.elapsed);
        let floor = floor.at.saturating_add(time::Duration::try_from(passed).unwrap_or(time::Duration::MAX));
        self.clock.now().max(floor)
    }

    /// By how much the clock is behind, if that is noticeable.
    pub(crate) fn skew(&self) -> Option<Duration> {
        let behind = Duration::try_from(self.now() - self.clock.now()).ok()?;
        (behind > NOTICEABLE_SKEW).then_some(behind)
    }

    /// Takes note of a moment that was recorded: nothing comes before it any more.
    pub(crate) fn raise(&self, at: OffsetDateTime) {
        let at = self.now().max(at);
        *self.floor.lock().unwrap_or_else(PoisonError::into_inner) = Floor { at, elapsed: self.clock.elapsed() };
    }
}
