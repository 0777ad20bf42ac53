//! Times that nobody means: they come from services, people and broken clocks, and nothing here panics on one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::time::Duration;

use azconnect_core::{Attempt, Error, ErrorKind, ExponentialBackoff, Retry, RetryPolicy, in_words};
use proptest::prelude::*;

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::from_nanos(1)),
        Just(Duration::from_secs(i64::MAX as u64)),
        Just(Duration::from_secs(u64::MAX)),
        Just(Duration::MAX),
        any::<u64>().prop_map(Duration::from_nanos),
        (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos)),
    ]
}

fn jitters() -> impl Strategy<Value = f64> {
    prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-1.0), Just(0.0), Just(1.0), 0.0..1.0_f64]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_retry_of_any_terms_names_a_pause_or_none(
        (number, attempts) in (any::<u32>(), any::<u32>()),
        (elapsed, base, cap, limit) in (durations(), durations(), durations(), durations()),
        named in durations(),
        jitter in jitters(),
    ) {
        let policy = ExponentialBackoff::default().with_attempts(attempts).with_pauses(base, cap).with_time_limit(limit);
        for retry in [Retry::No, Retry::Backoff, Retry::After(named)] {
            let error = Error::new(ErrorKind::Throttled, "busy").with_retry(retry);
            let mut attempt = Attempt::new(number, elapsed, &error, jitter);
            let pause = policy.pause(&attempt);
            if let (Some(pause), Retry::After(named)) = (pause, retry) {
                prop_assert!(pause >= named, "a pause that a service names is never undercut");
            }
            // The field is the caller's, too.
            attempt.jitter = jitter;
            let _ = policy.pause(&attempt);
            let shown = format!("{error} {error:?} {}", error.advice());
        prop_assert!(!shown.is_empty());
        }
    }

    #[test]
    fn any_pause_can_be_said_in_words(pause in durations()) {
        prop_assert!(in_words(pause).ends_with('s') || in_words(pause).starts_with("1 ") || in_words(pause).contains("and 1 "));
    }
}
