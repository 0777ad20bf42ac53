//! Streams whose entries, clocks and terms nobody means.

use std::time::Duration;

use azconnect_core::{Append, Clock, Epoch, ErrorKind, Journal, Record, Sequence};
use azconnect_saga::{Session, SessionPorts, within};
use azconnect_store::{MemoryJournal, MemoryLease};
use azconnect_testkit::VirtualClock;
use std::sync::Arc;
use time::macros::datetime;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::stage::{Tally, claim, counted, stream};

const LENGTHS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_secs(i64::MAX as u64),
    Duration::from_secs(u64::MAX),
    Duration::MAX,
];

fn moments() -> [OffsetDateTime; 6] {
    let (east, west) = (UtcOffset::from_hms(25, 0, 0).unwrap(), UtcOffset::from_hms(-25, 0, 0).unwrap());
    [
        PrimitiveDateTime::MAX.assume_utc(),
        PrimitiveDateTime::MIN.assume_utc(),
        PrimitiveDateTime::MAX.assume_offset(west),
        PrimitiveDateTime::MIN.assume_offset(east),
        datetime!(9999-12-31 23:59:59 -23:59),
        datetime!(2026-11-21 0:00 UTC),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_any_moments_is_opened_and_written_or_refused_in_words() {
    for recorded in moments() {
        for start in moments() {
            let clock = VirtualClock::starting_at(start);
            let journal = MemoryJournal::new();
            let event = serde_json::to_string(&counted(1)).unwrap();
            let record = Record::new("counted", event, recorded);
            journal.append(Append::new(stream(), Sequence::START, Epoch(0), vec![record])).await.unwrap();
            let lease = Arc::new(MemoryLease::new(Arc::new(clock.clone())));
            let ports = SessionPorts::new(Arc::new(journal), lease, Arc::new(clock.clone()));
            match Session::<Tally>::open(&ports, claim()).await {
                Ok(session) => {
                    assert!(session.now() >= recorded && session.now() >= start, "{recorded} {start}");
                    let _ = session.skew();
                    clock.sleep(Duration::from_secs(20)).await;
                    let _ = session.append(&[counted(2)]).await;
                    session.close().await;
                }
                // A lease cannot end after the last moment there is.
                Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidInput, "{recorded} {start}: {error}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_of_any_term_and_deadline_is_kept_or_refused_in_words() {
    for term in LENGTHS {
        for deadline in LENGTHS {
            let clock = VirtualClock::new();
            let lease = Arc::new(MemoryLease::new(Arc::new(clock.clone())));
            let ports = SessionPorts::new(Arc::new(MemoryJournal::new()), lease, Arc::new(clock));
            let wanted = claim().with_term(term).with_call_deadline(deadline);
            let _ = wanted.call_deadline();
            if let Ok(session) = Session::<Tally>::open(&ports, wanted).await {
                let _ = session.append(&[counted(1)]).await;
                session.close().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_of_any_length_is_a_limit() {
    for limit in LENGTHS {
        let clock = VirtualClock::new();
        let done = within(&clock, limit, "the work", async { 7 }).await.ok();
        assert!(done == Some(7) || limit.is_zero(), "{limit:?}");
    }
}
