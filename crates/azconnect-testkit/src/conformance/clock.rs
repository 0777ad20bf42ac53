//! What every [`Clock`] must do.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::Clock;
use futures_util::FutureExt as _;
use futures_util::future::{Either, join, join_all, select};
use time::UtcOffset;

use super::report::{CaseResult, Failure, Report, ensure};

/// How long a sleep of the suite takes: long enough for any timer, short enough for a real clock.
const TICK: Duration = Duration::from_millis(5);

/// How many ticks may pass before a sleeper counts as forgotten.
const PATIENCE: u32 = 2_000;

/// A clock under test, and the way its time passes.
#[async_trait]
pub trait ClockHarness: Send + Sync {
    /// The clock under test; every call returns the same one.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Lets time pass: waits for it where it passes by itself, and moves the clock where a test has to.
    async fn pass(&self, time: Duration);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: ClockHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("Clock");
    report.add("the wall clock is in UTC", in_utc(&make().await).await);
    report.add("elapsed time never goes back", never_goes_back(&make().await).await);
    report.add("time that passes is measured", measures(&make().await).await);
    report.add("a sleep never ends early", not_early(&make().await).await);
    report.add("a sleep ends", ends(&make().await).await);
    report.add("a sleep of nothing ends", ends_at_once(&make().await).await);
    report.add("sleepers do not wake each other early", sleepers_are_apart(&make().await).await);
    report.add("a dropped sleep has no effect", dropped(&make().await).await);
    report.add("the longest sleep can be begun", longest(&make().await).await);
    report.finish();
}

async fn in_utc(harness: &impl ClockHarness) -> CaseResult {
    let now = harness.clock().now();
    ensure(now.offset() == UtcOffset::UTC, format!("now is {now}"))
}

async fn never_goes_back(harness: &impl ClockHarness) -> CaseResult {
    let clock = harness.clock();
    let mut last = clock.elapsed();
    for _ in 0..20 {
        harness.pass(TICK / 5).await;
        let next = clock.elapsed();
        ensure(next >= last, format!("{next:?} came after {last:?}"))?;
        last = next;
    }
    Ok(())
}

async fn measures(harness: &impl ClockHarness) -> CaseResult {
    let clock = harness.clock();
    let (elapsed, now) = (clock.elapsed(), clock.now());
    harness.pass(TICK).await;
    let (measured, moved) = (clock.elapsed().saturating_sub(elapsed), clock.now() - now);
    ensure(measured >= TICK, format!("{TICK:?} were measured as {measured:?}"))?;
    // A real wall clock may be adjusted meanwhile, so no more than its direction is certain.
    ensure(moved.is_positive(), format!("the wall clock moved by {moved}"))
}

async fn not_early(harness: &impl ClockHarness) -> CaseResult {
    let clock = harness.clock();
    for ticks in 1..4 {
        slept_whole(harness, &*clock, TICK * ticks).await?;
    }
    Ok(())
}

async fn ends(harness: &impl ClockHarness) -> CaseResult {
    let clock = harness.clock();
    let sleeps = join_all((1..8).map(|ticks| clock.sleep(TICK * ticks)));
    within_patience(harness, sleeps).await.map(drop)
}

async fn ends_at_once(harness: &impl ClockHarness) -> CaseResult {
    let clock = harness.clock();
    within_patience(harness, clock.sleep(Duration::ZERO)).await
}

async fn sleepers_are_apart(harness: &impl ClockHarness) -> CaseResult {
    let clock = harness.clock();
    let both = join(slept(&*clock, TICK), slept(&*clock, TICK * 4));
    let (short, long) = within_patience(harness, both).await?;
    ensure(short >= TICK, format!("a sleep of {TICK:?} took {short:?} beside a longer one"))?;
    ensure(long >= TICK * 4, format!("a sleep of {:?} took {long:?} beside a shorter one", TICK * 4))
}

async fn dropped(harness: &impl ClockHarness) -> CaseResult {
    let clock = harness.clock();
    for _ in 0..10 {
        // Begun by its first poll, then dropped.
        let _ = clock.sleep(TICK).now_or_never();
    }
    slept_whole(harness, &*clock, TICK).await
}

async fn longest(harness: &impl ClockHarness) -> CaseResult {
    let ended = harness.clock().sleep(Duration::MAX).now_or_never();
    ensure(ended.is_none(), "it ended at once")
}

async fn slept_whole(harness: &impl ClockHarness, clock: &dyn Clock, duration: Duration) -> CaseResult {
    let took = within_patience(harness, slept(clock, duration)).await?;
    ensure(took >= duration, format!("a sleep of {duration:?} took {took:?}"))
}

/// How long a sleep took, by the clock itself.
async fn slept(clock: &dyn Clock, duration: Duration) -> Duration {
    let before = clock.elapsed();
    clock.sleep(duration).await;
    clock.elapsed().saturating_sub(before)
}

/// Runs something that waits on the clock, while time passes tick by tick.
async fn within_patience<T>(harness: &impl ClockHarness, work: impl Future<Output = T>) -> Result<T, Failure> {
    let passing = pin!(async {
        for _ in 0..PATIENCE {
            // Half a tick at a time, so that a sleep which ends within its last tick is measured as too short.
            harness.pass(TICK / 2).await;
            yield_now().await;
        }
    });
    match select(pin!(work), passing).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right(_) => Err(Failure::new(format!("it did not end while {:?} passed", TICK / 2 * PATIENCE))),
    }
}

/// Lets another future of the same task run. A clock that is moved by hand passes time without waiting.
async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
