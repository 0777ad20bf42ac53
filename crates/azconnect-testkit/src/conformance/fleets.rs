//! What every [`Fleets`] must do, together with the [`ProvisionRecords`] of its machines.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_arm::port::{Fleets, ProvisionRecords, Provisioning};
use azconnect_arm::provision::{FleetOutcome, Part};
use azconnect_arm::{FleetPlan, FleetSpec, NetworkChoice, Phase, PreflightCheck, ProvisionId, Provisioned, VmSpec};
use azconnect_core::{Effect, ErrorKind};

use super::report::{CaseResult, Failure, Report, ensure, ensure_eq, fresh, refused};

/// Fleets under test, and what lies behind them: an emulator, or a fake.
#[async_trait]
pub trait FleetsHarness: Send + Sync {
    /// The fleets under test.
    fn fleets(&self) -> Arc<dyn Fleets>;

    /// The port that builds single machines with the same records.
    fn provisioning(&self) -> Arc<dyn Provisioning>;

    /// The port that tells what is recorded.
    fn records(&self) -> Arc<dyn ProvisionRecords>;

    /// A machine that can be built, with a public address, a network of its own, and a group that does not exist.
    fn machine(&self) -> VmSpec;

    /// The truth: the ids of everything that was created and is still there.
    async fn live(&self) -> Vec<String>;

    /// Leaves processors for so many machines in all, from now on.
    async fn leave_room_for(&self, machines: u32);

    /// Lets the identity read, and nothing else, from now on.
    async fn forbid_changes(&self);

    /// Breaks the connection once each machine of the next run has begun, until [`FleetsHarness::reconnect`]. What they share
    /// is built before.
    async fn interrupt(&self);

    /// Restores the connection that [`FleetsHarness::interrupt`] broke.
    async fn reconnect(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: FleetsHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("Fleets");
    report.add("a preflight finds a possible fleet possible", clear(&make().await).await);
    report.add("a preflight counts what all machines need", counts(&make().await).await);
    report.add("a plan is the same again, and creates nothing", plans(&make().await).await);
    report.add("an impossible specification is refused with its field", checks(&make().await).await);
    report.add("every machine is built once, and told by its name", builds_once(&make().await).await);
    report.add("every machine has progress and a key of its own", has_own_records(&make().await).await);
    report.add("a machine that fails loses no other", loses_no_other(&make().await).await);
    report.add("a fleet grows, and shrinks by name only", grows_and_shrinks(&make().await).await);
    report.add("another foundation under the same name is a conflict", one_a_name(&make().await).await);
    report.add("a machine's name that is in use is a conflict", takes_no_name(&make().await).await);
    report.add("a fleet is no machine, and a machine no fleet", tells_apart(&make().await).await);
    report.add("what was never begun is not found", never_begun(&make().await).await);
    report.add("a clean-up leaves nothing, and may be repeated", cleans_up(&make().await).await);
    report.add("after a clean-up the name can be used again", begins_again(&make().await).await);
    report.add("what is not permitted is refused, and leaves nothing", forbidden(&make().await).await);
    report.add("an interrupted run is resumed", resumes(&make().await).await);
    report.add("an interrupted run is cleaned up", gives_up(&make().await).await);
    report.finish();
}

async fn clear(harness: &impl FleetsHarness) -> CaseResult {
    let report = harness.fleets().preflight(&spec(harness, 3)).await;
    ensure(report.is_clear(), format!("not clear: {report:?}"))?;
    ensure(report.of(PreflightCheck::CoreQuota).is_some(), "the quota was not looked at")?;
    leaves_nothing(harness).await
}

async fn counts(harness: &impl FleetsHarness) -> CaseResult {
    harness.leave_room_for(2).await;
    let fits = harness.fleets().preflight(&spec(harness, 2)).await;
    ensure(fits.is_clear(), format!("two do not fit where two have room: {fits:?}"))?;
    let report = harness.fleets().preflight(&spec(harness, 3)).await;
    let failed: Vec<_> = report.failures().collect();
    let quota = failed.iter().find(|finding| finding.code == PreflightCheck::CoreQuota.code());
    ensure(quota.is_some(), format!("the quota is not among {failed:?}"))?;
    ensure(quota.is_some_and(|finding| !finding.remedy.is_empty()), "no remedy is given")?;
    leaves_nothing(harness).await
}

async fn plans(harness: &impl FleetsHarness) -> CaseResult {
    let id = id()?;
    let first = harness.fleets().plan(id.clone(), spec(harness, 2)).await?;
    let second = harness.fleets().plan(id.clone(), spec(harness, 2)).await?;
    ensure_eq("the second plan", &second, &first)?;
    refused("its progress", ErrorKind::NotFound, harness.records().progress(&id).await)?;
    leaves_nothing(harness).await
}

async fn checks(harness: &impl FleetsHarness) -> CaseResult {
    let twice = FleetSpec::new("web", vec![harness.machine(), harness.machine()]);
    let error = refused("the plan", ErrorKind::InvalidInput, harness.fleets().plan(id()?, twice).await)?;
    ensure_eq("the field", &error.field(), &Some("machine_name"))?;
    leaves_nothing(harness).await
}

async fn builds_once(harness: &impl FleetsHarness) -> CaseResult {
    let plan = plan(harness, 3).await?;
    let outcome = harness.fleets().run(&plan).await?;
    ensure_eq("the machines", &names(&outcome), &own_names(harness, 3))?;
    let live = harness.live().await;
    ensure_eq("the machines that are there", &machines(&live), &3)?;
    let built = built(outcome)?;
    for machine in &built {
        ensure(machine.address.is_some(), "a public address is not told")?;
        let exists = live.iter().any(|id| id.eq_ignore_ascii_case(machine.machine.as_str()));
        ensure(exists, format!("{} is not there: {live:?}", machine.machine))?;
    }
    ensure_eq("what is unfinished", &harness.records().unfinished().await?, &Vec::new())?;
    ensure_eq("the second run", &self::built(harness.fleets().run(&plan).await?)?, &built)?;
    ensure_eq("the resumed run", &self::built(harness.fleets().resume(&plan.id).await?)?, &built)?;
    ensure_eq("what is there", &harness.live().await, &live)
}

async fn has_own_records(harness: &impl FleetsHarness) -> CaseResult {
    let plan = plan(harness, 2).await?;
    ensure_eq("the machines of nothing", &harness.fleets().machines(&plan.id).await?.len(), &0)?;
    let built = built(harness.fleets().run(&plan).await?)?;
    let progress = harness.fleets().machines(&plan.id).await?;
    ensure_eq("the machines", &progress.len(), &2)?;
    for (machine, progress) in built.iter().zip(&progress) {
        ensure_eq("the name", &progress.id, &machine.id)?;
        ensure_eq("the phase", &progress.phase, &Phase::Finished)?;
        ensure_eq("its own progress", &harness.records().progress(&machine.id).await?, progress)?;
        let key = harness.records().private_key(&machine.id).await?;
        ensure(key.expose().contains("PRIVATE KEY"), "what was handed over is no private key")?;
    }
    Ok(())
}

async fn loses_no_other(harness: &impl FleetsHarness) -> CaseResult {
    let plan = plan(harness, 3).await?;
    harness.leave_room_for(2).await;
    let outcome = harness.fleets().run(&plan).await?;
    ensure_eq("the machines that failed", &outcome.failures().count(), &1)?;
    let advice = outcome.failures().all(|(_, error)| !error.advice().is_empty());
    ensure(advice, "the refusal gives no advice")?;
    ensure_eq("the machines that are there", &machines(&harness.live().await), &2)?;
    harness.leave_room_for(3).await;
    let again = harness.fleets().run(&plan).await?;
    ensure_eq("the machines that fail again", &again.failures().count(), &0)?;
    ensure_eq("the machines that are there in the end", &machines(&harness.live().await), &3)
}

async fn grows_and_shrinks(harness: &impl FleetsHarness) -> CaseResult {
    let fleets = harness.fleets();
    let small = plan(harness, 1).await?;
    let large = fleets.plan(small.id.clone(), spec(harness, 3)).await?;
    fleets.run(&small).await?;
    ensure_eq("the machines after growing", &built(fleets.run(&large).await?)?.len(), &3)?;
    let fewer = fleets.run(&small).await?;
    let all = own_names(harness, 3);
    let others = all.iter().skip(1).cloned().collect::<Vec<_>>();
    ensure_eq("what the plan does not name", &fewer.others, &others)?;
    let live = harness.live().await;
    ensure_eq("the machines that are there", &machines(&live), &3)?;
    let last = all.last().cloned().unwrap_or_default();
    let unknown = fleets.remove(&small.id, &[&last, "nobody"]).await;
    let error = refused("to remove a machine that is none", ErrorKind::InvalidInput, unknown.map(drop))?;
    ensure_eq("the field", &error.field(), &Some("machine_name"))?;
    ensure_eq("what is there after the refusal", &harness.live().await, &live)?;
    let removed = fleets.remove(&small.id, &[&last]).await?;
    ensure(removed.len() == 1 && removed.iter().all(|one| one.outcome.is_ok()), format!("not removed: {removed:?}"))?;
    ensure_eq("the machines that are left", &machines(&harness.live().await), &2)?;
    ensure_eq("the machines that are listed", &fleets.machines(&small.id).await?.len(), &2)
}

async fn one_a_name(harness: &impl FleetsHarness) -> CaseResult {
    let plan = plan(harness, 1).await?;
    harness.fleets().run(&plan).await?;
    let live = harness.live().await;
    let (space, subnet) = ("10.9.0.0/16".parse()?, "10.9.0.0/24".parse()?);
    let elsewhere = harness.machine().with_network(NetworkChoice::Create { space, subnet, outbound: true });
    let other = harness.fleets().plan(plan.id, FleetSpec::of(&elsewhere, 2)).await?;
    refused("the other fleet", ErrorKind::Conflict, harness.fleets().run(&other).await)?;
    ensure_eq("what is there", &harness.live().await, &live)
}

async fn takes_no_name(harness: &impl FleetsHarness) -> CaseResult {
    let plan = plan(harness, 1).await?;
    let Some(member) = plan.machines.first() else { return Err(Failure::new("the plan has no machine")) };
    let alone = harness.provisioning().plan(member.id.clone(), harness.machine()).await?;
    harness.provisioning().run(&alone).await?;
    let live = harness.live().await;
    let error = refused("the fleet", ErrorKind::Conflict, harness.fleets().run(&plan).await)?;
    ensure_eq("the field", &error.field(), &Some("machine_name"))?;
    ensure_eq("what is there", &harness.live().await, &live)
}

async fn tells_apart(harness: &impl FleetsHarness) -> CaseResult {
    let plan = plan(harness, 1).await?;
    harness.fleets().run(&plan).await?;
    let live = harness.live().await;
    let machine = harness.provisioning();
    refused("to resume a fleet as a machine", ErrorKind::InvalidInput, machine.resume(&plan.id).await)?;
    refused("to clean a fleet up as a machine", ErrorKind::InvalidInput, machine.clean_up(&plan.id).await)?;
    refused("to run a foundation as a machine", ErrorKind::InvalidInput, machine.run(&plan.foundation).await)?;
    let Some(member) = plan.machines.first() else { return Err(Failure::new("the plan has no machine")) };
    refused("to resume a machine as a fleet", ErrorKind::InvalidInput, harness.fleets().resume(&member.id).await)?;
    refused("to clean a machine up as a fleet", ErrorKind::InvalidInput, harness.fleets().clean_up(&member.id).await)?;
    ensure_eq("what is there", &harness.live().await, &live)
}

async fn never_begun(harness: &impl FleetsHarness) -> CaseResult {
    let (id, fleets) = (id()?, harness.fleets());
    refused("resuming it", ErrorKind::NotFound, fleets.resume(&id).await)?;
    refused("cleaning it up", ErrorKind::NotFound, fleets.clean_up(&id).await)?;
    refused("removing from it", ErrorKind::NotFound, fleets.remove(&id, &["web-1"]).await)?;
    ensure_eq("its machines", &fleets.machines(&id).await?.len(), &0)
}

async fn cleans_up(harness: &impl FleetsHarness) -> CaseResult {
    let plan = plan(harness, 3).await?;
    harness.fleets().run(&plan).await?;
    let done = harness.fleets().clean_up(&plan.id).await?;
    ensure_eq("the machines that were deleted", &done.machines.len(), &3)?;
    ensure_eq("the machines that are still there", &done.failures().count(), &0)?;
    ensure(done.foundation.is_some_and(|foundation| foundation.kept.is_none()), "something was kept")?;
    leaves_nothing(harness).await?;
    let again = harness.fleets().clean_up(&plan.id).await?;
    ensure(again.machines.is_empty() && again.foundation.is_some(), format!("again: {again:?}"))?;
    ensure_eq("its machines", &harness.fleets().machines(&plan.id).await?.len(), &0)?;
    ensure_eq("what is unfinished", &harness.records().unfinished().await?, &Vec::new())
}

async fn begins_again(harness: &impl FleetsHarness) -> CaseResult {
    let plan = plan(harness, 2).await?;
    harness.fleets().run(&plan).await?;
    harness.fleets().clean_up(&plan.id).await?;
    let resumed = harness.fleets().resume(&plan.id).await.err().map(|error| error.kind());
    ensure_eq("to resume what was cleaned up", &resumed, &Some(ErrorKind::Conflict))?;
    ensure_eq("the machines", &built(harness.fleets().run(&plan).await?)?.len(), &2)
}

async fn forbidden(harness: &impl FleetsHarness) -> CaseResult {
    let plan = plan(harness, 2).await?;
    harness.forbid_changes().await;
    let error = harness.fleets().run(&plan).await.err();
    let error = error.ok_or_else(|| Failure::new("a reader built a fleet"))?;
    ensure_eq("the refusal", &error.kind(), &ErrorKind::PermissionDenied)?;
    ensure(!error.advice().is_empty(), "the refusal gives no advice")?;
    leaves_nothing(harness).await
}

async fn resumes(harness: &impl FleetsHarness) -> CaseResult {
    let plan = interrupted(harness).await?;
    let outcome = harness.fleets().resume(&plan.id).await?;
    ensure_eq("the machines", &names(&outcome), &own_names(harness, 2))?;
    let resumed = built(outcome)?;
    ensure_eq("the machines that are there", &machines(&harness.live().await), &2)?;
    ensure_eq("the run after it", &built(harness.fleets().run(&plan).await?)?, &resumed)?;
    ensure_eq("what is unfinished", &harness.records().unfinished().await?, &Vec::new())
}

async fn gives_up(harness: &impl FleetsHarness) -> CaseResult {
    let plan = interrupted(harness).await?;
    let done = harness.fleets().clean_up(&plan.id).await?;
    ensure(done.foundation.is_some(), format!("the foundation stays: {done:?}"))?;
    leaves_nothing(harness).await?;
    ensure_eq("what is unfinished", &harness.records().unfinished().await?, &Vec::new())
}

/// A run of two machines that was interrupted, and whose connection is back.
async fn interrupted(harness: &impl FleetsHarness) -> Result<FleetPlan, Failure> {
    let plan = plan(harness, 2).await?;
    harness.interrupt().await;
    let outcome = harness.fleets().run(&plan).await?;
    ensure_eq("the machines that were interrupted", &outcome.failures().count(), &2)?;
    let unknown = outcome.failures().all(|(_, error)| error.effect() == Effect::Unknown);
    ensure(unknown, format!("the effect is known: {outcome:?}"))?;
    let open = harness.records().unfinished().await?;
    let machines = open.iter().filter(|one| one.part == Part::Machine && one.phase == Phase::Building);
    let ids: Vec<&ProvisionId> = machines.map(|one| &one.id).collect();
    let wanted: Vec<&ProvisionId> = plan.machines.iter().map(|machine| &machine.id).collect();
    ensure_eq("the machines that are unfinished", &ids, &wanted)?;
    harness.reconnect().await;
    Ok(plan)
}

fn built(outcome: FleetOutcome) -> Result<Vec<Provisioned>, Failure> {
    Ok(outcome.machines.into_iter().map(|machine| machine.outcome).collect::<Result<_, _>>()?)
}

fn names(outcome: &FleetOutcome) -> Vec<String> {
    outcome.machines.iter().map(|machine| machine.name.clone()).collect()
}

fn own_names(harness: &impl FleetsHarness, count: usize) -> Vec<String> {
    spec(harness, count).machines.into_iter().map(|machine| machine.name).collect()
}

fn machines(live: &[String]) -> usize {
    let is_machine = |id: &&String| {
        let id = id.to_ascii_lowercase();
        id.split_once("/virtualmachines/").is_some_and(|(_, rest)| !rest.contains('/'))
    };
    live.iter().filter(is_machine).count()
}

async fn leaves_nothing(harness: &impl FleetsHarness) -> CaseResult {
    ensure_eq("what is there", &harness.live().await, &Vec::new())
}

async fn plan(harness: &impl FleetsHarness, count: usize) -> Result<FleetPlan, Failure> {
    Ok(harness.fleets().plan(id()?, spec(harness, count)).await?)
}

fn spec(harness: &impl FleetsHarness, count: usize) -> FleetSpec {
    FleetSpec::of(&harness.machine(), count)
}

fn id() -> Result<ProvisionId, Failure> {
    Ok(ProvisionId::new(fresh("fleet"))?)
}
