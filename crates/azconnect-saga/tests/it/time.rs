//! Times in a stream never go back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Append, Clock, Epoch, Journal, Record, Sequence};
use azconnect_saga::{Saga, Session, SessionPorts};
use azconnect_store::{MemoryJournal, MemoryLease};
use azconnect_testkit::VirtualClock;
use time::OffsetDateTime;

use crate::checkpoint::Whole;
use crate::stage::{Fate, Fickle, SLOW, Tally, claim, counted, stream};

const DAY: Duration = Duration::from_secs(86_400);

/// A clock that a person may set.
#[derive(Clone)]
struct Settable {
    inner: VirtualClock,
    off: Arc<Mutex<time::Duration>>,
}

impl Settable {
    fn set(&self, off: time::Duration) {
        *self.off.lock().unwrap() = off;
    }
}

#[async_trait]
impl Clock for Settable {
    fn now(&self) -> OffsetDateTime {
        self.inner.now() + *self.off.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.inner.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration).await;
    }
}

/// A stream whose writers' clocks are set, and whose lease goes by a clock of its own.
struct Place {
    clock: Settable,
    journal: Fickle<MemoryJournal>,
    ports: SessionPorts,
}

impl Place {
    fn new() -> Self {
        let inner = VirtualClock::new();
        let clock = Settable { inner: inner.clone(), off: Arc::default() };
        let journal = Fickle::new(MemoryJournal::new());
        let lease = Arc::new(MemoryLease::new(Arc::new(inner)));
        let ports = SessionPorts::new(Arc::new(journal.clone()), lease, Arc::new(clock.clone()));
        Self { clock, journal, ports }
    }

    async fn open(&self) -> Session<Tally> {
        self.open_as().await
    }

    async fn open_as<S: Saga>(&self) -> Session<S> {
        Session::open(&self.ports, claim()).await.unwrap()
    }

    /// Writes numbers by hand, each at its time.
    async fn write(&self, times: &[OffsetDateTime]) {
        let event = |to: u32| serde_json::to_string(&counted(to)).unwrap();
        let records = (1..).zip(times).map(|(to, at)| Record::new("counted", event(to), *at)).collect();
        self.journal.append(Append::new(stream(), Sequence::START, Epoch(0), records)).await.unwrap();
    }

    async fn times(&self) -> Vec<OffsetDateTime> {
        let entries = self.journal.read(&stream(), Sequence::START).await.unwrap();
        entries.iter().map(|entry| entry.record.at).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_goes_by_its_clock() {
    let place = Place::new();
    let session = place.open().await;
    place.clock.sleep(DAY).await;
    assert_eq!((session.now(), session.skew()), (place.clock.now(), None));
    place.clock.set(time::Duration::hours(1));
    assert_eq!((session.now(), session.skew()), (place.clock.now(), None), "a clock that is set forward is believed");
    let appended = session.append(&[counted(1)]).await.unwrap();
    assert_eq!(appended.at, place.clock.now());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_back_between_two_sessions_does_not_take_the_stream_back() {
    let place = Place::new();
    place.clock.sleep(DAY).await;
    let session = place.open().await;
    let before = session.append(&[counted(1)]).await.unwrap().at;
    session.close().await;

    place.clock.set(-time::Duration::DAY);
    let session = place.open().await;
    assert_eq!((session.now(), session.skew()), (before, Some(DAY)));
    place.clock.sleep(Duration::from_secs(600)).await;
    assert_eq!((session.now(), session.skew()), (before + Duration::from_secs(600), Some(DAY)));
    session.append(&[counted(2)]).await.unwrap();
    assert_eq!(place.times().await, [before, before + Duration::from_secs(600)]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_in_the_middle_of_a_session_does_not_take_the_stream_back() {
    let place = Place::new();
    let session = place.open().await;
    place.clock.set(time::Duration::hours(2));
    let before = session.append(&[counted(1)]).await.unwrap().at;
    place.clock.set(-time::Duration::DAY);
    assert_eq!(session.now(), before);
    assert_eq!(session.skew(), Some(DAY + Duration::from_secs(7200)));
    place.clock.sleep(Duration::from_secs(1)).await;
    session.append(&[counted(2)]).await.unwrap();
    assert_eq!(place.times().await, [before, before + Duration::from_secs(1)]);
    place.clock.set(time::Duration::hours(2));
    assert_eq!((session.now(), session.skew()), (place.clock.now(), None), "it is right again");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_before_the_first_append_is_held_as_well() {
    let place = Place::new();
    place.write(&[place.clock.now() - 30 * DAY]).await;
    let session = place.open().await;
    let opened = session.now();
    place.clock.set(-time::Duration::DAY);
    assert_eq!((session.now(), session.skew()), (opened, Some(DAY)));
}

#[tokio::test(start_paused = true)]
async fn clocks_that_differ_by_up_to_a_minute_are_no_skew() {
    let place = Place::new();
    let session = place.open().await;
    session.append(&[counted(1)]).await.unwrap();
    for (seconds, wanted) in [(60, None), (61, Some(Duration::from_secs(61)))] {
        place.clock.set(-time::Duration::seconds(seconds));
        assert_eq!(session.skew(), wanted);
    }
}

#[tokio::test(start_paused = true)]
async fn an_append_whose_answer_was_lost_moves_the_time_on_as_well() {
    let place = Place::new();
    let session = place.open().await;
    place.clock.set(time::Duration::DAY);
    place.journal.next(&[Fate::Unanswered]);
    session.append(&[counted(1)]).await.unwrap_err();
    place.clock.set(time::Duration::ZERO);
    assert_eq!(session.skew(), None, "nobody knows that it was written");
    session.settle().await.unwrap();
    assert_eq!((session.skew(), place.times().await), (Some(DAY), vec![session.now()]));
}

#[tokio::test(start_paused = true)]
async fn the_latest_time_of_a_stream_counts_and_not_the_last() {
    let place = Place::new();
    let now = place.clock.now();
    place.write(&[now, now + 2 * DAY, now + DAY]).await;
    let session = place.open().await;
    assert_eq!((session.now(), session.skew()), (now + 2 * DAY, Some(2 * DAY)));
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_has_a_time_as_well() {
    let place = Place::new();
    let session = place.open_as::<Whole>().await;
    place.clock.set(time::Duration::DAY);
    session.append(&[counted(1), counted(2)]).await.unwrap();
    session.close().await;
    assert!(place.journal.latest(&stream()).await.unwrap()[0].record.is_checkpoint());
    place.clock.set(time::Duration::ZERO);
    assert_eq!(place.open_as::<Whole>().await.skew(), Some(DAY));
}

#[tokio::test(start_paused = true)]
async fn a_slow_append_takes_no_time_back() {
    let place = Place::new();
    let session = place.open().await;
    place.clock.set(-time::Duration::DAY);
    place.journal.next(&[Fate::Slow]);
    let began = session.now();
    session.append(&[counted(1)]).await.unwrap();
    assert_eq!(session.now(), began + SLOW);
}
