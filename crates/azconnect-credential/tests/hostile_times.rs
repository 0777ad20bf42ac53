//! Times that nobody means: they come from services, people and broken clocks, and nothing here panics on one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::time::Duration;

use azconnect_credential::entra::{self, EntraCode};
use azconnect_credential::{Assessment, CredentialKind, Expiry};
use proptest::prelude::*;
use time::macros::datetime;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

fn moments() -> impl Strategy<Value = OffsetDateTime> {
    prop_oneof![
        Just(datetime!(9999-12-31 23:59:59.999_999_999 -23:59)),
        Just(datetime!(0000-01-01 0:00 +23:59)),
        Just(PrimitiveDateTime::MAX.assume_offset(UtcOffset::from_hms(-25, 0, 0).unwrap())),
        Just(PrimitiveDateTime::MIN.assume_offset(UtcOffset::from_hms(25, 0, 0).unwrap())),
        Just(PrimitiveDateTime::MAX.assume_utc()),
        Just(PrimitiveDateTime::MIN.assume_utc()),
        Just(OffsetDateTime::UNIX_EPOCH),
        Just(datetime!(2026-11-21 0:00 UTC)),
        (-377_705_116_800_i64..253_402_300_800).prop_map(|at| OffsetDateTime::from_unix_timestamp(at).unwrap()),
    ]
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::from_secs(i64::MAX as u64)),
        Just(Duration::from_secs(i64::MAX as u64 + 1)),
        Just(Duration::MAX),
        any::<u64>().prop_map(Duration::from_secs),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_end_of_any_moment_is_judged(end in moments(), now in moments(), warn_before in durations()) {
        let judged = Expiry::of(Some(end), now, warn_before);
        prop_assert_eq!(matches!(judged, Expiry::Expired { .. }), end <= now);
        let shown = format!("{judged:?}");
        prop_assert!(!shown.is_empty());
        // A moment that RFC 3339 cannot say is refused, and not written otherwise.
        let _ = serde_json::to_string(&judged);
        let _ = serde_json::to_string(&CredentialKind::client_secret("a/b".parse().unwrap(), Some(end)));
    }

    #[test]
    fn a_refusal_of_a_secret_of_any_age_is_judged(
        made in proptest::option::of(moments()), now in moments(), propagation in durations(), code in any::<u32>(),
    ) {
        let age = entra::age(made, now);
        prop_assert_eq!(age.is_some(), made.is_some());
        for code in [code, 7_000_215, 7_000_222] {
            let assessment = entra::judge(EntraCode::new(code), age, propagation);
            prop_assert!(!assessment.is_accepted());
        }
    }

    #[test]
    fn an_assessment_with_any_pause_is_an_error_with_that_pause(pause in durations()) {
        let assessment = Assessment::inconclusive(
            &azconnect_core::Error::new(azconnect_core::ErrorKind::Throttled, "busy"),
        ).with_retry_after(pause);
        prop_assert_eq!(assessment.retry_after(), Some(pause));
        let error = assessment.to_error(azconnect_core::ErrorKind::Throttled, "busy");
        let shown = format!("{error} {error:?} {}", error.advice());
        prop_assert!(!shown.is_empty());
    }
}

#[test]
fn a_stored_end_at_the_edge_of_the_calendar_is_read_and_judged() {
    for end in
        ["9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59", "0000-01-01T00:00:00Z", "9999-12-31T23:59:60Z"]
    {
        let text = serde_json::json!({"kind": "client_secret", "secret": "a/b", "key": null, "ends_at": end});
        let Ok(credential) = serde_json::from_value::<CredentialKind>(text) else { continue };
        let judged = Expiry::of(credential.ends_at(), datetime!(2026-11-21 0:00 UTC), Duration::MAX);
        assert!(!matches!(judged, Expiry::Unknown), "{end}");
        assert!(serde_json::to_string(&credential).unwrap().contains("ends_at"));
    }
}
