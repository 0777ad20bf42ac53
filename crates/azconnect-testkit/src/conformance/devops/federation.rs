//! What every [`FederationConverter`] must do.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::ErrorKind;
use azconnect_devops::{AuthorizationScheme, ConversionRules, FederationConverter};

use super::{Caller, Case, DevOpsHarness};
use crate::conformance::report::{CaseResult, Report, ensure, ensure_eq, refused};

type Subject<H> = Case<H, dyn FederationConverter>;

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: DevOpsHarness>(
    make: impl AsyncFn() -> H,
    port: impl Fn(&H, Caller) -> Arc<dyn FederationConverter>,
) {
    let case = async || Case::new(make().await, &port);
    let mut report = Report::new("FederationConverter");
    report.add("what stands in the way is found before", judges(&case().await).await);
    report.add("a connection is converted, and back", converts(&case().await).await);
    report.add("what stands in the way is refused by its name", refuses(&case().await).await);
    report.add("what was not converted cannot be undone", nothing_to_undo(&case().await).await);
    report.add("somebody else's change is a conflict", conflicts(&case().await).await);
    report.add("a conversion can be undone for seven days", ends(&case().await).await);
    report.add("a missing connection is not found", missing(&case().await).await);
    report.add("without permission nothing is converted", denies(&case().await).await);
    report.finish();
}

async fn judges<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let rules = ConversionRules::new();
    let free = case.port.eligibility(&case.automatic(), rules).await?;
    ensure(free.is_clear(), format!("the harness's connection is not eligible: {free:?}"))?;
    let stopped = case.port.eligibility(&case.manual(), rules).await?;
    ensure(!stopped.is_clear(), "an application of one's own is eligible")?;
    let denied = case.contributor.eligibility(&case.automatic(), rules).await;
    ensure(!denied.is_ok_and(|checks| checks.is_clear()), "it is eligible for somebody who may not change its secret")
}

async fn converts<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let project = case.harness.project();
    let before = case.seen(&case.automatic()).await?;
    let converted = case.port.convert(&project, &before, ConversionRules::new()).await?;
    // The service may need longer than the port waits: then the connection shows it later.
    ensure(converted.is_pending() || converted.into_inner().is_federated(), "the connection is not federated")?;
    case.harness.settle().await;
    let seen = case.seen(&case.automatic()).await?;
    ensure(seen.is_federated() && seen.revert_deadline().is_some(), "the conversion cannot be undone")?;
    let again = case.port.eligibility(&case.automatic(), ConversionRules::new()).await?;
    ensure(!again.is_clear(), "a converted connection is eligible again")?;
    drop(case.port.revert(&project, &seen).await?);
    case.harness.settle().await;
    let reverted = case.seen(&case.automatic()).await?;
    ensure(reverted.is_scheme(AuthorizationScheme::ServicePrincipal), "the connection is still federated")?;
    ensure_eq("the name", &reverted.name(), &before.name())
}

async fn refuses<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let before = case.seen(&case.manual()).await?;
    let converted = case.port.convert(&case.harness.project(), &before, ConversionRules::new()).await;
    let error = refused("a manual connection", ErrorKind::Unsupported, converted)?;
    ensure_eq("the rule", &error.service_code(), &Some("manual-creation"))?;
    ensure(case.seen(&case.manual()).await?.document() == before.document(), "the connection changed")
}

async fn nothing_to_undo<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let before = case.seen(&case.automatic()).await?;
    let reverted = case.port.revert(&case.harness.project(), &before).await;
    refused("revert", ErrorKind::Unsupported, reverted).map(drop)
}

async fn conflicts<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let before = case.seen(&case.automatic()).await?;
    case.harness.interfere(before.id()).await;
    let converted = case.port.convert(&case.harness.project(), &before, ConversionRules::new()).await;
    refused("a conversion of what somebody changed", ErrorKind::Conflict, converted)?;
    ensure(!case.seen(&case.automatic()).await?.is_federated(), "it was converted all the same")
}

async fn ends<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let before = case.seen(&case.automatic()).await?;
    drop(case.port.convert(&case.harness.project(), &before, ConversionRules::new()).await?);
    case.harness.settle().await;
    let deadline = case.seen(&case.automatic()).await?.revert_deadline();
    let left = deadline.map(|deadline| deadline - case.harness.now());
    let week = Duration::from_secs(7 * 86_400);
    ensure(left.is_some_and(|left| left <= week && left > week - Duration::from_secs(86_400)), format!("{left:?}"))
}

async fn missing<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let asked = case.port.eligibility(&case.missing(), ConversionRules::new()).await;
    refused("eligibility", ErrorKind::NotFound, asked)?;
    let before = case.seen(&case.automatic()).await?;
    let other = case.harness.other_project();
    refused("convert", ErrorKind::NotFound, case.port.convert(&other, &before, ConversionRules::new()).await).map(drop)
}

async fn denies<H: DevOpsHarness>(case: &Subject<H>) -> CaseResult {
    let before = case.seen(&case.automatic()).await?;
    let converted = case.contributor.convert(&case.harness.project(), &before, ConversionRules::new()).await;
    // Who may not see how a connection signs in reads another document than the administrator did.
    ensure(
        converted.is_err_and(|error| {
            error.effect() == azconnect_core::Effect::None
                && matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Conflict)
        }),
        "a contributor's conversion was not refused without effect",
    )?;
    ensure(!case.seen(&case.automatic()).await?.is_federated(), "it was converted all the same")
}
