//! The fake radar keeps the promises of the port, and watches that break one are named.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, DocumentId, Effect, Error};
use azconnect_credential::{
    ConnectionId, ConnectionQuery, ConnectionRecord, Crossing, CrossingPage, EndReading, EndSource, Expiry,
    ExpiryWatch, StandingPage,
};
use azconnect_testkit::ManualClock;
use azconnect_testkit::conformance::expiry_watch::{self, WatchHarness};
use azconnect_testkit::fake::{Fault, Radar, RadarStep};
use time::OffsetDateTime;

use crate::judged::{named, verdict};

/// A clock whose wall time can be set back.
struct Turned(ManualClock, AtomicI64);

#[async_trait]
impl Clock for Turned {
    fn now(&self) -> OffsetDateTime {
        self.0.now() - time::Duration::seconds(self.1.load(Ordering::SeqCst))
    }
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

/// A fake, before which stands the watch under test.
struct Stage<W>(Radar, Arc<Turned>, fn(Radar) -> W);

impl<W> Stage<W> {
    fn new(wrap: fn(Radar) -> W) -> Self {
        let clock = Arc::new(Turned(ManualClock::new(), AtomicI64::new(0)));
        Self(Radar::new(clock.clone()), clock, wrap)
    }
}

#[async_trait]
impl<W: ExpiryWatch + 'static> WatchHarness for Stage<W> {
    fn watch(&self) -> Arc<dyn ExpiryWatch> {
        Arc::new((self.2)(self.0.clone()))
    }
    fn now(&self) -> OffsetDateTime {
        self.1.now()
    }
    async fn advance(&self, time: Duration) {
        self.1.0.advance(time);
    }
    fn turn_back(&self, time: Duration) {
        self.1.1.fetch_add(time.as_secs() as i64, Ordering::SeqCst);
    }
    async fn put(&self, record: ConnectionRecord) {
        self.0.put(record);
    }
    async fn remove(&self, id: &ConnectionId) {
        self.0.remove(id);
    }
    fn say(&self, id: &ConnectionId, reading: EndReading) {
        self.0.set_reading(id, reading);
    }
}

#[tokio::test]
async fn the_fake_radar_conforms() {
    expiry_watch::all(async || Stage::new(|radar| radar)).await;
}

#[tokio::test]
async fn the_fake_radar_fails_as_it_is_told() {
    let stage = Stage::new(|radar| radar);
    let radar = &stage.0;
    radar.faults().script(RadarStep::Read, Fault::Dropped);
    assert_eq!(radar.look(&ConnectionQuery::new()).await.unwrap_err().effect(), Effect::None);
    radar.faults().script(RadarStep::Write, Fault::AnswerLost);
    assert_eq!(radar.forget_removed().await.unwrap_err().effect(), Effect::Unknown);
    assert!(radar.look(&ConnectionQuery::new()).await.unwrap().standings.is_empty());
}

/// Acknowledges everything to everybody, and remembers nothing of it.
struct Agreeable(Radar);

#[async_trait]
impl ExpiryWatch for Agreeable {
    async fn look(&self, query: &ConnectionQuery) -> Result<StandingPage, Error> {
        self.0.look(query).await
    }
    async fn crossings(&self, after: Option<&DocumentId>) -> Result<CrossingPage, Error> {
        self.0.crossings(after).await
    }
    async fn acknowledge(&self, _: &Crossing) -> Result<bool, Error> {
        Ok(true)
    }
    async fn forget_removed(&self) -> Result<usize, Error> {
        Ok(0)
    }
}

#[tokio::test]
async fn a_watch_that_acknowledges_nothing_is_named() {
    let message = verdict(expiry_watch::all(async || Stage::new(Agreeable))).await;
    named(
        &message,
        &[
            "what was noted is returned until it is acknowledged",
            "one acknowledgement succeeds",
            "another secret begins anew",
            "of a removed connection nothing is told, and it is forgotten",
        ],
    );
}

/// Takes silence for freshness.
struct Hopeful(Radar);

#[async_trait]
impl ExpiryWatch for Hopeful {
    async fn look(&self, query: &ConnectionQuery) -> Result<StandingPage, Error> {
        let mut page = self.0.look(query).await?;
        for standing in &mut page.standings {
            if standing.expiry == Expiry::Unknown {
                standing.expiry = Expiry::Fresh { ends_at: OffsetDateTime::UNIX_EPOCH };
            }
        }
        Ok(page)
    }
    async fn crossings(&self, after: Option<&DocumentId>) -> Result<CrossingPage, Error> {
        self.0.crossings(after).await
    }
    async fn acknowledge(&self, crossing: &Crossing) -> Result<bool, Error> {
        self.0.acknowledge(crossing).await
    }
    async fn forget_removed(&self) -> Result<usize, Error> {
        self.0.forget_removed().await
    }
}

#[tokio::test]
async fn a_watch_that_hopes_is_named() {
    let message = verdict(expiry_watch::all(async || Stage::new(Hopeful))).await;
    named(&message, &["what nobody knows the end of is unknown", "a key is gone after spaced reads, and not before"]);
}

/// Does not hear that a secret has ended, and takes one whose end may not be read for gone although it signs in.
struct Deaf(Radar);

#[async_trait]
impl ExpiryWatch for Deaf {
    async fn look(&self, query: &ConnectionQuery) -> Result<StandingPage, Error> {
        let mut page = self.0.look(query).await?;
        for standing in &mut page.standings {
            let signs_in = standing.problem.as_ref().is_some_and(|known| known.message() == "its end may not be read");
            if standing.source == EndSource::Refused {
                (standing.expiry, standing.noted) = (Expiry::Unknown, None);
            } else if signs_in {
                standing.expiry = Expiry::Gone;
            }
        }
        Ok(page)
    }
    async fn crossings(&self, after: Option<&DocumentId>) -> Result<CrossingPage, Error> {
        self.0.crossings(after).await
    }
    async fn acknowledge(&self, crossing: &Crossing) -> Result<bool, Error> {
        self.0.acknowledge(crossing).await
    }
    async fn forget_removed(&self) -> Result<usize, Error> {
        self.0.forget_removed().await
    }
}

#[tokio::test]
async fn a_watch_that_does_not_hear_what_a_sign_in_says_is_named() {
    let message = verdict(expiry_watch::all(async || Stage::new(Deaf))).await;
    named(
        &message,
        &["what the service calls ended is expired at once, and told once", "a secret that signs in is not gone"],
    );
}
