//! What every [`ApplicationTrust`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, ErrorKind};
use azconnect_graph::{
    ApplicationRef, ApplicationTrust, FederatedCredential, FederatedCredentialName, FederatedCredentialRef,
    NewFederatedCredential,
};
use uuid::Uuid;

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, refused};

const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// An application under test, and the directory that keeps whom it trusts.
#[async_trait]
pub trait ApplicationTrustHarness: Send + Sync {
    /// The port under test.
    fn trust(&self) -> Arc<dyn ApplicationTrust>;

    /// The application, which trusts nobody yet.
    fn application(&self) -> ApplicationRef;

    /// Lets time pass until every replica of the directory agrees.
    async fn settle(&self);

    /// Breaks every connection to the directory.
    async fn disconnect(&self);

    /// Lets the next change happen, and loses its answer.
    async fn lose_next_change(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: ApplicationTrustHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("ApplicationTrust");
    report.add("what is ensured is listed", lists(&make().await).await);
    report.add("ensuring again finds the same one", ensures_once(&make().await).await);
    report.add("a name or an audience that is taken is a conflict", conflicts(&make().await).await);
    report.add("a wish that could never match is refused", refuses_wishes(&make().await).await);
    report.add("what is deleted is gone, by id and by name", deletes(&make().await).await);
    report.add("deleting what is not there succeeds, and deletes nothing else", deletes_absent(&make().await).await);
    report.add("an application that is not there is not found", misses(&make().await).await);
    report.add("an unreachable directory is an error", unreachable(&make().await).await);
    report.add("a lost answer is made good by ensuring again", survives_lost_answer(&make().await).await);
    report.finish();
}

async fn lists(harness: &impl ApplicationTrustHarness) -> CaseResult {
    ensure_eq("trusted before", &listed(harness).await?.len(), &0)?;
    let wish = wish("one", "main")?.with_description("for a test");
    let made = harness.trust().ensure(harness.application(), &wish).await?;
    ensure(made.trusts(ISSUER, "repo:main") && made.accepts(&wish.audience), format!("not as wished: {made:?}"))?;
    ensure_eq("listed", &listed(harness).await?, &vec![made])
}

async fn ensures_once(harness: &impl ApplicationTrustHarness) -> CaseResult {
    let made = harness.trust().ensure(harness.application(), &wish("one", "main")?).await?;
    let again = harness.trust().ensure(harness.application(), &wish("one", "main")?).await?;
    ensure_eq("the one found", &again.id, &made.id)?;
    harness.settle().await;
    let other_name = harness.trust().ensure(harness.application(), &wish("two", "main")?).await?;
    ensure_eq("the one found under another name", &other_name.id, &made.id)?;
    ensure_eq("how many are listed", &listed(harness).await?.len(), &1)
}

async fn conflicts(harness: &impl ApplicationTrustHarness) -> CaseResult {
    let trust = harness.trust();
    let made = trust.ensure(harness.application(), &wish("one", "main")?).await?;
    harness.settle().await;
    let wishes = [("name", wish("one", "other")?), ("audience", wish("two", "main")?.with_audience("api://other"))];
    for (field, wish) in wishes {
        let outcome = trust.ensure(harness.application(), &wish).await;
        let error = refused("a wish against what exists", ErrorKind::Conflict, outcome)?;
        ensure_eq("field", &error.field(), &Some(field))?;
    }
    ensure_eq("what exists", &listed(harness).await?, &vec![made])
}

async fn refuses_wishes(harness: &impl ApplicationTrustHarness) -> CaseResult {
    let name = FederatedCredentialName::new("one")?;
    let wishes = [
        ("issuer", NewFederatedCredential::new(name.clone(), "", "repo:main")),
        ("subject", NewFederatedCredential::new(name.clone(), ISSUER, " repo:main")),
        ("audience", NewFederatedCredential::new(name, ISSUER, "repo:main").with_audience("a".repeat(601))),
    ];
    for (field, wish) in wishes {
        let outcome = harness.trust().ensure(harness.application(), &wish).await;
        let error = refused("a wish that could never match", ErrorKind::InvalidInput, outcome)?;
        ensure_eq("field", &error.field(), &Some(field))?;
    }
    ensure_eq("how many are listed", &listed(harness).await?.len(), &0)
}

async fn deletes(harness: &impl ApplicationTrustHarness) -> CaseResult {
    let trust = harness.trust();
    let one = trust.ensure(harness.application(), &wish("one", "main")?).await?;
    trust.ensure(harness.application(), &wish("two", "other")?).await?;
    harness.settle().await;
    trust.delete(harness.application(), &one.id.into()).await?;
    ensure(listed(harness).await?.iter().all(|left| left.id != one.id), "it is listed after it was deleted by its id")?;
    trust.delete(harness.application(), &FederatedCredentialName::new("two")?.into()).await?;
    ensure_eq("how many are listed", &listed(harness).await?.len(), &0)
}

async fn deletes_absent(harness: &impl ApplicationTrustHarness) -> CaseResult {
    let trust = harness.trust();
    let kept = trust.ensure(harness.application(), &wish("one", "main")?).await?;
    harness.settle().await;
    let absent: FederatedCredentialRef = FederatedCredentialName::new("absent")?.into();
    for _ in 0..2 {
        trust.delete(harness.application(), &absent).await?;
    }
    ensure_eq("what is left", &listed(harness).await?, &vec![kept])
}

async fn misses(harness: &impl ApplicationTrustHarness) -> CaseResult {
    let (trust, nobody) = (harness.trust(), ApplicationRef::from(ClientId::from(Uuid::new_v4())));
    refused("listing for nobody", ErrorKind::NotFound, trust.list(nobody).await)?;
    refused("ensuring for nobody", ErrorKind::NotFound, trust.ensure(nobody, &wish("one", "main")?).await)?;
    let which = FederatedCredentialName::new("one")?.into();
    refused("deleting for nobody", ErrorKind::NotFound, trust.delete(nobody, &which).await).map(drop)
}

async fn unreachable(harness: &impl ApplicationTrustHarness) -> CaseResult {
    let trust = harness.trust();
    let made = trust.ensure(harness.application(), &wish("one", "main")?).await?;
    harness.settle().await;
    harness.disconnect().await;
    let application = harness.application();
    let failed = [
        trust.list(application).await.err(),
        trust.ensure(application, &wish("two", "other")?).await.err(),
        trust.delete(application, &made.id.into()).await.err(),
    ];
    ensure(failed.iter().all(Option::is_some), "a call succeeded without the directory")
}

async fn survives_lost_answer(harness: &impl ApplicationTrustHarness) -> CaseResult {
    harness.lose_next_change().await;
    // An implementation may look for what it made, and need no help.
    if let Err(error) = harness.trust().ensure(harness.application(), &wish("one", "main")?).await {
        ensure(error.effect() == Effect::Unknown, format!("the effect of a lost answer is unknown: {error:?}"))?;
    }
    harness.settle().await;
    harness.trust().ensure(harness.application(), &wish("one", "main")?).await?;
    ensure_eq("how many are listed", &listed(harness).await?.len(), &1)
}

async fn listed(harness: &impl ApplicationTrustHarness) -> Result<Vec<FederatedCredential>, Failure> {
    harness.settle().await;
    Ok(harness.trust().list(harness.application()).await?)
}

fn wish(name: &str, branch: &str) -> Result<NewFederatedCredential, Failure> {
    Ok(NewFederatedCredential::new(FederatedCredentialName::new(name)?, ISSUER, format!("repo:{branch}")))
}
