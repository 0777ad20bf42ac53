//! The clocks of the testkit keep the promises of the port, and clocks that break one are named.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::Clock;
use azconnect_testkit::conformance::clock::{self, ClockHarness};
use azconnect_testkit::{ManualClock, VirtualClock};
use time::{OffsetDateTime, UtcOffset};

use crate::judged::{named, verdict};

struct ByHand(ManualClock);

#[async_trait]
impl ClockHarness for ByHand {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.0.clone())
    }
    async fn pass(&self, time: Duration) {
        self.0.advance(time);
    }
}

struct ByItself(VirtualClock);

#[async_trait]
impl ClockHarness for ByItself {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.0.clone())
    }
    async fn pass(&self, time: Duration) {
        self.0.sleep(time).await;
    }
}

#[tokio::test]
async fn the_manual_clock_conforms() {
    clock::all(async || ByHand(ManualClock::new())).await;
}

#[tokio::test(start_paused = true)]
async fn the_virtual_clock_conforms() {
    clock::all(async || ByItself(VirtualClock::new())).await;
}

#[derive(Clone, Copy, PartialEq)]
enum Sin {
    ShowsLocalTime,
    GoesBack,
    WakesEarly,
    NeverWakes,
}

#[derive(Clone)]
struct BadClock(ManualClock, Sin, Arc<AtomicU64>);

#[async_trait]
impl Clock for BadClock {
    fn now(&self) -> OffsetDateTime {
        match self.1 {
            Sin::ShowsLocalTime => self.0.now().to_offset(UtcOffset::from_hms(2, 0, 0).unwrap()),
            _ => self.0.now(),
        }
    }
    fn elapsed(&self) -> Duration {
        let reading = Duration::from_millis(self.2.fetch_add(1, Ordering::SeqCst));
        match self.1 {
            Sin::GoesBack => Duration::from_secs(3600) - reading,
            _ => self.0.elapsed(),
        }
    }
    async fn sleep(&self, duration: Duration) {
        match self.1 {
            Sin::WakesEarly => self.0.sleep(duration / 2).await,
            Sin::NeverWakes => std::future::pending().await,
            _ => self.0.sleep(duration).await,
        }
    }
}

struct Bad(BadClock);

#[async_trait]
impl ClockHarness for Bad {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.0.clone())
    }
    async fn pass(&self, time: Duration) {
        self.0.0.advance(time);
    }
}

#[tokio::test]
async fn a_broken_clock_is_named() {
    let run = async |sin| verdict(clock::all(async || Bad(BadClock(ManualClock::new(), sin, Arc::default())))).await;
    named(&run(Sin::ShowsLocalTime).await, &["the wall clock is in UTC"]);
    assert!(run(Sin::GoesBack).await.contains("elapsed time never goes back"));
    named(
        &run(Sin::WakesEarly).await,
        &["a sleep never ends early", "sleepers do not wake each other early", "a dropped sleep has no effect"],
    );
    named(
        &run(Sin::NeverWakes).await,
        &[
            "a sleep never ends early",
            "a sleep ends",
            "a sleep of nothing ends",
            "sleepers do not wake each other early",
            "a dropped sleep has no effect",
        ],
    );
}
