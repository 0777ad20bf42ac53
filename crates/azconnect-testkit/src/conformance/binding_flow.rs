//! What every [`BindingFlow`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Effect, ErrorKind, TenantId};
use azconnect_credential::{Binding, BindingRecords, BoundConsumer, Check, CheckStatus};
use azconnect_devops::{BindingChoice, BindingDraft, BindingFlow, BindingPicker, BindingSteps, EndpointId};

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, refused};

/// A flow under test, and what lies behind it: a tenant whose integration is on, and an organization in it whose project has
/// connections. Nothing is bound.
#[async_trait]
pub trait BindingFlowHarness: Send + Sync {
    /// The flow under test.
    fn flow(&self) -> Arc<dyn BindingFlow>;

    /// Where what is saved is found.
    fn records(&self) -> Arc<dyn BindingRecords>;

    /// A draft with nothing chosen, of the application whose secret the connections hold.
    fn draft(&self) -> BindingDraft;

    /// The name of the organization.
    fn organization(&self) -> String;

    /// The name of its project.
    fn project(&self) -> String;

    /// The name of a connection in it that can receive the application's secret.
    fn fitting(&self) -> String;

    /// The name of one that cannot.
    fn unfitting(&self) -> String;

    /// Turns the integration of the tenant off.
    async fn turn_off(&self);

    /// Lets somebody act who may use the connections, and no more.
    async fn take_permission(&self);

    /// Gives a connection another name, as a person would.
    async fn rename(&self, connection: EndpointId);

    /// Deletes a connection, as a person would.
    async fn delete(&self, connection: EndpointId);

    /// Makes Azure DevOps unreachable from now on.
    async fn disconnect_service(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: BindingFlowHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("BindingFlow");
    report.add("each choice leads one step on", leads_on(&make().await).await);
    report.add("an integration that is off blocks at the first step", off(&make().await).await);
    report.add("an application of another tenant blocks at the first step", elsewhere(&make().await).await);
    report.add("what is not offered blocks, and the others stay on offer", not_offered(&make().await).await);
    report.add("without the permission nothing is offered", without_permission(&make().await).await);
    report.add("what does not fit is shown with the reason", shows_reasons(&make().await).await);
    report.add("what is not answered is unknown", unknown(&make().await).await);
    report.add("looking changes nothing", changes_nothing(&make().await).await);
    report.add("nothing is saved before everything is chosen", half_chosen(&make().await).await);
    report.add("what was chosen is saved, and once", saves(&make().await).await);
    report.add("what does not fit is not saved", refuses_unfitting(&make().await).await);
    report.add("what was renamed since is not saved", renamed(&make().await).await);
    report.add("what was deleted since is not saved", deleted(&make().await).await);
    report.add("what was bound otherwise since is kept", overtaken(&make().await).await);
    report.add("a permission that was lost since refuses", permission_lost(&make().await).await);
    report.add("while the service is away nothing is saved", away(&make().await).await);
    report.finish();
}

const P: CheckStatus = CheckStatus::Passed;
const F: CheckStatus = CheckStatus::Failed;
const S: CheckStatus = CheckStatus::Skipped;

async fn look(harness: &impl BindingFlowHarness, draft: &BindingDraft) -> Result<BindingSteps, Failure> {
    Ok(harness.flow().steps(draft).await?)
}

fn in_project(harness: &impl BindingFlowHarness) -> BindingDraft {
    harness.draft().with_organization(harness.organization()).with_project(harness.project())
}

async fn picker(harness: &impl BindingFlowHarness) -> Result<BindingPicker, Failure> {
    let steps = look(harness, &in_project(harness)).await?;
    steps.connections.offered.ok_or_else(|| Failure::new(format!("no connections: {:?}", steps.connections.checks)))
}

fn named(list: &[BindingChoice], name: &str) -> Result<BindingChoice, Failure> {
    let found = list.iter().find(|choice| choice.connection.name == name);
    found.cloned().ok_or_else(|| Failure::new(format!("{name} is not in the list: {list:?}")))
}

/// The draft of who chose the connection that fits.
async fn chosen(harness: &impl BindingFlowHarness) -> Result<BindingDraft, Failure> {
    let choice = named(&picker(harness).await?.choices, &harness.fitting())?;
    Ok(in_project(harness).with_connection(&choice))
}

fn connection(draft: &BindingDraft) -> Result<EndpointId, Failure> {
    draft.connection.as_ref().map(|chosen| chosen.id).ok_or_else(|| Failure::new("nothing is chosen"))
}

async fn held(harness: &impl BindingFlowHarness) -> Result<Vec<Binding>, Failure> {
    let found = harness.records().get(harness.draft().application).await?;
    Ok(found.map(|found| found.consumers).unwrap_or_default())
}

/// The check that stands in the way, which says what to do.
fn blocker(steps: &BindingSteps) -> Result<&Check, Failure> {
    ensure(!steps.can_save(), "it can be saved")?;
    let check = steps.blocker().ok_or_else(|| Failure::new("nothing stands in the way"))?;
    ensure(!check.remedy.is_empty(), format!("it does not say what to do: {check}"))?;
    Ok(check)
}

/// Fails unless a draft is refused as a conflict about the connection, and what is kept stays.
async fn conflict(harness: &impl BindingFlowHarness, draft: &BindingDraft) -> CaseResult {
    let before = held(harness).await?;
    let error = refused("saving", ErrorKind::Conflict, harness.flow().bind_chosen(draft).await)?;
    ensure_eq("field", &error.field(), &Some("connection"))?;
    ensure(!error.advice().is_empty(), "the refusal does not say what to do")?;
    ensure_eq("what is bound", &held(harness).await?, &before)
}

async fn leads_on(harness: &impl BindingFlowHarness) -> CaseResult {
    ensure_eq("nothing chosen", &look(harness, &harness.draft()).await?.statuses(), &[P, P, S, S, S, S])?;
    let draft = harness.draft().with_organization(harness.organization().to_uppercase());
    let steps = look(harness, &draft).await?;
    ensure_eq("an organization", &steps.statuses(), &[P, P, P, S, S, S])?;
    let projects = steps.projects.offered.unwrap_or_default();
    let project = projects.iter().find(|project| project.name == harness.project());
    let project = project.ok_or_else(|| Failure::new(format!("the project is not offered: {projects:?}")))?;
    let steps = look(harness, &draft.with_project(project.id.to_string())).await?;
    ensure_eq("a project", &steps.statuses(), &[P, P, P, P, P, S])?;
    ensure(!steps.can_save() && steps.blocker().is_none(), "before a connection is chosen, nothing stands in the way")?;
    // A choice below one that was not made counts for nothing.
    let lost = harness.draft().with_project(harness.project());
    ensure_eq("no organization", &look(harness, &lost).await?.statuses(), &[P, P, S, S, S, S])?;
    let steps = look(harness, &chosen(harness).await?).await?;
    ensure_eq("a connection", &steps.statuses(), &[P; 6])?;
    ensure(steps.can_save() && steps.blocker().is_none(), "it cannot be saved")
}

async fn off(harness: &impl BindingFlowHarness) -> CaseResult {
    let draft = chosen(harness).await?;
    harness.turn_off().await;
    let steps = look(harness, &draft).await?;
    ensure_eq("steps", &steps.statuses(), &[F, S, S, S, S, S])?;
    blocker(&steps)?;
    ensure(harness.flow().bind_chosen(&draft).await.is_err(), "it was saved")?;
    ensure_eq("what is bound", &held(harness).await?, &Vec::new())
}

async fn elsewhere(harness: &impl BindingFlowHarness) -> CaseResult {
    let draft = chosen(harness).await?;
    let tenant: TenantId = "d1b2c3d4-0000-4000-8000-00000000000f".parse()?;
    let theirs = Binding::new(BoundConsumer::OwnRecord);
    harness.records().bind(draft.application, tenant, theirs.clone()).await?;
    let steps = look(harness, &draft).await?;
    ensure_eq("steps", &steps.statuses(), &[F, S, S, S, S, S])?;
    blocker(&steps)?;
    refused("saving", ErrorKind::Conflict, harness.flow().bind_chosen(&draft).await)?;
    ensure_eq("what is bound", &held(harness).await?, &vec![theirs])
}

async fn not_offered(harness: &impl BindingFlowHarness) -> CaseResult {
    let nowhere = look(harness, &harness.draft().with_organization("no-such-organization")).await?;
    ensure_eq("no organization", &nowhere.statuses(), &[P, F, S, S, S, S])?;
    blocker(&nowhere)?;
    ensure(nowhere.organizations.offered.is_some_and(|offered| !offered.is_empty()), "no other is on offer")?;
    let ghost = harness.draft().with_organization(harness.organization()).with_project("no such project");
    let ghost = look(harness, &ghost).await?;
    ensure_eq("no project", &ghost.statuses(), &[P, P, F, S, S, S])?;
    blocker(&ghost)?;
    ensure(ghost.projects.offered.is_some_and(|offered| !offered.is_empty()), "no other is on offer")
}

async fn without_permission(harness: &impl BindingFlowHarness) -> CaseResult {
    harness.take_permission().await;
    let steps = look(harness, &in_project(harness)).await?;
    ensure_eq("steps", &steps.statuses(), &[P, P, P, F, S, S])?;
    blocker(&steps)?;
    let reported = steps.permission.offered.as_ref().map(|report| report.allows());
    ensure_eq("what the report allows", &reported, &Some(false))?;
    ensure(steps.connections.offered.is_none(), "connections are offered")
}

async fn shows_reasons(harness: &impl BindingFlowHarness) -> CaseResult {
    let picker = picker(harness).await?;
    let fits = named(&picker.choices, &harness.fitting())?;
    ensure(fits.fits() && fits.reason.is_empty(), "a reason against what fits")?;
    let other = named(&picker.others, &harness.unfitting())?;
    ensure(!other.fits() && !other.reason.is_empty(), "no reason against what does not fit")?;
    let all = picker.choices.iter().all(BindingChoice::fits) && !picker.others.iter().any(BindingChoice::fits);
    ensure(all, "one stands in the wrong list")
}

async fn unknown(harness: &impl BindingFlowHarness) -> CaseResult {
    let draft = chosen(harness).await?;
    harness.disconnect_service().await;
    let steps = look(harness, &draft).await?;
    let blocked = steps.statuses().into_iter().find(|status| *status != P);
    ensure_eq("the step that blocks", &blocked, &Some(CheckStatus::Unknown))?;
    blocker(&steps).map(drop)
}

async fn changes_nothing(harness: &impl BindingFlowHarness) -> CaseResult {
    let draft = chosen(harness).await?;
    let before = look(harness, &draft).await?.connections.offered;
    ensure_eq("what is offered", &look(harness, &draft).await?.connections.offered, &before)?;
    ensure(harness.records().get(draft.application).await?.is_none(), "something is bound")
}

async fn half_chosen(harness: &impl BindingFlowHarness) -> CaseResult {
    let some = harness.draft().with_organization(harness.organization());
    for half in [harness.draft(), some, in_project(harness)] {
        let error = refused("half a draft", ErrorKind::InvalidInput, harness.flow().bind_chosen(&half).await)?;
        ensure_eq("field", &error.field(), &Some("connection"))?;
    }
    ensure_eq("what is bound", &held(harness).await?, &Vec::new())
}

async fn saves(harness: &impl BindingFlowHarness) -> CaseResult {
    let draft = chosen(harness).await?.optional().with_receipt_as_proof();
    let wanted: Vec<Binding> = draft.binding().into_iter().collect();
    for _ in 0..2 {
        let saved = harness.flow().bind_chosen(&draft).await?;
        ensure_eq("what is saved", &saved.consumers, &wanted)?;
    }
    ensure_eq("what is bound", &held(harness).await?, &wanted)?;
    // The picker shows how it is bound, and what it showed may be replaced.
    let choice = named(&picker(harness).await?.choices, &harness.fitting())?;
    ensure_eq("what is shown of it", &choice.bound.as_ref(), &wanted.first())?;
    let again = in_project(harness).with_connection(&choice);
    harness.flow().bind_chosen(&again).await?;
    ensure_eq("what is bound again", &held(harness).await?, &again.binding().into_iter().collect())
}

async fn refuses_unfitting(harness: &impl BindingFlowHarness) -> CaseResult {
    let other = named(&picker(harness).await?.others, &harness.unfitting())?;
    let draft = in_project(harness).with_connection(&other);
    blocker(&look(harness, &draft).await?)?;
    let outcome = harness.flow().bind_chosen(&draft).await;
    let error = outcome.err().ok_or_else(|| Failure::new("it was saved"))?;
    ensure_eq("effect", &error.effect(), &Effect::None)?;
    ensure_eq("what is bound", &held(harness).await?, &Vec::new())
}

async fn renamed(harness: &impl BindingFlowHarness) -> CaseResult {
    let draft = chosen(harness).await?;
    harness.rename(connection(&draft)?).await;
    blocker(&look(harness, &draft).await?)?;
    conflict(harness, &draft).await
}

async fn deleted(harness: &impl BindingFlowHarness) -> CaseResult {
    let draft = chosen(harness).await?;
    harness.delete(connection(&draft)?).await;
    blocker(&look(harness, &draft).await?)?;
    conflict(harness, &draft).await
}

async fn overtaken(harness: &impl BindingFlowHarness) -> CaseResult {
    let draft = chosen(harness).await?;
    let theirs = draft.clone().optional();
    harness.flow().bind_chosen(&theirs).await?;
    conflict(harness, &draft).await?;
    // Whoever wanted to change how it is bound finds that it is not bound any more.
    let shown = named(&picker(harness).await?.choices, &harness.fitting())?;
    let theirs = theirs.binding().ok_or_else(|| Failure::new("nothing is chosen"))?;
    harness.records().unbind(draft.application, &theirs.consumer.name(draft.application)).await?;
    conflict(harness, &in_project(harness).with_connection(&shown)).await
}

async fn permission_lost(harness: &impl BindingFlowHarness) -> CaseResult {
    let draft = chosen(harness).await?;
    harness.take_permission().await;
    refused("saving", ErrorKind::PermissionDenied, harness.flow().bind_chosen(&draft).await)?;
    ensure_eq("what is bound", &held(harness).await?, &Vec::new())
}

async fn away(harness: &impl BindingFlowHarness) -> CaseResult {
    let draft = chosen(harness).await?;
    harness.disconnect_service().await;
    refused("saving", ErrorKind::Unavailable, harness.flow().bind_chosen(&draft).await)?;
    ensure_eq("what is bound", &held(harness).await?, &Vec::new())
}
