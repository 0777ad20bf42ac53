//! What every [`CredentialSink`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ErrorKind, Secret};
use azconnect_credential::{Candidate, CredentialSink, CredentialVerdict, Minted};
use time::OffsetDateTime;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, fresh};
use crate::canary::Canary;

/// A consumer under test, and what lies behind it: an emulator, or a stub of the service.
#[async_trait]
pub trait SinkHarness: Send + Sync {
    /// The consumer, which can take a secret.
    fn sink(&self) -> Arc<dyn CredentialSink>;

    /// Now, by the clock of the consumer and the service.
    fn now(&self) -> OffsetDateTime;

    /// Another secret that the consumer can work with once the service has settled.
    async fn mint(&self) -> Minted;

    /// Lets time pass until every replica of the service agrees.
    async fn settle(&self);

    /// The truth: whether the consumer holds a secret.
    async fn holds(&self, secret: &Secret) -> bool;

    /// The truth: everything of the consumer except its secret, as text. Counters of changes are left out.
    async fn rest(&self) -> String;

    /// Makes somebody else change the consumer, in something other than its secret, between the read and the write of
    /// the next push.
    async fn interfere_with_next_push(&self);

    /// Breaks every connection to the consumer's service, until [`SinkHarness::reconnect`].
    async fn disconnect(&self);

    /// Restores the connections that [`SinkHarness::disconnect`] broke.
    async fn reconnect(&self);

    /// Whether the consumer has means of its own to check a secret. Without, every check is inconclusive.
    fn can_verify(&self) -> bool {
        true
    }
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: SinkHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("CredentialSink");
    report.add("its name is stable", stable(&make().await));
    report.add("a look changes nothing", looks_only(&make().await).await);
    report.add("a pushed secret is held, and nothing else changes", pushes(&make().await).await);
    report.add("pushing again succeeds", pushes_again(&make().await).await);
    report.add("a later push replaces an earlier one", replaces(&make().await).await);
    report.add("what works is accepted", accepts(&make().await).await);
    report.add("what does not work is not accepted", does_not_accept(&make().await).await);
    report.add("another secret than the held one is not accepted", other_than_held(&make().await).await);
    report.add("somebody else's change is a conflict, and stays", conflicts(&make().await).await);
    report.add("an unreachable consumer keeps its secret", unreachable(&make().await).await);
    report.add("no secret is shown or logged", shows_nothing(&make().await).await);
    report.finish();
}

fn stable(harness: &impl SinkHarness) -> CaseResult {
    ensure_eq("the name", harness.sink().id(), harness.sink().id())
}

async fn looks_only(harness: &impl SinkHarness) -> CaseResult {
    let minted = harness.mint().await;
    push(harness, &minted).await?;
    let before = harness.rest().await;
    let first = harness.sink().inspect().await?;
    ensure(first.accepts(), format!("the harness must give a consumer that can take a secret: {first:?}"))?;
    ensure(!first.title.is_empty(), "a report must name the consumer")?;
    ensure_eq("the second report", &harness.sink().inspect().await?, &first)?;
    harness.sink().verify(&candidate(harness, &minted)).await;
    ensure(harness.holds(&minted.secret).await, "the secret changed")?;
    ensure_eq("the rest", &harness.rest().await, &before)
}

async fn pushes(harness: &impl SinkHarness) -> CaseResult {
    let minted = harness.mint().await;
    ensure(!harness.holds(&minted.secret).await, "the harness minted what the consumer holds already")?;
    let before = harness.rest().await;
    let evidence = push(harness, &minted).await?;
    ensure(!evidence.is_empty(), "a receipt needs evidence")?;
    ensure(harness.holds(&minted.secret).await, "the consumer does not hold it")?;
    ensure_eq("the rest", &harness.rest().await, &before)
}

async fn pushes_again(harness: &impl SinkHarness) -> CaseResult {
    let minted = harness.mint().await;
    push(harness, &minted).await?;
    let before = harness.rest().await;
    push(harness, &minted).await?;
    push(harness, &minted).await?;
    ensure(harness.holds(&minted.secret).await, "the consumer does not hold it")?;
    ensure_eq("the rest", &harness.rest().await, &before)
}

async fn replaces(harness: &impl SinkHarness) -> CaseResult {
    let (first, second) = (harness.mint().await, harness.mint().await);
    push(harness, &first).await?;
    push(harness, &second).await?;
    ensure(harness.holds(&second.secret).await, "the consumer does not hold the later one")?;
    ensure(!harness.holds(&first.secret).await, "the consumer still holds the earlier one")
}

async fn accepts(harness: &impl SinkHarness) -> CaseResult {
    let minted = harness.mint().await;
    harness.settle().await;
    push(harness, &minted).await?;
    harness.settle().await;
    let assessment = harness.sink().verify(&candidate(harness, &minted)).await;
    let wanted = if harness.can_verify() { CredentialVerdict::Accepted } else { CredentialVerdict::Inconclusive };
    ensure(assessment.verdict == wanted, format!("wanted {wanted:?}: {assessment:?}"))?;
    ensure(!assessment.evidence.is_empty(), "an assessment needs evidence")
}

async fn does_not_accept(harness: &impl SinkHarness) -> CaseResult {
    let wrong = Secret::new(format!("wrong~{}", fresh("secret")));
    harness.sink().push(&Candidate::new(&wrong)).await?;
    harness.settle().await;
    let assessment = harness.sink().verify(&Candidate::new(&wrong)).await;
    ensure(!assessment.is_accepted(), "a secret that nobody minted was accepted")?;
    ensure(assessment.advice().is_some(), "what is not accepted needs advice")
}

/// The consumer works, with its former secret: that proves nothing of the candidate.
async fn other_than_held(harness: &impl SinkHarness) -> CaseResult {
    let wrong = Secret::new(format!("wrong~{}", fresh("secret")));
    let right = harness.mint().await;
    harness.sink().push(&Candidate::new(&wrong)).await?;
    harness.settle().await;
    let assessment = harness.sink().verify(&candidate(harness, &right)).await;
    ensure(!assessment.is_accepted(), "a consumer that holds a wrong secret was accepted")
}

async fn conflicts(harness: &impl SinkHarness) -> CaseResult {
    let (first, second) = (harness.mint().await, harness.mint().await);
    push(harness, &first).await?;
    harness.interfere_with_next_push().await;
    let error = match harness.sink().push(&candidate(harness, &second)).await {
        Ok(_) => return Err(Failure::new("the other's change was overwritten or overlooked")),
        Err(error) => error,
    };
    ensure(error.kind() == ErrorKind::Conflict, format!("wanted Conflict: {error:?}"))?;
    // The service has the last word on what it holds; the error must not claim more than is so.
    let held = harness.holds(&first.secret).await;
    let claimed = error.effect() == azconnect_core::Effect::None;
    ensure(held || !claimed, "effect None, and the former secret is gone")?;
    let changed = harness.rest().await;
    push(harness, &second).await?;
    ensure_eq("the other's change, after pushing again", &harness.rest().await, &changed)?;
    ensure(harness.holds(&second.secret).await, "pushing again did not help")
}

async fn unreachable(harness: &impl SinkHarness) -> CaseResult {
    let (first, second) = (harness.mint().await, harness.mint().await);
    push(harness, &first).await?;
    harness.settle().await;
    harness.disconnect().await;
    ensure(harness.sink().inspect().await.is_err(), "an unreachable consumer was inspected")?;
    ensure(harness.sink().push(&candidate(harness, &second)).await.is_err(), "an unreachable consumer took a secret")?;
    let assessment = harness.sink().verify(&candidate(harness, &first)).await;
    ensure(assessment.verdict == CredentialVerdict::Inconclusive, format!("wanted Inconclusive: {assessment:?}"))?;
    harness.reconnect().await;
    ensure(harness.holds(&first.secret).await, "the secret changed")
}

async fn shows_nothing(harness: &impl SinkHarness) -> CaseResult {
    let canary = Canary::new();
    let ears = canary.listen();
    let minted = harness.mint().await;
    canary.watch(&minted.secret);
    let candidate = candidate(harness, &minted);
    let receipt = harness.sink().push(&candidate).await?;
    let mut shown = format!("{candidate:?} {receipt:?} {:?}", harness.sink().inspect().await);
    shown += &format!("{:?}", harness.sink().verify(&candidate).await);
    let wrong = canary.secret();
    shown += &format!("{:?}", harness.sink().push(&Candidate::new(&wrong)).await);
    shown += &format!("{:?}", harness.sink().verify(&Candidate::new(&wrong)).await);
    harness.disconnect().await;
    shown += &format!("{:?}", harness.sink().push(&candidate).await);
    shown += &format!("{:?}", harness.sink().verify(&candidate).await);
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}

fn candidate<'a>(harness: &impl SinkHarness, minted: &'a Minted) -> Candidate<'a> {
    Candidate::new(&minted.secret).with_key(minted.key).with_minted_at(harness.now()).with_ends_at(minted.ends_at)
}

async fn push(harness: &impl SinkHarness, minted: &Minted) -> Result<String, Failure> {
    Ok(harness.sink().push(&candidate(harness, minted)).await?.evidence)
}
