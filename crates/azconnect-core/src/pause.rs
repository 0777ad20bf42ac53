//! A pause, as people say it.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A length of time in words, such as `90 seconds`, `60 minutes`, `5 hours` or `3 days`; never shorter than it is, so that
/// whoever waits that long has waited long enough.
///
/// ```
/// use std::time::Duration;
///
/// use azconnect_core::in_words;
///
/// assert_eq!(in_words(Duration::from_millis(200)), "1 second");
/// assert_eq!(in_words(Duration::from_secs(3600)), "60 minutes");
/// assert_eq!(in_words(Duration::from_secs(3 * 3600 + 1)), "3 hours and 1 minute");
/// ```
pub fn in_words(length: Duration) -> String {
    let seconds = length.as_secs().saturating_add(u64::from(length.subsec_nanos() > 0));
    match seconds {
        // Up to twice the next unit, where a rounded number would say too little.
        ..=119 => count(seconds.max(1), "second"),
        120..7200 => count(seconds.div_ceil(MINUTE), "minute"),
        7200..172_800 => two(seconds.div_ceil(MINUTE), HOUR / MINUTE, ("hour", "minute")),
        _ => two(seconds.div_ceil(HOUR), DAY / HOUR, ("day", "hour")),
    }
}

fn two(small: u64, in_large: u64, (large_unit, small_unit): (&str, &str)) -> String {
    let large = count(small / in_large, large_unit);
    match small % in_large {
        0 => large,
        rest => format!("{large} and {}", count(rest, small_unit)),
    }
}

fn count(number: u64, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_rounded_up() {
        let cases = [
            (0, "1 second"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (121, "3 minutes"),
            (3_600, "60 minutes"),
            (7_199, "120 minutes"),
            (7_200, "2 hours"),
            (7_201, "2 hours and 1 minute"),
            (86_400, "24 hours"),
            (172_800, "2 days"),
            (172_801, "2 days and 1 hour"),
        ];
        for (seconds, words) in cases {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
        assert_eq!(in_words(Duration::from_millis(1_001)), "2 seconds");
        assert!(in_words(Duration::MAX).ends_with("hours"), "{}", in_words(Duration::MAX));
    }
}
