//! What every [`ConnectionChecks`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ErrorKind, Secret};
use azconnect_credential::{
    CheckReport, CheckStatus, CheckedConnection, ConnectionCheck, ConnectionChecks, ConnectionForm, ConnectionId,
    ConnectionRecord,
};

use super::connection_keeper::KeeperHarness;
use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, refused};
use crate::canary::Canary;

/// Checks under test, and the keeper of the same connections.
#[async_trait]
pub trait ChecksHarness: KeeperHarness {
    /// The checks under test.
    fn checks(&self) -> Arc<dyn ConnectionChecks>;

    /// A form with this secret, of which everything else is right: that of an application that exists, whose working secret is
    /// [`KeeperHarness::working_secret`]. It names a region, a resource group and an
    /// organization of Azure DevOps.
    fn form(&self, secret: Secret) -> ConnectionForm;

    /// Disables the form's subscription.
    async fn disable_subscription(&self);

    /// Keeps everybody from reading which regions there are.
    async fn hide_regions(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: ChecksHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("ConnectionChecks");
    report.add("a form of which everything is right is kept with its report", keeps(&make().await).await);
    report.add("a form is checked without being kept", checks_only(&make().await).await);
    report.add("every text that is wrong is named, and nothing is sent for it", names_texts(&make().await).await);
    report.add("a failed check keeps nothing", keeps_nothing(&make().await).await);
    report.add("what is not known does not keep a connection from being kept", keeps_unknown(&make().await).await);
    report.add("a wrong secret fails, and what needs it is skipped", refuses_secret(&make().await).await);
    report.add("while the login is away nothing is kept and nothing failed", away(&make().await).await);
    report.add("a name that is taken fails", taken(&make().await).await);
    report.add("a check is noted in the record, and changes nothing else", notes(&make().await).await);
    report.add("what does not exist is not found", unknown(&make().await).await);
    report.add("no secret is shown or logged", shows_nothing(&make().await).await);
    report.add("a check of a connection looks at the organization too", repeats_organization(&make().await).await);
    report.finish();
}

async fn connect(harness: &impl ChecksHarness) -> Result<CheckedConnection, azconnect_core::Error> {
    harness.checks().connect_checked(&harness.form(harness.working_secret())).await
}

async fn found(harness: &impl ChecksHarness, id: &ConnectionId) -> Result<ConnectionRecord, Failure> {
    harness.records().get(id).await?.ok_or_else(|| Failure::new(format!("{id} is not found")))
}

fn id(harness: &impl ChecksHarness) -> Result<ConnectionId, Failure> {
    Ok(harness.form(harness.working_secret()).id.parse()?)
}

async fn ensure_nothing_kept(harness: &impl ChecksHarness, checked: &CheckedConnection) -> CaseResult {
    ensure(!checked.is_kept(), "it is said to be kept")?;
    ensure(harness.records().get(&id(harness)?).await?.is_none(), "a record was kept")?;
    ensure_eq("secrets kept", &harness.kept().await, &0)
}

fn status(report: &CheckReport, check: ConnectionCheck) -> Option<CheckStatus> {
    report.of(check).map(|check| check.status)
}

async fn keeps(harness: &impl ChecksHarness) -> CaseResult {
    let checked = connect(harness).await?;
    let passed = checked.report.with_status(CheckStatus::Passed).count();
    ensure(passed == checked.report.len(), format!("not all passed:\n{}", checked.report))?;
    ensure(status(&checked.report, ConnectionCheck::Role).is_some(), "the role was not looked at")?;
    let connected = checked.connected.ok_or_else(|| Failure::new("it is not kept"))?;
    let record = found(harness, &id(harness)?).await?;
    ensure_eq("the record", &record, &connected.record)?;
    ensure_eq("its check", &record.checked.map(|check| check.report), &Some(checked.report))?;
    ensure_eq("secrets kept", &harness.kept().await, &1)
}

async fn checks_only(harness: &impl ChecksHarness) -> CaseResult {
    let report = harness.checks().check_form(&harness.form(harness.working_secret())).await;
    ensure(report.is_clear() && !report.is_empty(), format!("not clear:\n{report}"))?;
    ensure_nothing_kept(harness, &CheckedConnection::refused(report)).await
}

async fn names_texts(harness: &impl ChecksHarness) -> CaseResult {
    let id = Secret::new("1272a66f-e2e8-4e88-ab43-487409186c3f");
    let form = harness.form(id).with_client("Deployer").with_subscription("Production");
    let checked = harness.checks().connect_checked(&form).await?;
    let failed: Vec<_> = checked.report.failures().map(|check| check.code.as_str()).collect();
    ensure_eq("failures", &failed, &vec!["client-id", "secret-text", "subscription-id"])?;
    ensure_eq("the secret", &status(&checked.report, ConnectionCheck::Secret), &Some(CheckStatus::Skipped))?;
    ensure_nothing_kept(harness, &checked).await
}

async fn keeps_nothing(harness: &impl ChecksHarness) -> CaseResult {
    harness.disable_subscription().await;
    let checked = connect(harness).await?;
    let failed: Vec<_> = checked.report.failures().map(|check| check.code.as_str()).collect();
    ensure_eq("failures", &failed, &vec!["subscription-state"])?;
    ensure_nothing_kept(harness, &checked).await
}

async fn keeps_unknown(harness: &impl ChecksHarness) -> CaseResult {
    harness.hide_regions().await;
    let checked = connect(harness).await?;
    ensure_eq("the region", &status(&checked.report, ConnectionCheck::Region), &Some(CheckStatus::Unknown))?;
    ensure(checked.is_kept(), format!("it is not kept:\n{}", checked.report))
}

async fn refuses_secret(harness: &impl ChecksHarness) -> CaseResult {
    let wrong = Secret::new("Abc8Q~a.wrong.secret.that.was.never.minted");
    let checked = harness.checks().connect_checked(&harness.form(wrong)).await?;
    let failed: Vec<_> = checked.report.failures().map(|check| check.code.as_str()).collect();
    ensure_eq("failures", &failed, &vec!["client-secret"])?;
    ensure_eq("the role", &status(&checked.report, ConnectionCheck::Role), &Some(CheckStatus::Skipped))?;
    ensure_nothing_kept(harness, &checked).await
}

async fn away(harness: &impl ChecksHarness) -> CaseResult {
    harness.disconnect_service().await;
    let checked = connect(harness).await?;
    ensure(checked.report.is_clear(), format!("it failed:\n{}", checked.report))?;
    ensure_eq("the secret", &status(&checked.report, ConnectionCheck::Secret), &Some(CheckStatus::Unknown))?;
    ensure_nothing_kept(harness, &checked).await
}

async fn taken(harness: &impl ChecksHarness) -> CaseResult {
    let first = connect(harness).await?.connected.ok_or_else(|| Failure::new("it is not kept"))?;
    let again = connect(harness).await?;
    ensure_eq("the name", &status(&again.report, ConnectionCheck::Name), &Some(CheckStatus::Failed))?;
    ensure(!again.is_kept(), "it is kept twice")?;
    ensure_eq("the record", &found(harness, &first.record.id).await?, &first.record)?;
    ensure_eq("secrets kept", &harness.kept().await, &1)
}

async fn notes(harness: &impl ChecksHarness) -> CaseResult {
    let before = connect(harness).await?.connected.ok_or_else(|| Failure::new("it is not kept"))?.record;
    harness.disable_subscription().await;
    let check = harness.checks().check(&before.id).await?;
    let state = status(&check.report, ConnectionCheck::SubscriptionState);
    ensure_eq("the subscription's state", &state, &Some(CheckStatus::Failed))?;
    let mut after = found(harness, &before.id).await?;
    ensure_eq("what is noted", &after.checked, &Some(check))?;
    after.checked.clone_from(&before.checked);
    ensure_eq("everything else", &after, &before)
}

async fn unknown(harness: &impl ChecksHarness) -> CaseResult {
    refused("a check", ErrorKind::NotFound, harness.checks().check(&"nobody".parse()?).await).map(drop)
}

async fn shows_nothing(harness: &impl ChecksHarness) -> CaseResult {
    let canary = Canary::new();
    canary.watch(&harness.working_secret());
    let ears = canary.listen();
    let checks = harness.checks();
    // A person pastes the secret into every field.
    let mut shown = String::new();
    let pasted = canary.secret();
    let text = pasted.expose();
    let everywhere = harness
        .form(pasted.duplicate())
        .with_id(text)
        .with_display_name(text)
        .with_tenant(text)
        .with_client(text)
        .with_subscription(text)
        .with_region(text)
        .with_resource_group(text)
        .with_organization(text)
        .with_key(text);
    shown += &format!("{everywhere:?} {:?}", checks.connect_checked(&everywhere).await);
    shown += &format!("{:?}", checks.connect_checked(&harness.form(canary.secret())).await);
    shown += &format!("{:?}", connect(harness).await);
    shown += &format!("{:?} {:?}", checks.check(&id(harness)?).await, harness.records().get(&id(harness)?).await);
    harness.disconnect_service().await;
    shown += &format!("{:?}", checks.check(&id(harness)?).await);
    drop(ears);
    let leak = canary.find(shown.as_bytes()).or_else(|| canary.find_in_logs());
    ensure(leak.is_none(), format!("shown: {}", leak.unwrap_or_default()))
}

async fn repeats_organization(harness: &impl ChecksHarness) -> CaseResult {
    let form = harness.form(harness.working_secret());
    ensure(!form.organization.is_empty(), "the form of the harness names no organization")?;
    let before = connect(harness).await?.connected.ok_or_else(|| Failure::new("it is not kept"))?.record;
    ensure(before.organization.is_some(), "the record does not name the organization")?;
    let check = harness.checks().check(&before.id).await?;
    ensure_eq("the organization", &status(&check.report, ConnectionCheck::Organization), &Some(CheckStatus::Passed))
}
