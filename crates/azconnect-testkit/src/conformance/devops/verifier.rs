//! What every [`ServiceConnectionVerifier`] must do.

use std::sync::Arc;

use azconnect_core::Secret;
use azconnect_credential::{Assessment, Candidate, CredentialVerdict};
use azconnect_devops::ServiceConnectionVerifier;

use super::{Caller, Case, DevOpsHarness};
use crate::canary::Canary;
use crate::conformance::report::{CaseResult, Report, ensure, fresh};

type Subject<H> = Case<H, dyn ServiceConnectionVerifier>;

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: DevOpsHarness>(
    make: impl AsyncFn() -> H,
    port: impl Fn(&H, Caller) -> Arc<dyn ServiceConnectionVerifier>,
) {
    let case = async || Case::new(make().await, &port);
    let mut report = Report::new("ServiceConnectionVerifier");
    report.add("a held secret that works is accepted", accepts_stored(&case().await).await);
    report.add("a candidate that works is accepted, and not stored", accepts_candidate(&case().await).await);
    report.add("a candidate of unknown age that does not work is rejected", rejects(&case().await).await);
    report.add("a new candidate that does not work is pending", pends(&case().await).await);
    report.add("a missing connection is inconclusive", missing(&case().await).await);
    report.add("an unreachable service is inconclusive", unreachable(&case().await).await);
    report.add("no secret is shown or logged", shows_nothing(&case().await).await);
    report.finish();
}

async fn accepts_stored<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    is(CredentialVerdict::Accepted, &case.port.verify_stored(&case.manual(), None).await)
}

async fn accepts_candidate<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let secret = case.harness.mint().await;
    is(CredentialVerdict::Accepted, &case.port.verify_candidate(&case.manual(), &Candidate::new(&secret)).await)?;
    ensure(!case.harness.holds(case.harness.manual(), &secret).await, "the candidate was stored")
}

async fn rejects<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let wrong = wrong();
    is(CredentialVerdict::Rejected, &case.port.verify_candidate(&case.manual(), &Candidate::new(&wrong)).await)?;
    is(CredentialVerdict::Accepted, &case.port.verify_stored(&case.manual(), None).await)
}

async fn pends<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let wrong = wrong();
    let candidate = Candidate::new(&wrong).with_minted_at(case.harness.now());
    is(CredentialVerdict::Pending, &case.port.verify_candidate(&case.manual(), &candidate).await)
}

async fn missing<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let secret = case.harness.mint().await;
    let missing = case.missing();
    is(CredentialVerdict::Inconclusive, &case.port.verify_stored(&missing, None).await)?;
    is(CredentialVerdict::Inconclusive, &case.port.verify_candidate(&missing, &Candidate::new(&secret)).await)
}

async fn unreachable<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let wrong = wrong();
    case.harness.disconnect().await;
    is(CredentialVerdict::Inconclusive, &case.port.verify_stored(&case.manual(), None).await)?;
    is(CredentialVerdict::Inconclusive, &case.port.verify_candidate(&case.manual(), &Candidate::new(&wrong)).await)
}

async fn shows_nothing<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let canary = Canary::new();
    let ears = canary.listen();
    let right = case.harness.mint().await;
    canary.watch(&right);
    let wrong = canary.secret();
    let mut shown = String::new();
    for secret in [&right, &wrong] {
        shown += &format!("{:?}", case.port.verify_candidate(&case.manual(), &Candidate::new(secret)).await);
    }
    case.harness.disconnect().await;
    shown += &format!("{:?}", case.port.verify_candidate(&case.manual(), &Candidate::new(&right)).await);
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}

/// A text like a client secret that nobody minted.
fn wrong() -> Secret {
    Secret::new(format!("wrong~{}", fresh("secret")))
}

/// Fails unless an assessment has a verdict, with what a person needs.
fn is(wanted: CredentialVerdict, assessment: &Assessment) -> CaseResult {
    ensure(assessment.verdict == wanted, format!("wanted {wanted:?}: {assessment:?}"))?;
    ensure(!assessment.evidence.is_empty(), "an assessment needs evidence")?;
    ensure(wanted == CredentialVerdict::Accepted || assessment.advice().is_some(), "what is not accepted needs advice")
}
