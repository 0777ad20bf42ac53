//! Times as people read them, in UTC.

use time::format_description::FormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, UtcOffset};

const DAY: &[FormatItem<'_>] = format_description!("[weekday repr:short] [day padding:none] [month repr:short] [year]");
const MOMENT: &[FormatItem<'_>] =
    format_description!("[weekday repr:short] [day padding:none] [month repr:short] [year] [hour]:[minute] UTC");
const CLOCK: &[FormatItem<'_>] = format_description!("[hour]:[minute]:[second]");
const SHORT: &[FormatItem<'_>] = format_description!("[day padding:none] [month repr:short] [hour]:[minute]:[second]");

/// A day, such as `Fri 20 Nov 2026`.
pub fn day(at: OffsetDateTime) -> String {
    written(at, DAY)
}

/// A moment, such as `Fri 20 Nov 2026 14:03 UTC`.
pub fn moment(at: OffsetDateTime) -> String {
    written(at, MOMENT)
}

/// A time of day, such as `14:03:07`.
pub fn clock(at: OffsetDateTime) -> String {
    written(at, CLOCK)
}

/// A time and its day without the year, such as `20 Nov 14:03:07`.
pub fn day_and_clock(at: OffsetDateTime) -> String {
    written(at, SHORT)
}

fn written(at: OffsetDateTime, form: &[FormatItem<'_>]) -> String {
    // A moment that has all these parts can always be written.
    at.to_offset(UtcOffset::UTC).format(form).unwrap_or_default()
}

/// How far a moment is from now, such as `in 30 days` or `3 days ago`.
pub fn relative(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let distance = at - now;
    match (distance.is_negative(), span(distance.abs())) {
        (_, None) => "now".to_owned(),
        (true, Some(span)) => format!("{span} ago"),
        (false, Some(span)) => format!("in {span}"),
    }
}

/// A length of time in its largest fitting unit, rounded; nothing below a second.
fn span(length: Duration) -> Option<String> {
    let seconds = length.whole_seconds();
    let (unit, name) = match seconds {
        0 => return None,
        1..120 => (1, "second"),
        120..7_200 => (60, "minute"),
        7_200..172_800 => (3_600, "hour"),
        _ => (86_400, "day"),
    };
    let number = (seconds + unit / 2) / unit;
    Some(format!("{number} {name}{}", if number == 1 { "" } else { "s" }))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn moments_are_written_in_utc_with_the_day_of_the_week() {
        let at = datetime!(2026-12-20 15:03:07 +01:00);
        assert_eq!(moment(at), "Sun 20 Dec 2026 14:03 UTC");
        assert_eq!((day(at), clock(at)), ("Sun 20 Dec 2026".to_owned(), "14:03:07".to_owned()));
        assert_eq!(day_and_clock(at), "20 Dec 14:03:07");
    }

    #[test]
    fn distances_have_one_unit() {
        let now = datetime!(2026-11-20 12:00 UTC);
        for (away, said) in [
            (Duration::days(30), "in 30 days"),
            (Duration::days(-3), "3 days ago"),
            (Duration::hours(47), "in 47 hours"),
            (Duration::minutes(61), "in 61 minutes"),
            (Duration::seconds(-1), "1 second ago"),
            (Duration::milliseconds(300), "now"),
        ] {
            assert_eq!(relative(now + away, now), said);
        }
    }
}
