//! The emulator's clock: the machine's, or one that stands still, and either can be moved on.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::Clock;
use azconnect_http::SystemClock;
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::base::moment::Moment;

/// The longest that a clock can be moved on at once.
pub(crate) const LONGEST_MOVE: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

/// A clock that can be moved on, and never back.
pub(crate) struct AdjustableClock {
    machine: SystemClock,
    /// When it began, where it stands still.
    stands_at: Option<OffsetDateTime>,
    /// How long earlier runs lasted, and the time between them and this one.
    before: Duration,
    /// How far it was moved on.
    ahead: Mutex<Duration>,
    moved: watch::Sender<()>,
}

impl AdjustableClock {
    /// The machine's clock.
    pub(crate) fn running() -> Self {
        let machine = SystemClock::new();
        Self {
            machine,
            stands_at: None,
            before: Duration::ZERO,
            ahead: Mutex::default(),
            moved: watch::Sender::new(()),
        }
    }

    /// A clock that begins now and stands still. Whoever sleeps by it moves it on and waits for nothing.
    pub(crate) fn standing() -> Self {
        let running = Self::running();
        Self { stands_at: Some(running.machine.now()), ..running }
    }

    /// Goes on from where a clock of this kind was at a moment, when it had been moved on by `ahead`.
    pub(crate) fn continued(self, was: Moment, ahead: Duration) -> Self {
        let stands_at = self.stands_at.map(|_| was.wall);
        let ahead = if stands_at.is_some() { Duration::ZERO } else { ahead };
        let this = Self { stands_at, before: Duration::ZERO, ahead: Mutex::new(ahead), ..self };
        // The machine's clock may have been set back since: elapsed time does not follow it.
        let passed = Duration::try_from(this.now() - was.wall).unwrap_or_default();
        let before = was.elapsed.saturating_add(passed).saturating_sub(this.elapsed());
        Self { before, ..this }
    }

    /// Moves it on.
    pub(crate) fn advance(&self, time: Duration) {
        {
            let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
            *ahead = ahead.saturating_add(time.min(LONGEST_MOVE));
        }
        self.moved.send_replace(());
    }

    pub(crate) fn is_standing(&self) -> bool {
        self.stands_at.is_some()
    }

    /// How far it was moved on.
    pub(crate) fn ahead(&self) -> Duration {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for AdjustableClock {
    fn now(&self) -> OffsetDateTime {
        let ahead = time::Duration::try_from(self.ahead()).unwrap_or(time::Duration::MAX);
        self.stands_at.unwrap_or_else(|| self.machine.now()).saturating_add(ahead)
    }

    fn elapsed(&self) -> Duration {
        let machine = if self.is_standing() { Duration::ZERO } else { self.machine.elapsed() };
        machine.saturating_add(self.ahead()).saturating_add(self.before)
    }

    async fn sleep(&self, duration: Duration) {
        if self.is_standing() {
            self.advance(duration);
            return;
        }
        let end = self.elapsed().saturating_add(duration);
        let mut moved = self.moved.subscribe();
        while let Some(left) = end.checked_sub(self.elapsed()).filter(|left| !left.is_zero()) {
            tokio::select! {
                () = self.machine.sleep(left) => {}
                _ = moved.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_moved_on_wakes_who_sleeps_by_it() {
        let clock = AdjustableClock::running();
        let before = clock.now();
        let sleeping = clock.sleep(Duration::from_secs(3600));
        let moving = async {
            tokio::task::yield_now().await;
            clock.advance(Duration::from_secs(3600));
        };
        // Real time would have to pass otherwise, of which there is an hour in no test.
        let both = async { tokio::join!(sleeping, moving) };
        tokio::time::timeout(Duration::from_secs(1), both).await.unwrap();
        assert!(clock.now() - before >= time::Duration::hours(1));
    }

    #[tokio::test]
    async fn a_clock_that_stands_is_moved_by_those_who_sleep() {
        let clock = AdjustableClock::standing();
        let before = clock.now();
        assert_eq!((clock.now(), clock.elapsed()), (before, Duration::ZERO));
        clock.sleep(Duration::from_secs(90)).await;
        assert_eq!((clock.now() - before, clock.elapsed()), (time::Duration::seconds(90), Duration::from_secs(90)));
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert!(clock.now() > before, "a date of any size");
    }
}
