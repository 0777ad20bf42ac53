//! A saga that counts, and ports that fail where a test says so.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{
    Append, Clock, Effect, Entry, Error, ErrorKind, Grant, Integrity, Journal, Lease, LeaseKey, Retry, Sequence,
    StreamId,
};
use azconnect_saga::{Claim, IllegalEvent, Saga, Session, SessionPorts};
use azconnect_store::{MemoryJournal, MemoryLease};
use azconnect_testkit::VirtualClock;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub(crate) const TERM: Duration = Duration::from_secs(60);

/// How long a slow answer takes.
pub(crate) const SLOW: Duration = Duration::from_secs(15);

/// Longer than anything waits.
const DAY: Duration = Duration::from_secs(86_400);

/// For how long who is refused must wait.
pub(crate) const THROTTLED: Duration = Duration::from_secs(17);

/// Counts up, and rests at every even number.
pub(crate) struct Tally;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum TallyEvent {
    Counted { to: u32 },
}

pub(crate) fn counted(to: u32) -> TallyEvent {
    TallyEvent::Counted { to }
}

impl Saga for Tally {
    type State = u32;
    type Event = TallyEvent;

    fn kind(_: &TallyEvent) -> &'static str {
        "counted"
    }

    fn evolve(state: u32, event: &TallyEvent, _: OffsetDateTime) -> Result<u32, IllegalEvent> {
        let TallyEvent::Counted { to } = event;
        if *to == state + 1 { Ok(*to) } else { Err(IllegalEvent::new("counted", format!("{state} was the last"))) }
    }

    fn is_at_rest(state: &u32) -> bool {
        state.is_multiple_of(2)
    }
}

/// What happens to one call.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fate {
    /// It never arrives.
    Lost,
    /// It arrives, and its answer is lost.
    Unanswered,
    /// It arrives, and is never answered.
    Silent,
    /// It is sent when it is polled for the second time.
    Late,
    /// It arrives, and is answered [`SLOW`] later.
    Slow,
    /// It is refused for a time that is named, [`THROTTLED`].
    Throttled,
    /// It is refused for good.
    Refused,
}

/// A journal or a lease whose next calls may have another fate: appends and renewals the one, all others the other.
#[derive(Clone)]
pub(crate) struct Fickle<T> {
    pub(crate) inner: T,
    pub(crate) fates: Arc<Mutex<VecDeque<Fate>>>,
    asides: Arc<Mutex<VecDeque<Fate>>>,
    pub(crate) reads_fail: Arc<Mutex<bool>>,
    read: Arc<AtomicUsize>,
}

impl<T> Fickle<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { inner, fates: Arc::default(), asides: Arc::default(), reads_fail: Arc::default(), read: Arc::default() }
    }

    pub(crate) fn next(&self, fates: &[Fate]) {
        self.fates.lock().unwrap().extend(fates);
    }

    /// Says what happens to the next calls that are neither an append nor a renewal.
    pub(crate) fn next_aside(&self, fates: &[Fate]) {
        self.asides.lock().unwrap().extend(fates);
    }

    /// How many entries were read since this was asked last.
    pub(crate) fn count_read(&self) -> usize {
        self.read.swap(0, Ordering::SeqCst)
    }

    async fn meet<R>(&self, call: impl Future<Output = Result<R, Error>>) -> Result<R, Error> {
        let fate = self.fates.lock().unwrap().pop_front();
        Self::suffer(fate, call).await
    }

    async fn meet_aside<R>(&self, call: impl Future<Output = Result<R, Error>>) -> Result<R, Error> {
        let fate = self.asides.lock().unwrap().pop_front();
        Self::suffer(fate, call).await
    }

    async fn suffer<R>(fate: Option<Fate>, call: impl Future<Output = Result<R, Error>>) -> Result<R, Error> {
        let lost = || Error::new(ErrorKind::Unavailable, "no answer");
        match fate {
            None => call.await,
            Some(Fate::Lost) => Err(lost()),
            Some(Fate::Unanswered) => call.await.and(Err(lost())),
            Some(Fate::Slow) => {
                let answer = call.await;
                VirtualClock::new().sleep(SLOW).await;
                answer
            }
            Some(Fate::Throttled) => Err(lost().with_retry(Retry::After(THROTTLED))),
            Some(Fate::Refused) => Err(lost().with_kind(ErrorKind::Conflict)),
            Some(Fate::Late) => {
                let mut polled = false;
                poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }).await;
                call.await
            }
            Some(Fate::Silent) => {
                let _ = call.await;
                // Not for ever: a test that waits for it fails, and does not hang.
                VirtualClock::new().sleep(DAY).await;
                panic!("a call that is not answered was waited for for a day")
            }
        }
    }
}

#[async_trait]
impl Journal for Fickle<MemoryJournal> {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        self.meet(self.inner.append(append)).await
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        if *self.reads_fail.lock().unwrap() {
            return Err(Error::new(ErrorKind::Unavailable, "the disk is gone").with_effect(Effect::None));
        }
        let entries = self.meet_aside(self.inner.read(stream, after)).await?;
        self.read.fetch_add(entries.len(), Ordering::SeqCst);
        Ok(entries)
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        if *self.reads_fail.lock().unwrap() {
            return Err(Error::new(ErrorKind::Unavailable, "the disk is gone").with_effect(Effect::None));
        }
        let entries = self.meet_aside(self.inner.latest(stream)).await?;
        self.read.fetch_add(entries.len(), Ordering::SeqCst);
        Ok(entries)
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.inner.unfinished().await
    }

    fn integrity(&self) -> Integrity {
        self.inner.integrity()
    }
}

#[async_trait]
impl Lease for Fickle<MemoryLease> {
    async fn acquire(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Error> {
        self.meet_aside(self.inner.acquire(key, holder, term)).await
    }

    async fn renew(&self, grant: &Grant, term: Duration) -> Result<Grant, Error> {
        self.meet(self.inner.renew(grant, term)).await
    }

    async fn release(&self, grant: &Grant) -> Result<(), Error> {
        self.meet_aside(self.inner.release(grant)).await
    }
}

pub(crate) struct Stage {
    pub(crate) clock: VirtualClock,
    pub(crate) journal: Fickle<MemoryJournal>,
    pub(crate) lease: Fickle<MemoryLease>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let clock = VirtualClock::new();
        let lease = Fickle::new(MemoryLease::new(Arc::new(clock.clone())));
        Self { clock, journal: Fickle::new(MemoryJournal::new()), lease }
    }

    pub(crate) fn ports(&self) -> SessionPorts {
        SessionPorts::new(Arc::new(self.journal.clone()), Arc::new(self.lease.clone()), Arc::new(self.clock.clone()))
    }

    pub(crate) async fn open(&self) -> Result<Session<Tally>, Error> {
        self.open_as().await
    }

    pub(crate) async fn open_as<S: Saga>(&self) -> Result<Session<S>, Error> {
        Session::open(&self.ports(), claim()).await
    }

    pub(crate) async fn entries(&self) -> Vec<Entry> {
        self.journal.inner.read(&stream(), Sequence::START).await.unwrap()
    }

    pub(crate) async fn sleep(&self, seconds: u64) {
        self.clock.sleep(Duration::from_secs(seconds)).await;
    }
}

/// Fails where something hangs, instead of hanging as well.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(3600), work).await.expect("it hangs")
}

pub(crate) fn claim() -> Claim {
    Claim::new(stream()).unwrap().with_term(TERM).with_holder("test")
}

pub(crate) fn stream() -> StreamId {
    StreamId::new("tally/1").unwrap()
}
