//! Terms and moments that nobody means.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Append, Epoch, ErrorKind, Journal, Lease, LeaseKey, Record, Sequence, StreamId};
use azconnect_store::{MemoryJournal, MemoryLease};
use azconnect_testkit::{ManualClock, VirtualClock};
use proptest::prelude::*;
use time::macros::datetime;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

fn moments() -> impl Strategy<Value = OffsetDateTime> {
    prop_oneof![
        Just(PrimitiveDateTime::MAX.assume_utc()),
        Just(PrimitiveDateTime::MIN.assume_utc()),
        Just(PrimitiveDateTime::MAX.assume_offset(UtcOffset::from_hms(-25, 0, 0).unwrap())),
        Just(PrimitiveDateTime::MIN.assume_offset(UtcOffset::from_hms(25, 0, 0).unwrap())),
        Just(datetime!(9999-12-31 23:59:59 -23:59)),
        (-377_705_116_800_i64..253_402_300_800).prop_map(|at| OffsetDateTime::from_unix_timestamp(at).unwrap()),
    ]
}

fn lengths() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::from_nanos(1)),
        Just(Duration::MAX),
        any::<u64>().prop_map(Duration::from_secs),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_lease_for_any_term_at_any_moment_is_given_or_refused_in_words(
        start in moments(), other in moments(), terms in proptest::collection::vec(lengths(), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let clock = ManualClock::starting_at(start);
            let lease = MemoryLease::new(Arc::new(clock.clone()));
            let key: LeaseKey = "a".parse().unwrap();
            for term in terms {
                match lease.acquire(&key, "one", term).await {
                    Ok(grant) => {
                        clock.set(other);
                        let _ = lease.renew(&grant, term).await;
                        let _ = lease.acquire(&key, "two", term).await;
                        let _ = lease.release(&grant).await;
                        clock.set(start);
                    }
                    Err(error) => assert!(matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Conflict), "{error}"),
                }
            }
        });
    }

    #[test]
    fn an_entry_of_any_moment_is_kept_or_refused_in_words(at in moments()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (_, journal) = (VirtualClock::new(), MemoryJournal::new());
            let stream = StreamId::new("a").unwrap();
            let record = Record::new("kind", "{}", at);
            if let Err(error) = journal.append(Append::new(stream.clone(), Sequence::START, Epoch(0), vec![record])).await {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
            }
            let _ = journal.read(&stream, Sequence::START).await.unwrap();
        });
    }
}
