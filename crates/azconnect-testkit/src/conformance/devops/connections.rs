//! What every [`ServiceConnections`] must do.

use std::sync::Arc;

use azconnect_core::ErrorKind;
use azconnect_devops::{ConnectionType, EndpointQuery, ServiceConnections};

use super::{Caller, Case, DevOpsHarness, shows_secret};
use crate::conformance::report::{CaseResult, Report, ensure, ensure_eq, refused};

type Subject<H> = Case<H, dyn ServiceConnections>;

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: DevOpsHarness>(
    make: impl AsyncFn() -> H,
    port: impl Fn(&H, Caller) -> Arc<dyn ServiceConnections>,
) {
    let case = async || Case::new(make().await, &port);
    let mut report = Report::new("ServiceConnections");
    report.add("a connection is read whole but for its secret", reads(&case().await).await);
    report.add("a list holds what the query selects", lists(&case().await).await);
    report.add("a name is found, in any project only there", finds(&case().await).await);
    report.add("what does not exist is not found", missing(&case().await).await);
    report.add("a connection of another project is not found", elsewhere(&case().await).await);
    report.add("each choice says whether it can be refreshed", offers(&case().await).await);
    report.add("choices are for those who may administer them", refuses(&case().await).await);
    report.add("no more uses are given than were asked for", executions(&case().await).await);
    report.finish();
}

async fn reads<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let read = case.port.read(&case.manual()).await?;
    ensure_eq("the id", &read.id(), &case.harness.manual())?;
    ensure(read.is_type(ConnectionType::AzureRm), "the type is missing")?;
    ensure(!shows_secret(&read), "the secret is shown")?;
    let real = case.seen(&case.manual()).await?;
    ensure(read.document() == real.document(), "the document is not the one that the service has")
}

async fn lists<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let project = case.harness.project();
    let azure = case.port.list(&project, &EndpointQuery::new().with_type("azurerm")).await?;
    for wanted in [case.harness.manual(), case.harness.automatic()] {
        ensure(azure.iter().any(|found| found.id() == wanted), format!("connection {wanted} is not listed"))?;
    }
    ensure(!azure.iter().any(shows_secret), "a secret is shown")?;
    let one = case.port.list(&project, &EndpointQuery::new().with_ids([case.harness.manual()])).await?;
    ensure_eq("the number of one id", &one.len(), &1)?;
    let none = case.port.list(&project, &EndpointQuery::new().with_type("github")).await?;
    ensure(none.is_empty(), "a query for another type found something")?;
    let other = case.port.list(&case.harness.other_project(), &EndpointQuery::new()).await?;
    ensure(other.is_empty(), "another project sees connections that were not shared")
}

async fn finds<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let read = case.port.read(&case.manual()).await?;
    let name = read.name().unwrap_or_default();
    let found = case.port.find(&case.harness.project(), name).await?;
    ensure(found.is_some_and(|found| found.id() == case.harness.manual()), "the name was not found")?;
    ensure(case.port.find(&case.harness.project(), "no such connection").await?.is_none(), "nobody has this name")?;
    ensure(case.port.find(&case.harness.other_project(), name).await?.is_none(), "another project sees the name")
}

async fn missing<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    refused("read", ErrorKind::NotFound, case.port.read(&case.missing()).await)?;
    let project = case.missing_project()?;
    refused("list", ErrorKind::NotFound, case.port.list(&project, &EndpointQuery::new()).await)?;
    refused("find", ErrorKind::NotFound, case.port.find(&project, "production").await)?;
    refused("choices", ErrorKind::NotFound, case.port.choices(&project).await)?;
    refused("executions", ErrorKind::NotFound, case.port.executions(&case.missing(), 10).await).map(drop)
}

async fn elsewhere<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let seen = case.harness.other_project().connection(case.harness.manual());
    refused("read", ErrorKind::NotFound, case.port.read(&seen).await).map(drop)
}

async fn offers<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let picker = case.port.choices(&case.harness.project()).await?;
    let of = |id| picker.choices.iter().find(|choice| choice.id == id);
    let (manual, automatic) = (of(case.harness.manual()), of(case.harness.automatic()));
    ensure(manual.is_some_and(azconnect_devops::Choice::can_refresh), "the first connection cannot be refreshed")?;
    ensure(
        automatic.is_some_and(|choice| !choice.can_refresh() && !choice.explanation().is_empty()),
        "a connection that Azure DevOps manages is offered for refreshing",
    )?;
    ensure(picker.permission.allows(), "the choices must say by what the caller may see them")
}

async fn refuses<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let asked = case.contributor.choices(&case.harness.project()).await;
    let error = refused("choices", ErrorKind::PermissionDenied, asked)?;
    ensure(!error.advice().is_empty(), "a refusal must say whom to ask")
}

async fn executions<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let all = case.port.executions(&case.manual(), usize::MAX).await?;
    ensure(all.len() > 1, "the harness must give a connection that was used more than once")?;
    ensure_eq("the number of two", &case.port.executions(&case.manual(), 2).await?.len(), &2)?;
    ensure(all.is_sorted_by(|later, earlier| later.id > earlier.id), "the latest use must come first")
}
