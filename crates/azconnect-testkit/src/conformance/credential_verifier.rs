//! What every [`CredentialVerifier`] must do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{KeyId, Secret};
use azconnect_credential::{Assessment, Candidate, CredentialVerdict, CredentialVerifier, Minted};
use time::OffsetDateTime;

use super::report::{CaseResult, Report, ensure, fresh};
use crate::canary::Canary;

/// A verifier under test, and what lies behind it: an emulator, or a stub of the service.
#[async_trait]
pub trait VerifierHarness: Send + Sync {
    /// The verifier under test.
    fn verifier(&self) -> Arc<dyn CredentialVerifier>;

    /// Now, by the clock of the verifier and the service.
    fn now(&self) -> OffsetDateTime;

    /// Another secret, which at least one replica of the service refuses until it has settled.
    async fn mint(&self) -> Minted;

    /// Removes a key at the service, as its issuer would.
    async fn remove(&self, key: KeyId);

    /// Lets time pass until every replica of the service agrees.
    async fn settle(&self);

    /// Breaks every connection to the service from now on.
    async fn disconnect(&self);

    /// A secret of the right form that nobody minted: a text like a client secret, unless the verifier proves another kind.
    fn wrong(&self) -> Secret {
        Secret::new(format!("wrong~{}", fresh("secret")))
    }
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: VerifierHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("CredentialVerifier");
    report.add("a secret that works is accepted, and stays so", accepts(&make().await).await);
    report.add("a secret of unknown age that does not work is rejected", rejects(&make().await).await);
    report.add("an old secret that does not work is rejected", rejects_old(&make().await).await);
    report.add("a new secret that is refused is pending", pends(&make().await).await);
    report.add("a new secret that not every replica knows is pending", pends_while_unsettled(&make().await).await);
    report.add("a removed secret is rejected", rejects_removed(&make().await).await);
    report.add("an unreachable service is inconclusive", unreachable(&make().await).await);
    report.add("a text that cannot be a secret is rejected", rejects_nonsense(&make().await).await);
    report.add("no secret is shown or logged", shows_nothing(&make().await).await);
    report.finish();
}

async fn accepts(harness: &impl VerifierHarness) -> CaseResult {
    let minted = harness.mint().await;
    harness.settle().await;
    // A wrong secret in between: a token that was kept must not answer for it, nor its refusal for the right one.
    for _ in 0..2 {
        is(CredentialVerdict::Accepted, &harness.verifier().verify(&Candidate::new(&minted.secret)).await)?;
        is(CredentialVerdict::Rejected, &harness.verifier().verify(&Candidate::new(&harness.wrong())).await)?;
    }
    Ok(())
}

async fn rejects(harness: &impl VerifierHarness) -> CaseResult {
    is(CredentialVerdict::Rejected, &harness.verifier().verify(&Candidate::new(&harness.wrong())).await)
}

async fn rejects_old(harness: &impl VerifierHarness) -> CaseResult {
    let long_ago = harness.now() - Duration::from_secs(30 * 86_400);
    is(
        CredentialVerdict::Rejected,
        &harness.verifier().verify(&Candidate::new(&harness.wrong()).with_minted_at(long_ago)).await,
    )
}

async fn pends(harness: &impl VerifierHarness) -> CaseResult {
    let wrong = harness.wrong();
    is(
        CredentialVerdict::Pending,
        &harness.verifier().verify(&Candidate::new(&wrong).with_minted_at(harness.now())).await,
    )
}

async fn pends_while_unsettled(harness: &impl VerifierHarness) -> CaseResult {
    let minted = harness.mint().await;
    let candidate = Candidate::new(&minted.secret).with_key(minted.key).with_minted_at(harness.now());
    is(CredentialVerdict::Pending, &harness.verifier().verify(&candidate).await)?;
    harness.settle().await;
    is(CredentialVerdict::Accepted, &harness.verifier().verify(&candidate).await)
}

async fn rejects_removed(harness: &impl VerifierHarness) -> CaseResult {
    let minted = harness.mint().await;
    harness.settle().await;
    is(CredentialVerdict::Accepted, &harness.verifier().verify(&Candidate::new(&minted.secret)).await)?;
    harness.remove(minted.key).await;
    harness.settle().await;
    is(CredentialVerdict::Rejected, &harness.verifier().verify(&Candidate::new(&minted.secret)).await)
}

async fn unreachable(harness: &impl VerifierHarness) -> CaseResult {
    let minted = harness.mint().await;
    harness.settle().await;
    harness.disconnect().await;
    for secret in [&minted.secret, &harness.wrong()] {
        for candidate in [Candidate::new(secret), Candidate::new(secret).with_minted_at(harness.now())] {
            is(CredentialVerdict::Inconclusive, &harness.verifier().verify(&candidate).await)?;
        }
    }
    Ok(())
}

async fn rejects_nonsense(harness: &impl VerifierHarness) -> CaseResult {
    // The second one is the form of a secret's id, which people paste in place of its value.
    for text in ["", "1272a66f-e2e8-4e88-ab43-487409186c3f"] {
        is(CredentialVerdict::Rejected, &harness.verifier().verify(&Candidate::new(&Secret::new(text))).await)?;
    }
    Ok(())
}

async fn shows_nothing(harness: &impl VerifierHarness) -> CaseResult {
    let canary = Canary::new();
    let ears = canary.listen();
    let minted = harness.mint().await;
    canary.watch(&minted.secret);
    let mut shown = String::new();
    let wrong = canary.secret();
    for secret in [&minted.secret, &wrong] {
        shown += &format!("{:?}", harness.verifier().verify(&Candidate::new(secret)).await);
    }
    harness.disconnect().await;
    shown += &format!("{:?}", harness.verifier().verify(&Candidate::new(&minted.secret)).await);
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}

/// Fails unless an assessment has a verdict, with what a person needs.
fn is(wanted: CredentialVerdict, assessment: &Assessment) -> CaseResult {
    ensure(assessment.verdict == wanted, format!("wanted {wanted:?}: {assessment:?}"))?;
    ensure(!assessment.evidence.is_empty(), "an assessment needs evidence")?;
    ensure(!assessment.evidence.contains('\n'), "evidence is one line")?;
    ensure(wanted == CredentialVerdict::Accepted || assessment.advice().is_some(), "what is not accepted needs advice")
}
