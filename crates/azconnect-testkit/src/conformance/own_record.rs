//! What every [`OwnRecord`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Effect, Secret};
use azconnect_credential::Candidate;
use azconnect_identity::OwnRecord;

use super::report::{CaseResult, Failure, Report, ensure, fresh};
use crate::canary::Canary;

/// A record under test, and what lies behind it.
#[async_trait]
pub trait OwnRecordHarness: Send + Sync {
    /// The record under test, as one more process opens it.
    fn record(&self) -> Arc<dyn OwnRecord>;

    /// The secret that the product would sign in with if it started now: read from where it is kept, not from memory.
    async fn after_restart(&self) -> Secret;

    /// Makes the storage fail from now on.
    async fn break_storage(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: OwnRecordHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("OwnRecord");
    report.add("a restart signs in with what was stored", stores(&make().await).await);
    report.add("storing the same again succeeds", stores_again(&make().await).await);
    report.add("the secret that was stored last counts", last_counts(&make().await).await);
    report.add("another process loads what was stored last", loads(&make().await).await);
    report.add("any text survives", any_text(&make().await).await);
    report.add("a failure leaves the former secret or the new one", fails_safely(&make().await).await);
    report.add("no secret is shown or logged", shows_nothing(&make().await).await);
    report.finish();
}

async fn stores(harness: &impl OwnRecordHarness) -> CaseResult {
    let secret = new_secret();
    harness.record().store(&Candidate::new(&secret)).await?;
    holds(harness, &secret).await
}

async fn stores_again(harness: &impl OwnRecordHarness) -> CaseResult {
    let secret = new_secret();
    for _ in 0..3 {
        harness.record().store(&Candidate::new(&secret)).await?;
    }
    holds(harness, &secret).await
}

async fn last_counts(harness: &impl OwnRecordHarness) -> CaseResult {
    let (first, second) = (new_secret(), new_secret());
    for secret in [&first, &second, &first] {
        harness.record().store(&Candidate::new(secret)).await?;
        holds(harness, secret).await?;
    }
    Ok(())
}

async fn loads(harness: &impl OwnRecordHarness) -> CaseResult {
    let (writer, reader) = (harness.record(), harness.record());
    for secret in [new_secret(), new_secret()] {
        writer.store(&Candidate::new(&secret)).await?;
        let loaded = reader.load().await?;
        ensure(loaded.is_some_and(|loaded| loaded.same_as(&secret)), "another secret, or none, was loaded")?;
    }
    Ok(())
}

async fn any_text(harness: &impl OwnRecordHarness) -> CaseResult {
    // Characters with a meaning in files of settings and in shells, where products keep such a secret.
    for text in ["a8Q~=+/\"'\\$%{}<>&", " spaces at both ends ", "#leading", "é漢字", &"x".repeat(4096)] {
        let secret = Secret::new(text);
        harness.record().store(&Candidate::new(&secret)).await?;
        holds(harness, &secret).await?;
    }
    Ok(())
}

async fn fails_safely(harness: &impl OwnRecordHarness) -> CaseResult {
    let (former, new) = (new_secret(), new_secret());
    harness.record().store(&Candidate::new(&former)).await?;
    harness.break_storage().await;
    let Err(error) = harness.record().store(&Candidate::new(&new)).await else {
        return Err(Failure::new("storing succeeded although the storage fails"));
    };
    let held = harness.after_restart().await;
    if error.effect() == Effect::None {
        return ensure(held.same_as(&former), "effect None, and the former secret is gone");
    }
    ensure(held.same_as(&former) || held.same_as(&new), "a failure left neither secret")
}

async fn shows_nothing(harness: &impl OwnRecordHarness) -> CaseResult {
    let canary = Canary::new();
    let ears = canary.listen();
    let mut shown = format!("{:?}", harness.record().store(&Candidate::new(&canary.secret())).await);
    shown += &format!("{:?}", harness.record().load().await);
    harness.break_storage().await;
    let other = new_secret();
    canary.watch(&other);
    shown += &format!("{:?}", harness.record().store(&Candidate::new(&other)).await);
    shown += &format!("{:?}", harness.record().load().await);
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}

fn new_secret() -> Secret {
    Secret::new(format!("own~{}", fresh("secret")))
}

async fn holds(harness: &impl OwnRecordHarness, secret: &Secret) -> CaseResult {
    ensure(harness.after_restart().await.same_as(secret), "a restart would sign in with another secret")
}
