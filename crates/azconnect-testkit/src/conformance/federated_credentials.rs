//! What every [`FederatedCredentials`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, ErrorKind, TenantId};
use azconnect_devops::{FederatedCredentials, FederatedTrust};
use uuid::Uuid;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq};

/// The federated credentials of an application under test, and the directory behind them.
#[async_trait]
pub trait FederatedCredentialsHarness: Send + Sync {
    /// The port under test.
    fn credentials(&self) -> Arc<dyn FederatedCredentials>;

    /// The application, which has no federated credential yet.
    fn application(&self) -> (TenantId, ClientId);

    /// How many federated credentials of the application, by whatever name, accept a trust's issuer, subject and
    /// audience.
    async fn count(&self, trust: &FederatedTrust) -> usize;

    /// Lets time pass until every replica of the directory agrees.
    async fn settle(&self);

    /// Breaks every connection to the directory.
    async fn disconnect(&self);

    /// Restores the connections that [`disconnect`](Self::disconnect) broke.
    async fn reconnect(&self);

    /// Lets the next change happen, and loses its answer.
    async fn lose_next_change(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: FederatedCredentialsHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("FederatedCredentials");
    report.add("a trust that is ensured is accepted", ensures(&make().await).await);
    report.add("ensuring again makes no second credential", ensures_once(&make().await).await);
    report.add("a trust that is removed is gone", removes(&make().await).await);
    report.add("a trust that was removed is made anew, whatever lists still show", restores(&make().await).await);
    report.add("removing what is not there succeeds", removes_absent(&make().await).await);
    report.add("trusts do not mix", keeps_others(&make().await).await);
    report.add("a trust is counted by what it accepts", counts_alike(&make().await).await);
    report.add("a trust in another audience stays", keeps_another_audience(&make().await).await);
    report.add("a name in use does not stand in the way", shares_a_name(&make().await).await);
    report.add("an application that is not there is refused", refuses_another(&make().await).await);
    report.add("an unreachable directory is an error", unreachable(&make().await).await);
    report.add("a lost answer is made good by ensuring again", survives_lost_answer(&make().await).await);
    report.finish();
}

async fn ensures(harness: &impl FederatedCredentialsHarness) -> CaseResult {
    let trust = trust(harness, "one");
    harness.credentials().ensure(&trust).await?;
    counts(harness, &trust, 1).await
}

async fn ensures_once(harness: &impl FederatedCredentialsHarness) -> CaseResult {
    let trust = trust(harness, "one");
    // Once while the replicas may still disagree, once when they agree.
    harness.credentials().ensure(&trust).await?;
    harness.credentials().ensure(&trust).await?;
    harness.settle().await;
    harness.credentials().ensure(&trust).await?;
    counts(harness, &trust, 1).await
}

async fn removes(harness: &impl FederatedCredentialsHarness) -> CaseResult {
    let trust = trust(harness, "one");
    harness.credentials().ensure(&trust).await?;
    harness.settle().await;
    harness.credentials().remove(&trust).await?;
    counts(harness, &trust, 0).await
}

async fn restores(harness: &impl FederatedCredentialsHarness) -> CaseResult {
    let trust = trust(harness, "one");
    harness.credentials().ensure(&trust).await?;
    harness.settle().await;
    // Often, since not every replica lags behind.
    for _ in 0..8 {
        harness.credentials().remove(&trust).await?;
        // At once, so that a list may still show the one that was removed.
        harness.credentials().ensure(&trust).await?;
        counts(harness, &trust, 1).await?;
    }
    Ok(())
}

async fn removes_absent(harness: &impl FederatedCredentialsHarness) -> CaseResult {
    let trust = trust(harness, "one");
    harness.credentials().remove(&trust).await?;
    harness.credentials().ensure(&trust).await?;
    harness.settle().await;
    for _ in 0..2 {
        harness.credentials().remove(&trust).await?;
        harness.settle().await;
    }
    counts(harness, &trust, 0).await
}

async fn keeps_others(harness: &impl FederatedCredentialsHarness) -> CaseResult {
    let (one, other) = (trust(harness, "one"), trust(harness, "other"));
    harness.credentials().ensure(&one).await?;
    harness.credentials().ensure(&other).await?;
    harness.settle().await;
    harness.credentials().remove(&one).await?;
    counts(harness, &one, 0).await?;
    counts(harness, &other, 1).await
}

async fn counts_alike(harness: &impl FederatedCredentialsHarness) -> CaseResult {
    let (one, other) = (trust(harness, "one"), trust(harness, "other"));
    ensure_eq("a trust that nobody made", &harness.credentials().count(&one).await?, &0)?;
    harness.credentials().ensure(&one).await?;
    harness.settle().await;
    ensure_eq("the trust", &harness.credentials().count(&one).await?, &1)?;
    ensure_eq("another subject", &harness.credentials().count(&other).await?, &0)?;
    ensure_eq("another audience", &harness.credentials().count(&elsewhere(&one)).await?, &0)?;
    harness.credentials().remove(&one).await?;
    harness.settle().await;
    ensure_eq("the trust, removed", &harness.credentials().count(&one).await?, &0)
}

async fn keeps_another_audience(harness: &impl FederatedCredentialsHarness) -> CaseResult {
    let held = elsewhere(&trust(harness, "one"));
    harness.credentials().ensure(&held).await?;
    harness.settle().await;
    harness.credentials().remove(&trust(harness, "one")).await?;
    counts(harness, &held, 1).await
}

/// The same trust for the tokens of another cloud.
fn elsewhere(trust: &FederatedTrust) -> FederatedTrust {
    let mut other = trust.clone();
    "api://AzureADTokenExchangeUSGov".clone_into(&mut other.audience);
    other
}

async fn shares_a_name(harness: &impl FederatedCredentialsHarness) -> CaseResult {
    let (earlier, mut moved) = (trust(harness, "one"), trust(harness, "moved"));
    // An application can have a name once, so another one has to be found for the second trust.
    moved.name.clone_from(&earlier.name);
    harness.credentials().ensure(&earlier).await?;
    harness.settle().await;
    harness.credentials().ensure(&moved).await?;
    harness.settle().await;
    counts(harness, &moved, 1).await?;
    counts(harness, &earlier, 1).await?;
    harness.credentials().remove(&moved).await?;
    counts(harness, &moved, 0).await?;
    counts(harness, &earlier, 1).await
}

async fn refuses_another(harness: &impl FederatedCredentialsHarness) -> CaseResult {
    let mut other = trust(harness, "one");
    other.client = ClientId::from(Uuid::new_v4());
    for result in [harness.credentials().ensure(&other).await, harness.credentials().remove(&other).await] {
        let Err(error) = result else { return Err(Failure::new("it was not refused")) };
        let kinds = [ErrorKind::InvalidInput, ErrorKind::NotFound, ErrorKind::PermissionDenied];
        ensure(kinds.contains(&error.kind()), format!("wanted one of {kinds:?}: {error:?}"))?;
        ensure(error.effect() == Effect::None, format!("the refusal must have effect None: {error:?}"))?;
    }
    Ok(())
}

async fn unreachable(harness: &impl FederatedCredentialsHarness) -> CaseResult {
    let (kept, new) = (trust(harness, "kept"), trust(harness, "new"));
    harness.credentials().ensure(&kept).await?;
    harness.settle().await;
    harness.disconnect().await;
    ensure(harness.credentials().ensure(&new).await.is_err(), "ensuring succeeded without the directory")?;
    ensure(harness.credentials().remove(&kept).await.is_err(), "removing succeeded without the directory")?;
    ensure(harness.credentials().count(&kept).await.is_err(), "counting succeeded without the directory")?;
    harness.reconnect().await;
    counts(harness, &new, 0).await?;
    counts(harness, &kept, 1).await
}

async fn survives_lost_answer(harness: &impl FederatedCredentialsHarness) -> CaseResult {
    let trust = trust(harness, "one");
    harness.lose_next_change().await;
    // The port may repeat what is idempotent by itself.
    if let Err(error) = harness.credentials().ensure(&trust).await {
        ensure(error.effect() == Effect::Unknown, format!("the effect of a lost answer is unknown: {error:?}"))?;
    }
    harness.settle().await;
    harness.credentials().ensure(&trust).await?;
    counts(harness, &trust, 1).await
}

/// A trust of the application, for a subject of a name.
fn trust(harness: &impl FederatedCredentialsHarness, name: &str) -> FederatedTrust {
    let (tenant, client) = harness.application();
    let issuer = "https://vstoken.dev.azure.com/11111111-1111-4111-8111-111111111111";
    FederatedTrust::new(tenant, client, issuer, format!("sc://conformance/Project/{name}"))
        .with_name(format!("conformance-{name}"))
}

async fn counts(harness: &impl FederatedCredentialsHarness, trust: &FederatedTrust, wanted: usize) -> CaseResult {
    harness.settle().await;
    ensure_eq(&format!("credentials for {}", trust.subject), &harness.count(trust).await, &wanted)
}
