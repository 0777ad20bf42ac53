//! What every [`ConsumerFinder`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::Secret;
use azconnect_credential::{ConsumerFinder, FoundConsumers, SinkId};

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq};
use crate::canary::Canary;

/// A finder under test, and what lies behind it: an emulator, or a stub of the service.
#[async_trait]
pub trait FinderHarness: Send + Sync {
    /// The finder, which looks in two places at least.
    fn finder(&self) -> Arc<dyn ConsumerFinder>;

    /// Makes a consumer that uses the application's secret, in one of the places. Returns the name of a sink for it.
    async fn add_consumer(&self, place: usize) -> SinkId;

    /// Makes a consumer of another application's secret in the first place. Returns the name of a sink for it.
    async fn add_stranger(&self) -> SinkId;

    /// The secret that the consumers hold.
    fn secret(&self) -> Secret;

    /// Has every read of the first place fail until [`open`](Self::open). The others can be read.
    async fn close(&self);

    /// Undoes [`close`](Self::close).
    async fn open(&self);

    /// Breaks every connection to the service from now on.
    async fn disconnect(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: FinderHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("ConsumerFinder");
    report.add("who uses the secret is found, under the name of its sink", finds(&make().await).await);
    report.add("who uses another secret is not found", passes_over(&make().await).await);
    report.add("each is found once, in the same order", finds_once(&make().await).await);
    report.add("who comes later is found by a later look", finds_later(&make().await).await);
    report.add("a place that is closed is said to be, and hides no other", tolerates(&make().await).await);
    report.add("an unreachable service is never called empty", unreachable(&make().await).await);
    report.add("no secret is shown or logged", shows_nothing(&make().await).await);
    report.finish();
}

async fn look(harness: &impl FinderHarness) -> Result<FoundConsumers, Failure> {
    Ok(harness.finder().consumers().await?)
}

/// Fails unless a consumer was found, with what a person needs to recognise it.
fn has(found: &FoundConsumers, sink: &SinkId) -> CaseResult {
    let consumer = found.consumer(sink).ok_or_else(|| Failure::new(format!("{sink} is not found: {found:?}")))?;
    ensure(!consumer.title.is_empty() && !consumer.title.contains('\n'), "a consumer needs a title of one line")
}

async fn finds(harness: &impl FinderHarness) -> CaseResult {
    let (first, second) = (harness.add_consumer(0).await, harness.add_consumer(1).await);
    let found = look(harness).await?;
    has(&found, &first)?;
    has(&found, &second)?;
    ensure(found.is_complete(), format!("every place can be read: {:?}", found.checks))
}

async fn passes_over(harness: &impl FinderHarness) -> CaseResult {
    let (own, other) = (harness.add_consumer(0).await, harness.add_stranger().await);
    let found = look(harness).await?;
    has(&found, &own)?;
    ensure(found.consumer(&other).is_none(), "a consumer of another application's secret is found")
}

async fn finds_once(harness: &impl FinderHarness) -> CaseResult {
    for place in [0, 1, 0] {
        harness.add_consumer(place).await;
    }
    let found = look(harness).await?;
    let mut names: Vec<_> = found.consumers.iter().map(|consumer| consumer.sink.as_str()).collect();
    names.dedup();
    ensure_eq("how many are told, and how many there are", &found.consumers.len(), &names.len())?;
    ensure(names.len() >= 3, format!("three were made, found {names:?}"))?;
    ensure_eq("a second look", &look(harness).await?, &found)
}

async fn finds_later(harness: &impl FinderHarness) -> CaseResult {
    look(harness).await?;
    let late = harness.add_consumer(1).await;
    has(&look(harness).await?, &late)
}

async fn tolerates(harness: &impl FinderHarness) -> CaseResult {
    let (hidden, seen) = (harness.add_consumer(0).await, harness.add_consumer(1).await);
    harness.close().await;
    let found = look(harness).await?;
    has(&found, &seen)?;
    ensure(!found.is_complete(), "a place could not be read, and the finder calls its answer complete")?;
    ensure(found.checks.iter().all(|check| !check.blocks()), "what was not seen is unknown, not failed")?;
    let told = found.checks.iter().any(|check| !check.cause.is_empty() && !check.remedy.is_empty());
    ensure(told, "a check must say what could not be read and what to do")?;
    harness.open().await;
    let found = look(harness).await?;
    has(&found, &hidden)?;
    ensure(found.is_complete(), "every place can be read again")
}

async fn unreachable(harness: &impl FinderHarness) -> CaseResult {
    harness.add_consumer(0).await;
    harness.disconnect().await;
    match harness.finder().consumers().await {
        Ok(found) => ensure(!found.is_complete(), "nothing could be read, and the finder calls its answer complete"),
        Err(error) => ensure(!error.to_string().contains('\n'), "an error is one line"),
    }
}

async fn shows_nothing(harness: &impl FinderHarness) -> CaseResult {
    let canary = Canary::new();
    let ears = canary.listen();
    canary.watch(&harness.secret());
    harness.add_consumer(0).await;
    let mut shown = format!("{:?}", harness.finder().consumers().await);
    harness.disconnect().await;
    shown += &format!("{:?}", harness.finder().consumers().await);
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}
