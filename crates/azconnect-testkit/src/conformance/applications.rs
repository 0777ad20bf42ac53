//! What every [`Applications`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ApplicationObjectId, ClientId, ErrorKind};
use azconnect_graph::{ApplicationRef, Applications};
use uuid::Uuid;

use super::report::{CaseResult, Report, ensure, ensure_eq, refused};

/// A tenant under test, whose applications the test registers.
#[async_trait]
pub trait ApplicationsHarness: Send + Sync {
    /// The port under test.
    fn applications(&self) -> Arc<dyn Applications>;

    /// Adds an application of a name, with a service principal and one password, and returns its client id.
    async fn register(&self, display_name: &str) -> ClientId;

    /// Lets time pass until every replica of the directory agrees.
    async fn settle(&self);

    /// Breaks every connection to the directory.
    async fn disconnect(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: ApplicationsHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("Applications");
    report.add("an application is found by either id", finds_by_either_id(&make().await).await);
    report.add("its passwords are listed with their ids", lists_passwords(&make().await).await);
    report.add("its service principal is found", finds_principal(&make().await).await);
    report.add("a name finds every application of it, and no other", finds_by_name(&make().await).await);
    report.add("what is not there is not found", misses(&make().await).await);
    report.add("an unreachable directory is an error", unreachable(&make().await).await);
    report.finish();
}

async fn finds_by_either_id(harness: &impl ApplicationsHarness) -> CaseResult {
    let client = registered(harness, "Deployer").await;
    let applications = harness.applications();
    let found = applications.find(client.into()).await?;
    ensure_eq("client id", &found.client_id, &client)?;
    ensure_eq("display name", &found.display_name.as_deref(), &Some("Deployer"))?;
    ensure_eq("the same by its object id", &applications.find(found.id.into()).await?, &found)
}

async fn lists_passwords(harness: &impl ApplicationsHarness) -> CaseResult {
    let client = registered(harness, "Deployer").await;
    let found = harness.applications().find(client.into()).await?;
    ensure_eq("passwords", &found.passwords.len(), &1)?;
    ensure(found.passwords.iter().all(|password| password.key.is_some()), "a password has no id")
}

async fn finds_principal(harness: &impl ApplicationsHarness) -> CaseResult {
    let client = registered(harness, "Deployer").await;
    let principal = harness.applications().service_principal_of(client).await?;
    ensure_eq("client id", &principal.client_id, &client)
}

async fn finds_by_name(harness: &impl ApplicationsHarness) -> CaseResult {
    // A quote ends a text in the directory's filters, and may not end it here.
    let name = "O'Neill's app";
    let mut wanted = [registered(harness, name).await, registered(harness, name).await];
    registered(harness, "Another").await;
    let found = harness.applications().find_named(name).await?;
    let mut found: Vec<_> = found.iter().map(|application| application.client_id).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    ensure_eq("applications of the name", &found.as_slice(), &wanted.as_slice())?;
    ensure_eq("applications of no name", &harness.applications().find_named("Nobody's").await?.len(), &0)
}

async fn misses(harness: &impl ApplicationsHarness) -> CaseResult {
    let applications = harness.applications();
    let (object, client) = (ApplicationObjectId::from(Uuid::new_v4()), ClientId::from(Uuid::new_v4()));
    for which in [ApplicationRef::from(object), ApplicationRef::from(client)] {
        refused("finding an application that is not there", ErrorKind::NotFound, applications.find(which).await)?;
    }
    let principal = applications.service_principal_of(client).await;
    refused("finding a service principal that is not there", ErrorKind::NotFound, principal).map(drop)
}

async fn unreachable(harness: &impl ApplicationsHarness) -> CaseResult {
    let client = registered(harness, "Deployer").await;
    harness.disconnect().await;
    let applications = harness.applications();
    let failed = [
        applications.find(client.into()).await.err(),
        applications.find_named("Deployer").await.err(),
        applications.service_principal_of(client).await.err(),
    ];
    for error in failed {
        let kind = error.map(|error| error.kind());
        ensure(kind.is_some_and(|kind| kind != ErrorKind::NotFound), format!("without the directory: {kind:?}"))?;
    }
    Ok(())
}

async fn registered(harness: &impl ApplicationsHarness, name: &str) -> ClientId {
    let client = harness.register(name).await;
    harness.settle().await;
    client
}
