//! What every [`ConnectionDirectory`] must do.

use std::sync::Arc;

use azconnect_core::ErrorKind;
use azconnect_devops::{ConnectionDirectory, OrganizationTenant};

use super::{Caller, Case, DevOpsHarness, missing_organization};
use crate::conformance::report::{CaseResult, Report, ensure, refused};

type Subject<H> = Case<H, dyn ConnectionDirectory>;

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: DevOpsHarness>(
    make: impl AsyncFn() -> H,
    port: impl Fn(&H, Caller) -> Arc<dyn ConnectionDirectory>,
) {
    let case = async || Case::new(make().await, &port);
    let mut report = Report::new("ConnectionDirectory");
    report.add("a known organization is found with its tenant", finds(&case().await).await);
    report.add("an organization that does not exist is left out", leaves_out(&case().await).await);
    report.add("the tenant of a missing organization is not found", no_tenant(&case().await).await);
    report.add("the projects of an organization are listed", projects(&case().await).await);
    report.add("an administrator is told by what", administers(&case().await).await);
    report.add("a missing permission is an answer", lacks(&case().await).await);
    report.add("a missing project is not found", missing_project(&case().await).await);
    report.add("only who administers a connection may change its secret", rights(&case().await).await);
    report.add("a missing connection is not found", missing(&case().await).await);
    report.finish();
}

async fn finds<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let name = case.harness.project().organization;
    let search = case.port.organizations(std::slice::from_ref(&name)).await?;
    let group = search.groups.iter().find(|group| group.organizations.iter().any(|entry| entry.name == name));
    let tenant = OrganizationTenant::Entra(case.harness.application().0);
    ensure(group.is_some_and(|group| group.tenant == tenant), format!("not in the group of its tenant: {search:?}"))?;
    ensure(case.port.tenant_of(&name).await? == tenant, "tenant_of says otherwise")
}

async fn leaves_out<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let (name, missing) = (case.harness.project().organization, missing_organization()?);
    let search = case.port.organizations(&[missing.clone(), name.clone()]).await?;
    let has = |wanted| search.groups.iter().any(|group| group.organizations.iter().any(|entry| entry.name == wanted));
    ensure(has(name), "the organization that exists is missing")?;
    ensure(!has(missing), "an organization that does not exist is listed")
}

async fn no_tenant<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let missing = missing_organization()?;
    refused("tenant_of", ErrorKind::NotFound, case.port.tenant_of(&missing).await).map(drop)
}

async fn projects<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let projects = case.port.projects(&case.harness.project().organization).await?;
    for wanted in [case.harness.project(), case.harness.other_project()] {
        let found =
            projects.iter().any(|project| wanted.project.means(Some(&project.id.to_string()), Some(&project.name)));
        ensure(found, format!("{wanted} is not listed"))?;
    }
    refused("projects", ErrorKind::NotFound, case.port.projects(&missing_organization()?).await).map(drop)
}

async fn administers<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let report = case.port.permission(&case.harness.project()).await?;
    ensure(report.allows() && report.require().is_ok(), format!("an administrator is refused: {report:?}"))?;
    ensure(report.project.id == case.harness.described().id, "the report is of another project")
}

async fn lacks<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let report = case.contributor.permission(&case.harness.project()).await?;
    ensure(!report.allows(), format!("a contributor may administer: {report:?}"))?;
    let error = refused("require", ErrorKind::PermissionDenied, report.require())?;
    ensure(!error.advice().is_empty(), "a refusal must say whom to ask")
}

async fn missing_project<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let missing = case.missing_project()?;
    refused("permission", ErrorKind::NotFound, case.port.permission(&missing).await).map(drop)
}

async fn rights<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let own = case.port.connection_permission(&case.manual()).await?;
    ensure(own.view && own.administer && own.change_secret, format!("an administrator lacks a right: {own:?}"))?;
    let other = case.contributor.connection_permission(&case.manual()).await?;
    ensure(other.view && !other.administer && !other.change_secret, format!("a contributor's rights: {other:?}"))
}

async fn missing<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let asked = case.port.connection_permission(&case.missing()).await;
    refused("connection_permission", ErrorKind::NotFound, asked).map(drop)
}
