//! Pauses and limits that no service and no caller means.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Attempt, RetryPolicy};
use azconnect_http::{Call, PlainDialect, retry_after};
use azconnect_testkit::VirtualClock;
use http::HeaderMap;
use proptest::prelude::*;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};
use url::Url;

use crate::fake::{Script, answer, status};

const LENGTHS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_secs(i64::MAX as u64),
    Duration::from_secs(u64::MAX),
    Duration::MAX,
];

/// What a header may say.
const PAUSES: [&str; 14] = [
    "0",
    "-1",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    "1e400",
    "NaN",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Sat, 01 Jan 0000 00:00:00 GMT",
    "Friday, 31-Dec-99 23:59:59 GMT",
    "Fri, 31 Dec 9999 23:59:60 GMT",
    "Fri, 31 Dec 99999 23:59:59 GMT",
    "",
];

fn moments() -> [OffsetDateTime; 4] {
    [
        PrimitiveDateTime::MAX.assume_utc(),
        PrimitiveDateTime::MIN.assume_utc(),
        PrimitiveDateTime::MAX.assume_offset(UtcOffset::from_hms(-25, 0, 0).unwrap()),
        OffsetDateTime::UNIX_EPOCH,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_a_header_says_is_a_pause_of_at_most_a_day(text in "\\PC{0,40}", year in 0..20_000_u32, seconds in any::<i64>()) {
        for value in [text, format!("Fri, 31 Dec {year:04} 23:59:59 GMT"), seconds.to_string()] {
            read_everywhere(&value)?;
        }
    }
}

fn read_everywhere(value: &str) -> Result<(), TestCaseError> {
    for name in ["retry-after", "retry-after-ms", "x-ms-retry-after-ms"] {
        let mut headers = HeaderMap::new();
        let Ok(value) = value.parse() else { return Ok(()) };
        headers.insert(name, value);
        for now in moments() {
            let pause = retry_after(&headers, now);
            prop_assert!(pause.is_none_or(|pause| pause <= Duration::from_secs(86_400)), "{pause:?}");
        }
    }
    Ok(())
}

#[test]
fn a_pause_at_the_edge_of_the_calendar_is_at_most_a_day() {
    for value in PAUSES {
        read_everywhere(value).unwrap();
    }
}

fn call() -> Call {
    Call::get("test.read", Url::parse("https://example.com/").unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_call_within_any_time_limit_ends() {
    for limit in LENGTHS {
        for pause in PAUSES {
            let clock = VirtualClock::new();
            let script = Script::new(&clock, [answer(429, &[("retry-after", pause)], ""), status(200)]);
            let pipeline = script.pipeline().with_time_limit(limit).with_longest_pause(limit);
            let outcome = pipeline.execute(call(), &PlainDialect).await;
            assert!(outcome.is_ok() || script.attempts() >= 1 || limit.is_zero(), "{limit:?} {pause}");
            let script = Script::new(&clock, [answer(503, &[("retry-after", pause)], ""), status(200)]);
            let outcome = script.pipeline().execute(call().with_time_limit(limit), &PlainDialect).await;
            if let Err(error) = outcome {
                assert!(!format!("{error} {}", error.advice()).is_empty());
            }
        }
    }
}

/// Waits a second, and then for ever.
struct Endless;

impl RetryPolicy for Endless {
    fn pause(&self, attempt: &Attempt<'_>) -> Option<Duration> {
        Some(if attempt.number == 1 { Duration::from_secs(1) } else { Duration::MAX })
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_would_wait_for_ever_ends_with_the_error() {
    let clock = VirtualClock::new();
    let script = Script::new(&clock, [status(503)]);
    let pipeline = script.pipeline().with_retry(Arc::new(Endless)).with_time_limit(Duration::MAX);
    pipeline.execute(call(), &PlainDialect).await.unwrap_err();
    assert_eq!(script.attempts(), 2);
}
