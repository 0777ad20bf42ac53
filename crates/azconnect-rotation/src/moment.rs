//! Arithmetic on moments that neither wraps nor panics: terms and clocks come from outside.

use std::time::Duration;

use time::OffsetDateTime;

/// A moment a while later, or the last one there is.
pub(crate) fn later(at: OffsetDateTime, by: Duration) -> OffsetDateTime {
    at.saturating_add(signed(by))
}

/// A moment a while earlier, or the first one there is.
pub(crate) fn earlier(at: OffsetDateTime, by: Duration) -> OffsetDateTime {
    at.saturating_sub(signed(by))
}

/// How long it is from one moment to another; nothing if that lies before it.
pub(crate) fn between(from: OffsetDateTime, to: OffsetDateTime) -> Duration {
    Duration::try_from(to - from).unwrap_or_default()
}

/// A pause that doubles with every repetition, up to a longest one.
pub(crate) fn doubled(first: Duration, repetitions: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << repetitions.saturating_sub(1).min(20)).min(longest)
}

fn signed(duration: Duration) -> time::Duration {
    time::Duration::try_from(duration).unwrap_or(time::Duration::MAX)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_longest_term_reaches_the_end_of_time_and_no_further() {
        let now = datetime!(2026-01-01 0:00 UTC);
        assert!(later(now, Duration::MAX).year() >= 9999);
        assert!(earlier(now, Duration::MAX) < now);
        let last = later(datetime!(9999-12-31 23:59:59 -23:59), Duration::from_secs(86_400));
        assert!(last >= datetime!(9999-12-31 23:59:59 -23:59));
        assert_eq!(between(now, now - time::Duration::DAY), Duration::ZERO);
    }

    #[test]
    fn a_pause_doubles_up_to_its_limit() {
        let pause = |n| doubled(Duration::from_secs(5), n, Duration::from_secs(60)).as_secs();
        assert_eq!([0, 1, 2, 3, 4, 5, u32::MAX].map(pause), [5, 5, 10, 20, 40, 60, 60]);
    }
}
