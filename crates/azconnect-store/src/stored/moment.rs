//! Timestamps and counters as columns.

use azconnect_core::{Effect, Error, ErrorKind};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::damaged;

/// A moment as text in UTC, with every digit it has.
pub(crate) fn to_text(field: &'static str, moment: OffsetDateTime) -> Result<String, Error> {
    let text = moment.checked_to_offset(UtcOffset::UTC).and_then(|moment| moment.format(&Rfc3339).ok());
    text.ok_or_else(|| Error::invalid(field, "is a moment outside the years 0 to 9999"))
}

/// Reads a moment that [`to_text`] wrote. Any other text means that the database is damaged.
pub(crate) fn from_text(text: &str) -> Result<OffsetDateTime, Error> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| damaged("a timestamp that cannot be read"))
}

/// A count as a database's signed integer.
pub(crate) fn to_column(field: &'static str, count: u64) -> Result<i64, Error> {
    i64::try_from(count).map_err(|_| Error::invalid(field, "is greater than 2^63 - 1"))
}

/// Reads a count that [`to_column`] wrote. A negative one means that the database is damaged.
pub(crate) fn from_column(count: i64) -> Result<u64, Error> {
    u64::try_from(count)
        .map_err(|_| Error::new(ErrorKind::Corrupt, "the database holds a negative count").with_effect(Effect::None))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn moments_keep_every_digit() {
        for moment in [
            datetime!(2026-03-04 05:06:07.123456789 +02:00),
            datetime!(0000-01-01 00:00 UTC),
            datetime!(9999-12-31 23:59:59.999999999 UTC),
        ] {
            assert_eq!(from_text(&to_text("at", moment).unwrap()).unwrap(), moment);
        }
    }

    #[test]
    fn moments_beyond_the_calendar_are_refused() {
        for moment in [datetime!(-0001-01-01 00:00 UTC), datetime!(9999-12-31 23:00 -02:00)] {
            assert_eq!(to_text("at", moment).unwrap_err().field(), Some("at"));
        }
        assert_eq!(from_text("yesterday").unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn counts_fit_or_are_refused() {
        assert_eq!(from_column(to_column("epoch", 1 << 62).unwrap()).unwrap(), 1 << 62);
        assert_eq!(to_column("epoch", u64::MAX).unwrap_err().field(), Some("epoch"));
        assert_eq!(from_column(-1).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
