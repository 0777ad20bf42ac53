//! The pause that a service asks for before the next request.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use time::OffsetDateTime;

/// The longest pause that is accepted. Services ask for seconds or minutes; a longer pause is a mistake or a lock-out.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Reads `retry-after-ms`, `x-ms-retry-after-ms` or `Retry-After`, the latter in seconds or as an HTTP date.
pub fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let milliseconds = ["retry-after-ms", "x-ms-retry-after-ms"]
        .into_iter()
        .find_map(|name| text(name)?.parse().ok().map(Duration::from_millis));
    milliseconds
        .or_else(|| text("retry-after").and_then(|value| seconds_or_date(value, now)))
        .map(|pause| pause.min(LONGEST))
}

fn seconds_or_date(value: &str, now: OffsetDateTime) -> Option<Duration> {
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::from(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn read(name: &'static str, value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        retry_after(&headers, datetime!(2026-11-21 10:00 UTC))
    }

    #[test]
    fn seconds_milliseconds_and_dates_are_read() {
        assert_eq!(read("retry-after", "17"), Some(Duration::from_secs(17)));
        assert_eq!(read("x-ms-retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(read("retry-after", "Sat, 21 Nov 2026 10:00:30 GMT"), Some(Duration::from_secs(30)));
    }

    #[test]
    fn a_past_date_is_no_pause_and_nonsense_is_ignored() {
        assert_eq!(read("retry-after", "Sat, 21 Nov 2020 10:00:30 GMT"), Some(Duration::ZERO));
        assert_eq!(read("retry-after", "soon"), None);
        assert_eq!(read("retry-after", "-3"), None);
        assert_eq!(read("retry-after", "99999999"), Some(LONGEST));
    }
}
