//! When to try again.

use std::time::Duration;

use crate::effect::Retry;
use crate::error::Error;

/// How often the pause doubles at most: 2^20 times the first pause is beyond any sensible cap.
const MAX_DOUBLINGS: u32 = 20;

/// What is known when one attempt has failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// How many attempts were made, this one included; at least 1.
    pub number: u32,
    /// Time since the first attempt began.
    pub elapsed: Duration,
    /// Why this attempt failed.
    pub error: &'a Error,
    /// A number in `0.0..1.0`, evenly distributed, to spread callers that failed together.
    pub jitter: f64,
}

impl<'a> Attempt<'a> {
    /// Describes a failed attempt. `jitter` is clamped into `0.0..=1.0`.
    pub fn new(number: u32, elapsed: Duration, error: &'a Error, jitter: f64) -> Self {
        Self { number, elapsed, error, jitter: jitter.clamp(0.0, 1.0) }
    }
}

/// Decides whether a failed attempt is repeated, and after which pause.
///
/// The pipeline asks only when a repetition is safe: the request is idempotent, or provably was not applied.
pub trait RetryPolicy: Send + Sync {
    /// The pause before the next attempt, or `None` to give up.
    fn pause(&self, attempt: &Attempt<'_>) -> Option<Duration>;
}

/// Exponential backoff with equal jitter: half of each pause is fixed, the other half random. It never undercuts a pause
/// that a service names, and such a pause never shortens its own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExponentialBackoff {
    /// How many attempts at most, the first included.
    pub attempts: u32,
    /// The longest first pause; it doubles with every attempt.
    pub base: Duration,
    /// The longest pause of our own choice.
    pub cap: Duration,
    /// The longest time between the start of the first attempt and the start of the last.
    pub time_limit: Duration,
}

impl Default for ExponentialBackoff {
    /// 5 attempts, with pauses of 0.4 to 0.8, 0.8 to 1.6, 1.6 to 3.2 … seconds and at most 30, all within 2 minutes.
    fn default() -> Self {
        Self {
            attempts: 5,
            base: Duration::from_millis(800),
            cap: Duration::from_secs(30),
            time_limit: Duration::from_secs(120),
        }
    }
}

impl ExponentialBackoff {
    /// Sets how many attempts are made at most, the first included.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the longest first pause and the longest pause at all.
    #[must_use]
    pub fn with_pauses(mut self, base: Duration, cap: Duration) -> Self {
        self.base = base;
        self.cap = cap;
        self
    }

    /// Sets the time within which every attempt must start.
    #[must_use]
    pub fn with_time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }
}

impl RetryPolicy for ExponentialBackoff {
    fn pause(&self, attempt: &Attempt<'_>) -> Option<Duration> {
        if attempt.number >= self.attempts {
            return None;
        }
        // By then the cap decides; without the limit the shift would overflow.
        let doublings = attempt.number.saturating_sub(1).min(MAX_DOUBLINGS);
        let ceiling = self.base.saturating_mul(1 << doublings).min(self.cap);
        let own = share(ceiling, 0.5 + attempt.jitter / 2.0);
        let pause = match attempt.error.retry() {
            Retry::No => return None,
            Retry::Backoff => own,
            // A tenth on top, so that callers throttled together do not return together. A service that names no time, or
            // one that is past, must not be asked again at once and at once again.
            Retry::After(named) => named.saturating_add(share((named / 10).min(self.cap), attempt.jitter)).max(own),
        };
        (attempt.elapsed.saturating_add(pause) <= self.time_limit).then_some(pause)
    }
}

/// A part of a pause, and all of it where no part can be told: a number that is none, or a pause beyond what floats hold.
fn share(pause: Duration, part: f64) -> Duration {
    Duration::try_from_secs_f64(pause.as_secs_f64() * part).unwrap_or(pause).min(pause)
}

/// A policy that never tries again.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRetry;

impl RetryPolicy for NoRetry {
    fn pause(&self, _: &Attempt<'_>) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_kind::ErrorKind;

    fn pause(number: u32, elapsed: u64, retry: Retry, jitter: f64) -> Option<Duration> {
        let error = Error::new(ErrorKind::Unavailable, "x").with_retry(retry);
        ExponentialBackoff::default().pause(&Attempt::new(number, Duration::from_secs(elapsed), &error, jitter))
    }

    #[test]
    fn pauses_double_up_to_the_cap() {
        assert_eq!(pause(1, 0, Retry::Backoff, 1.0), Some(Duration::from_millis(800)));
        assert_eq!(pause(3, 0, Retry::Backoff, 1.0), Some(Duration::from_millis(3200)));
        assert_eq!(pause(1, 0, Retry::Backoff, 0.0), Some(Duration::from_millis(400)));
    }

    #[test]
    fn the_service_s_pause_is_never_undercut() {
        assert_eq!(pause(1, 0, Retry::After(Duration::from_secs(40)), 0.0), Some(Duration::from_secs(40)));
        assert!(pause(1, 0, Retry::After(Duration::from_secs(40)), 1.0) > Some(Duration::from_secs(40)));
    }

    #[test]
    fn a_pause_of_the_service_never_shortens_our_own() {
        for named in [Duration::ZERO, Duration::from_millis(1), Duration::from_millis(3199)] {
            assert!(pause(3, 0, Retry::After(named), 1.0) >= Some(Duration::from_millis(3200)), "{named:?}");
            assert!(pause(3, 0, Retry::After(named), 0.0) >= Some(Duration::from_millis(1600)), "{named:?}");
        }
    }

    #[test]
    fn attempts_and_time_limit_end_the_retries() {
        assert_eq!(pause(5, 0, Retry::Backoff, 0.0), None);
        assert_eq!(pause(1, 100, Retry::After(Duration::from_secs(30)), 0.0), None);
        assert_eq!(pause(1, 0, Retry::No, 0.0), None);
    }
}
