//! Time, as a port.

use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

/// Wall time, elapsed time and sleep. Libraries of azconnect know no other source of time.
///
/// What the suite `azconnect_testkit::conformance::clock` enforces: the wall clock is in UTC; elapsed time never goes back
/// and measures what passes; a sleep never ends early and always ends, also a sleep of nothing; sleepers do not wake each
/// other; a sleep that is dropped has no effect; a sleep of `Duration::MAX` can be begun.
///
/// The real one is `azconnect_http::SystemClock` (feature `clock`); tests use the clocks of `azconnect-testkit`.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now, in UTC. It may jump when the machine's clock is set.
    fn now(&self) -> OffsetDateTime;

    /// Time since a fixed but arbitrary moment. It never goes back: deadlines are measured with it.
    fn elapsed(&self) -> Duration;

    /// Returns after `duration` of [`Clock::elapsed`].
    ///
    /// # Cancel safety
    /// Dropping the future ends the sleep and has no other effect.
    async fn sleep(&self, duration: Duration);
}
