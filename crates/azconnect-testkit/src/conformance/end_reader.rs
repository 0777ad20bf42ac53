//! What every [`EndReader`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ErrorKind, KeyId, Secret};
use azconnect_credential::{ConnectionRecord, CredentialKind, EndReader, EndReading, EndSource};
use time::OffsetDateTime;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq};
use crate::canary::Canary;

/// A reader under test, and a service behind it that lists the key of a connection's secret.
#[async_trait]
pub trait EndHarness: Send + Sync {
    /// The reader under test.
    fn reader(&self) -> Arc<dyn EndReader>;

    /// The connection, whose record names the key of its client secret.
    fn record(&self) -> ConnectionRecord;

    /// The key, and when it ends.
    fn key(&self) -> (KeyId, OffsetDateTime);

    /// The connection's secret.
    fn secret(&self) -> Secret;

    /// Removes the key at the service, so that nobody lists it any more.
    async fn remove(&self);

    /// Breaks every connection to the service from now on.
    async fn disconnect_service(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: EndHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("EndReader");
    report.add("the end of the key that the record names is told", tells(&make().await).await);
    report.add("a key that an earlier read has found is found again", finds_again(&make().await).await);
    report.add("reading twice says the same", repeats(&make().await).await);
    report.add("a key that nobody lists any more is absent", absent(&make().await).await);
    report.add("what could not be read is no answer", unread(&make().await).await);
    report.add("a credential without a key is not read", without_key(&make().await).await);
    report.add("no secret is shown or logged", shows_nothing(&make().await).await);
    report.finish();
}

async fn read(harness: &impl EndHarness, record: &ConnectionRecord, known: Option<KeyId>) -> EndReading {
    harness.reader().end(record, known).await
}

fn listed(reading: &EndReading) -> Result<(KeyId, Option<OffsetDateTime>, EndSource), Failure> {
    match reading {
        EndReading::Listed(listed) => Ok((listed.key, listed.ends_at, listed.source)),
        other => Err(Failure::new(format!("it is not listed: {other:?}"))),
    }
}

async fn tells(harness: &impl EndHarness) -> CaseResult {
    let (key, ends_at) = harness.key();
    let found = listed(&read(harness, &harness.record(), None).await)?;
    ensure_eq("what is listed", &found, &(key, Some(ends_at), EndSource::ListedByKey))?;
    // What the record names counts before what somebody has found.
    let other = "7c9e6679-7425-40de-944b-e07fc1f90ae7".parse()?;
    let found = listed(&read(harness, &harness.record(), Some(other)).await)?;
    ensure_eq("what is listed, with another key", &found.0, &key)
}

async fn finds_again(harness: &impl EndHarness) -> CaseResult {
    let (wanted, ends_at) = harness.key();
    let mut record = harness.record();
    if let CredentialKind::ClientSecret { key, .. } = &mut record.credential {
        *key = None;
    }
    let (key, found, source) = listed(&read(harness, &record, Some(wanted)).await)?;
    ensure_eq("what is listed", &(key, found), &(wanted, Some(ends_at)))?;
    ensure(source != EndSource::ListedByKey, "the record does not name it")
}

async fn repeats(harness: &impl EndHarness) -> CaseResult {
    let first = read(harness, &harness.record(), None).await;
    ensure_eq("the second read", &read(harness, &harness.record(), None).await, &first)
}

async fn absent(harness: &impl EndHarness) -> CaseResult {
    harness.remove().await;
    match read(harness, &harness.record(), None).await {
        EndReading::Absent(problem) => ensure(!problem.message().is_empty(), "nothing says why"),
        other => Err(Failure::new(format!("it is not absent: {other:?}"))),
    }
}

async fn unread(harness: &impl EndHarness) -> CaseResult {
    harness.disconnect_service().await;
    match read(harness, &harness.record(), None).await {
        EndReading::Unread(problem) => {
            let passes = matches!(problem.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Throttled);
            ensure(passes, format!("an outage is told as {problem:?}"))
        }
        other => Err(Failure::new(format!("something was learnt from nobody: {other:?}"))),
    }
}

async fn without_key(harness: &impl EndHarness) -> CaseResult {
    let mut record = harness.record();
    record.credential = CredentialKind::Federated { issuer: "https://issuer".into(), subject: "shop".into() };
    match read(harness, &record, None).await {
        EndReading::Unread(_) => Ok(()),
        other => Err(Failure::new(format!("it was read: {other:?}"))),
    }
}

async fn shows_nothing(harness: &impl EndHarness) -> CaseResult {
    let canary = Canary::new();
    canary.watch(&harness.secret());
    let ears = canary.listen();
    let mut shown = format!("{:?}", read(harness, &harness.record(), None).await);
    harness.remove().await;
    shown += &format!("{:?}", read(harness, &harness.record(), None).await);
    harness.disconnect_service().await;
    shown += &format!("{:?}", read(harness, &harness.record(), None).await);
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}
