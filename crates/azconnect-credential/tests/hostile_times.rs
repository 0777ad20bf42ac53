//! Times that nobody means: they come from services, people and broken clocks, and nothing here panics on one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::time::Duration;

use azconnect_credential::entra::{self, EntraCode};
use azconnect_credential::{
    Assessment, ConnectionRecord, CredentialKind, EndReading, EndSource, Expiry, ExpiryNote, ExpiryPolicy, Kept,
    ListedEnd,
};
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

    /// Looks at any moments, in any order, with any end: each crossing is noted once, and nothing panics.
    #[test]
    fn a_note_takes_any_end_at_any_time(
        recorded in proptest::option::of(moments()), changed in moments(),
        looks in proptest::collection::vec((moments(), proptest::option::of(proptest::option::of(moments()))), 1..12),
    ) {
        let id = "d1b2c3d4-0000-4000-8000-000000000001";
        let credential = CredentialKind::client_secret("a/b".parse().unwrap(), recorded);
        let (subscription, tenant, client) = (id.parse().unwrap(), id.parse().unwrap(), id.parse().unwrap());
        let record = ConnectionRecord::new("shop".parse().unwrap(), subscription, tenant, client, credential)
            .with_created_at(changed);
        let mut note = ExpiryNote::new(&record).unwrap();
        for (now, listed) in looks {
            let reading = match listed {
                Some(end) => EndReading::Listed(ListedEnd::new(id.parse().unwrap(), EndSource::ListedByKey, end)),
                None => EndReading::Absent(azconnect_core::Diagnosis::invalid("key", "not listed")),
            };
            let before = note.clone();
            let found = note.look(&record, &reading, &ExpiryPolicy::default(), now);
            prop_assert!(found.source != EndSource::Unknown || found.expiry.ends_at().is_none());
            prop_assert!(found.noted.is_none() || note != before);
            prop_assert_eq!(note.look(&record, &reading, &ExpiryPolicy::default(), now).noted, None);
            // A moment that RFC 3339 cannot say is refused, and whatever is written is read.
            if let Ok(text) = note.to_text() {
                prop_assert_eq!(ExpiryNote::from_text(&text).unwrap(), note.clone());
            }
        }
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
