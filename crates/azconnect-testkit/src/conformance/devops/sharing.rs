//! What every [`ServiceConnectionSharing`] must do.

use std::sync::Arc;

use azconnect_core::ErrorKind;
use azconnect_devops::{ConnectionAddress, ServiceConnectionSharing};

use super::{Caller, Case, DevOpsHarness};
use crate::conformance::report::{CaseResult, Report, ensure, ensure_eq, refused};

type Subject<H> = Case<H, dyn ServiceConnectionSharing>;

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: DevOpsHarness>(
    make: impl AsyncFn() -> H,
    port: impl Fn(&H, Caller) -> Arc<dyn ServiceConnectionSharing>,
) {
    let case = async || Case::new(make().await, &port);
    let mut report = Report::new("ServiceConnectionSharing");
    report.add("a connection is shared under a name, and again", shares(&case().await).await);
    report.add("what is unshared is seen by its owner only", unshares(&case().await).await);
    report.add("all pipelines are granted and no longer", grants_all(&case().await).await);
    report.add("pipelines are granted one by one", grants_some(&case().await).await);
    report.add("what does not exist is not found", missing(&case().await).await);
    report.add("without permission nothing changes", refuses(&case().await).await);
    report.finish();
}

fn elsewhere<H: DevOpsHarness>(case: &Subject<H>) -> ConnectionAddress {
    case.harness.other_project().connection(case.harness.manual())
}

async fn shares<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let other = case.harness.other_project().project;
    for name in ["borrowed", "borrowed again"] {
        case.port.share(&case.manual(), &other, name).await?;
        let seen = case.seen(&elsewhere(case)).await?;
        ensure_eq("the name in the other project", &seen.name(), &Some(name))?;
        ensure_eq("the number of projects", &seen.projects().count(), &2)?;
    }
    case.seen(&case.manual()).await.map(drop)
}

async fn unshares<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let other = case.harness.other_project().project;
    case.port.share(&case.manual(), &other, "borrowed").await?;
    case.port.unshare(&case.manual(), &other).await?;
    ensure(case.harness.look(&elsewhere(case)).await.is_none(), "the other project still sees it")?;
    case.seen(&case.manual()).await.map(drop)
}

async fn grants_all<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    for authorized in [true, true, false] {
        ensure_eq("the answer", &case.port.grant_all_pipelines(&case.manual(), authorized).await?.all, &authorized)?;
        ensure_eq("the grant", &case.port.pipeline_grants(&case.manual()).await?.all, &authorized)?;
    }
    Ok(())
}

async fn grants_some<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    case.port.grant_pipelines(&case.manual(), &[7, 9], true).await?;
    case.port.grant_pipelines(&case.manual(), &[8], true).await?;
    let left = case.port.grant_pipelines(&case.manual(), &[9], false).await?;
    ensure_eq("the answer", &left.pipelines, &vec![7, 8])?;
    let found = case.port.pipeline_grants(&case.manual()).await?;
    ensure_eq("the grants", &found.pipelines, &vec![7, 8])?;
    ensure(!found.all, "all pipelines were granted")
}

async fn missing<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let other = case.harness.other_project().project;
    let nowhere = case.missing_project()?.project;
    refused("share", ErrorKind::NotFound, case.port.share(&case.missing(), &other, "x").await)?;
    refused("share with nobody", ErrorKind::NotFound, case.port.share(&case.manual(), &nowhere, "x").await)?;
    refused("unshare", ErrorKind::NotFound, case.port.unshare(&case.missing(), &other).await)?;
    refused("grants", ErrorKind::NotFound, case.port.pipeline_grants(&case.missing()).await)?;
    refused("grant", ErrorKind::NotFound, case.port.grant_all_pipelines(&case.missing(), true).await).map(drop)
}

async fn refuses<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let (denied, own) = (ErrorKind::PermissionDenied, case.harness.project().project);
    refused("unshare", denied, case.contributor.unshare(&case.manual(), &own).await)?;
    refused("grant all", denied, case.contributor.grant_all_pipelines(&case.manual(), true).await)?;
    refused("grant one", denied, case.contributor.grant_pipelines(&case.manual(), &[7], true).await)?;
    let found = case.port.pipeline_grants(&case.manual()).await?;
    ensure(!found.all && found.pipelines.is_empty(), format!("something was granted: {found:?}"))?;
    case.seen(&case.manual()).await.map(drop)
}
