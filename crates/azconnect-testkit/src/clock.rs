//! Clocks that a test moves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::Clock;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::sync::watch;

/// When every clock of this crate starts unless told otherwise.
const START: OffsetDateTime = datetime!(2026-01-01 00:00:00 UTC);

/// The paused time of a tokio runtime, as a [`Clock`]: sleeping costs nothing, and time moves when every task waits.
///
/// Clones are the same clock. It must be made, and used, inside the runtime whose time it shows.
///
/// ```
/// use std::time::Duration;
///
/// use azconnect_core::Clock;
/// use azconnect_testkit::VirtualClock;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
/// let clock = VirtualClock::new();
/// clock.sleep(Duration::from_secs(3600)).await;
/// assert_eq!(clock.now().to_string(), "2026-01-01 1:00:00.0 +00:00:00");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct VirtualClock {
    start: OffsetDateTime,
    origin: tokio::time::Instant,
}

impl VirtualClock {
    /// A clock that shows 2026-01-01T00:00:00Z now.
    pub fn new() -> Self {
        Self::starting_at(START)
    }

    /// A clock that shows `start` now.
    pub fn starting_at(start: OffsetDateTime) -> Self {
        // tokio's instant, which stands still while the runtime's time is paused.
        Self { start, origin: tokio::time::Instant::now() }
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> OffsetDateTime {
        later(self.start, self.elapsed())
    }

    fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        #[expect(clippy::disallowed_methods, reason = "this is an implementation of the port")]
        tokio::time::sleep(duration).await;
    }
}

/// A clock that stands still until the test moves it. It needs no runtime.
///
/// Clones are the same clock.
///
/// ```
/// use std::time::Duration;
///
/// use azconnect_core::Clock;
/// use azconnect_testkit::ManualClock;
/// use time::macros::datetime;
///
/// let clock = ManualClock::new();
/// clock.set(datetime!(2030-01-01 00:00 UTC));
/// assert_eq!(clock.elapsed(), Duration::ZERO, "setting the wall clock takes no time");
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), datetime!(2030-01-01 00:01 UTC));
/// ```
#[derive(Clone)]
pub struct ManualClock {
    // A watch channel wakes every sleeper when the clock moves, and a dropped sleep leaves nothing behind in it.
    reading: Arc<watch::Sender<Reading>>,
}

#[derive(Clone, Copy)]
struct Reading {
    now: OffsetDateTime,
    elapsed: Duration,
}

impl ManualClock {
    /// A clock that shows 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        Self::starting_at(START)
    }

    /// A clock that shows `start`.
    pub fn starting_at(start: OffsetDateTime) -> Self {
        Self { reading: Arc::new(watch::Sender::new(Reading { now: start, elapsed: Duration::ZERO })) }
    }

    /// Lets time pass. Whoever sleeps until then, or less, wakes.
    pub fn advance(&self, duration: Duration) {
        self.reading.send_modify(|reading| {
            reading.now = later(reading.now, duration);
            reading.elapsed = reading.elapsed.saturating_add(duration);
        });
    }

    /// Sets the wall clock, forwards or back. No time passes: nobody wakes.
    pub fn set(&self, now: OffsetDateTime) {
        self.reading.send_modify(|reading| reading.now = now);
    }

    /// How many sleeps have begun and neither ended nor been dropped.
    pub fn sleepers(&self) -> usize {
        self.reading.receiver_count()
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").field("now", &self.now()).field("elapsed", &self.elapsed()).finish()
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        self.reading.borrow().now
    }

    fn elapsed(&self) -> Duration {
        self.reading.borrow().elapsed
    }

    async fn sleep(&self, duration: Duration) {
        let mut readings = self.reading.subscribe();
        // By elapsed time: setting the wall clock must wake nobody.
        let until = self.elapsed().saturating_add(duration);
        // It fails only when the sender is gone, and `self` holds one.
        let _ = readings.wait_for(|reading| reading.elapsed >= until).await;
    }
}

/// The moment after `duration`, or the last one that can be shown.
fn later(moment: OffsetDateTime, duration: Duration) -> OffsetDateTime {
    moment.saturating_add(time::Duration::try_from(duration).unwrap_or(time::Duration::MAX))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn virtual_time_passes_only_by_sleeping() {
        let clock = VirtualClock::new();
        let other = clock.clone();
        assert_eq!(clock.now(), START);
        other.sleep(Duration::from_secs(86_400)).await;
        assert_eq!(clock.elapsed(), Duration::from_secs(86_400));
        assert_eq!(clock.now(), datetime!(2026-01-02 00:00 UTC));
    }

    #[test]
    fn a_manual_sleeper_wakes_exactly_when_due() {
        let clock = ManualClock::new();
        let mut sleep = clock.sleep(Duration::from_secs(10));
        assert!(sleep.as_mut().now_or_never().is_none());
        assert_eq!(clock.sleepers(), 1);
        clock.advance(Duration::from_millis(9_999));
        assert!(sleep.as_mut().now_or_never().is_none());
        clock.set(datetime!(2027-01-01 00:00 UTC));
        assert!(sleep.as_mut().now_or_never().is_none(), "a jump of the wall clock wakes nobody");
        clock.advance(Duration::from_millis(1));
        assert!(sleep.as_mut().now_or_never().is_some());
        drop(sleep);
        assert_eq!(clock.sleepers(), 0);
    }

    #[test]
    fn a_sleep_of_nothing_ends_at_once() {
        assert!(ManualClock::new().sleep(Duration::ZERO).now_or_never().is_some());
    }

    #[test]
    fn the_end_of_time_is_not_passed() {
        let clock = ManualClock::new();
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert_eq!(clock.elapsed(), Duration::MAX);
        assert_eq!(clock.now().year(), 9999);
    }
}
