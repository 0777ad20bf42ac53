//! Two clocks that differ, as a refused assertion tells it.

use azconnect_core::Error;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// The code of an assertion that is not in time (AADSTS700024).
pub(crate) const OUT_OF_TIME: u32 = 700_024;

/// The times that the service names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    service: OffsetDateTime,
    from: OffsetDateTime,
    until: OffsetDateTime,
}

/// Says by how much the clocks differ, where the service's own words name the times. Of these nothing but the times is used.
pub(crate) fn tell(error: Error, description: &str) -> Error {
    let Some(times) = Times::read(description) else { return error };
    let message = format!(
        "{}: the service's clock says {}, and the assertion is valid from {} to {}{}",
        error.message(),
        written(times.service),
        written(times.from),
        written(times.until),
        times.difference(),
    );
    error.with_message(message).with_advice(
        "set this machine's clock by a time server; an assertion is valid from the moment at which it was signed",
    )
}

impl Times {
    fn read(text: &str) -> Option<Self> {
        let after = |words: &str| {
            let (_, rest) = text.split_once(words)?;
            let moment = rest.split([',', ' ', '\r', '\n']).next()?.trim_end_matches('.');
            OffsetDateTime::parse(moment, &Rfc3339).ok()
        };
        Some(Self {
            service: after("Current time: ")?,
            from: after("valid from ")?,
            until: after("expiry time of assertion ")?,
        })
    }

    /// An assertion is signed when it is needed, so its beginning is what this machine's clock said a moment before.
    fn difference(self) -> String {
        let ahead = self.from - self.service;
        let (by, word) = if ahead.is_positive() { (ahead, "ahead") } else { (-ahead, "behind, or it was sent late") };
        // To the nearest: some seconds pass until the refusal is there.
        match (by + Duration::seconds(30)).whole_minutes() {
            0 => String::new(),
            minutes => format!("; this machine's clock is about {minutes} minutes {word}"),
        }
    }
}

fn written(moment: OffsetDateTime) -> String {
    // Whole seconds: the service writes seven digits below them.
    let whole = moment.checked_sub(Duration::nanoseconds(moment.nanosecond().into())).unwrap_or(moment);
    whole.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use azconnect_core::ErrorKind;
    use proptest::prelude::*;

    use super::*;

    fn told(description: &str) -> Error {
        tell(Error::new(ErrorKind::Unauthenticated, "the client assertion is outside its time range"), description)
    }

    #[test]
    fn both_times_and_the_difference_are_told() {
        let error = told(
            "AADSTS700024: Client assertion is not within its valid time range. Current time: 2026-01-05T14:22:06.3213463Z, \
             assertion valid from 2026-01-05T14:40:00.0000000Z, expiry time of assertion 2026-01-05T14:50:00.0000000Z. Review \
             the documentation at https://example.com/s3cr3t .",
        );
        for part in ["2026-01-05T14:22:06Z", "2026-01-05T14:40:00Z", "2026-01-05T14:50:00Z", "18 minutes ahead"] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
        assert!(error.advice().contains("clock") && !error.to_string().contains("s3cr3t"));
    }

    #[test]
    fn a_clock_that_is_late_is_told_as_such() {
        let error = told(
            "Current time: 2026-01-05T15:00:00Z, assertion valid from 2026-01-05T14:00:00Z, expiry time of assertion \
             2026-01-05T14:10:00Z.",
        );
        assert!(error.message().contains("60 minutes behind"), "{error}");
    }

    #[test]
    fn without_times_the_message_stays() {
        for text in
            ["", "Current time: now, assertion valid from then, expiry time of assertion never.", "Current time: "]
        {
            assert_eq!(told(text).message(), "the client assertion is outside its time range", "{text}");
        }
    }

    /// A moment as a service writes one, or may write it by mistake.
    fn moment() -> impl Strategy<Value = String> {
        prop_oneof![
            (0_u32..=9999, 0_u32..14, 0_u32..33, 0_u32..25, 0_u32..61, "(Z|[+-][0-9]{2}:[0-9]{2}|\\.[0-9]{0,12}Z)")
                .prop_map(|(y, m, d, h, s, rest)| format!("{y:04}-{m:02}-{d:02}T{h:02}:{s:02}:{s:02}{rest}")),
            "\\PC{0,30}",
        ]
    }

    proptest! {
        #[test]
        fn no_description_makes_it_panic(
            text in "\\PC{0,60}", service in moment(), from in moment(), until in moment(), between in "[ ,.\r\n]{0,2}",
        ) {
            told(&text);
            told(&format!(
                "{text}Current time: {service}{between}, valid from {from}{between}, expiry time of assertion {until}{text}"
            ));
        }

        #[test]
        fn nothing_but_the_times_is_told(text in "[G-SU-Y]{12}", at in 0_usize..4) {
            let places: Vec<_> = (0..4).map(|place| if place == at { text.as_str() } else { "2026-01-05T14:22:06Z" }).collect();
            let [service, from, until, rest] = places[..] else { unreachable!() };
            let error = told(&format!(
                "{text} Current time: {service}, valid from {from}, expiry time of assertion {until} {rest}{text}"
            ));
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains(&text));
            prop_assert_eq!(error.message().contains("14:22:06"), at == 3);
        }
    }
}
