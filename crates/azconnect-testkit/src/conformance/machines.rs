//! What every [`Machines`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_arm::port::{Machines, StopMode};
use azconnect_arm::{Power, ResourceId};
use azconnect_core::ErrorKind;

use super::report::{CaseResult, Report, ensure, ensure_eq, refused};

/// Machines under test, and what lies behind them: an emulator, or a fake.
#[async_trait]
pub trait MachinesHarness: Send + Sync {
    /// The port under test, for one subscription.
    fn machines(&self) -> Arc<dyn Machines>;

    /// A machine that exists and runs, in `westeurope`.
    async fn machine(&self) -> ResourceId;

    /// The truth: whether a machine runs; `None` if it does not exist.
    async fn power(&self, machine: &ResourceId) -> Option<Power>;

    /// Lets the identity read, and nothing else, from now on.
    async fn forbid_changes(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: MachinesHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("Machines");
    report.add("what exists is listed", lists(&make().await).await);
    report.add("reading changes nothing", reads(&make().await).await);
    report.add("a machine stops and starts", stops_and_starts(&make().await).await);
    report.add("starting and stopping again succeed", repeats(&make().await).await);
    report.add("a machine that runs restarts", restarts(&make().await).await);
    report.add("a machine that is stopped does not restart", restarts_what_runs(&make().await).await);
    report.add("a deleted machine is gone", deletes(&make().await).await);
    report.add("what does not exist is not found, and deleting it succeeds", absent(&make().await).await);
    report.add("another subscription's id is refused", foreign(&make().await).await);
    report.add("what is not permitted is refused, and changes nothing", forbidden(&make().await).await);
    report.finish();
}

async fn lists(harness: &impl MachinesHarness) -> CaseResult {
    let id = harness.machine().await;
    let listed = harness.machines().list().await?;
    let found = listed.iter().find(|machine| machine.id.is(&id));
    ensure(found.is_some(), format!("{id} is not among {listed:?}"))?;
    let named = found.is_some_and(|machine| machine.name == id.name() && machine.location == "westeurope");
    ensure(named, format!("a wrong name or region: {found:?}"))?;
    ensure(found.is_some_and(|machine| machine.size.starts_with("Standard_")), format!("no size: {found:?}"))
}

async fn reads(harness: &impl MachinesHarness) -> CaseResult {
    let id = harness.machine().await;
    let first = harness.machines().status(&id).await?;
    ensure_eq("the power", &first.power, &Power::Running)?;
    harness.machines().list().await?;
    ensure_eq("the second status", &harness.machines().status(&id).await?, &first)?;
    ensure_eq("the truth", &harness.power(&id).await, &Some(Power::Running))
}

async fn stops_and_starts(harness: &impl MachinesHarness) -> CaseResult {
    let id = harness.machine().await;
    let machines = harness.machines();
    for (mode, wanted) in [(StopMode::PowerOff, Power::Stopped), (StopMode::Deallocate, Power::Deallocated)] {
        machines.stop(&id, mode).await?;
        ensure_eq("the truth after stopping", &harness.power(&id).await, &Some(wanted))?;
        ensure_eq("the status after stopping", &machines.status(&id).await?.power, &wanted)?;
    }
    machines.start(&id).await?;
    ensure_eq("the truth after starting", &harness.power(&id).await, &Some(Power::Running))?;
    ensure_eq("the status after starting", &machines.status(&id).await?.power, &Power::Running)
}

async fn repeats(harness: &impl MachinesHarness) -> CaseResult {
    let id = harness.machine().await;
    let machines = harness.machines();
    machines.start(&id).await?;
    machines.stop(&id, StopMode::Deallocate).await?;
    machines.stop(&id, StopMode::Deallocate).await?;
    ensure_eq("the truth after stopping twice", &harness.power(&id).await, &Some(Power::Deallocated))?;
    machines.start(&id).await?;
    machines.start(&id).await?;
    ensure_eq("the truth after starting twice", &harness.power(&id).await, &Some(Power::Running))
}

async fn restarts(harness: &impl MachinesHarness) -> CaseResult {
    let id = harness.machine().await;
    harness.machines().restart(&id).await?;
    ensure_eq("the truth", &harness.power(&id).await, &Some(Power::Running))
}

async fn restarts_what_runs(harness: &impl MachinesHarness) -> CaseResult {
    let id = harness.machine().await;
    harness.machines().stop(&id, StopMode::Deallocate).await?;
    let kind = harness.machines().restart(&id).await.err().map(|error| error.kind());
    ensure_eq("the refusal", &kind, &Some(ErrorKind::Conflict))?;
    ensure_eq("the truth", &harness.power(&id).await, &Some(Power::Deallocated))
}

async fn deletes(harness: &impl MachinesHarness) -> CaseResult {
    let id = harness.machine().await;
    let machines = harness.machines();
    machines.delete(&id).await?;
    ensure_eq("the truth", &harness.power(&id).await, &None)?;
    refused("its status", ErrorKind::NotFound, machines.status(&id).await)?;
    machines.delete(&id).await?;
    Ok(())
}

async fn absent(harness: &impl MachinesHarness) -> CaseResult {
    let id = sibling(&harness.machine().await);
    let machines = harness.machines();
    refused("its status", ErrorKind::NotFound, machines.status(&id).await)?;
    refused("starting it", ErrorKind::NotFound, machines.start(&id).await)?;
    refused("stopping it", ErrorKind::NotFound, machines.stop(&id, StopMode::PowerOff).await)?;
    refused("restarting it", ErrorKind::NotFound, machines.restart(&id).await)?;
    machines.delete(&id).await?;
    Ok(())
}

async fn foreign(harness: &impl MachinesHarness) -> CaseResult {
    let id = harness.machine().await;
    let machines = harness.machines();
    let other = "99999999-9999-4999-8999-999999999999";
    let own = id.after("subscriptions").unwrap_or_default().to_owned();
    let elsewhere = ResourceId::parse(&id.as_str().replace(&own, other))?;
    // Of this subscription and of another kind: a check of the subscription alone would let it pass.
    let disk = ResourceId::parse(&id.as_str().replace("virtualMachines", "disks"))?;
    for wrong in [elsewhere, disk] {
        let error = refused("starting it", ErrorKind::InvalidInput, machines.start(&wrong).await)?;
        ensure(error.field().is_some(), format!("the field is not named: {error:?}"))?;
        refused("its status", ErrorKind::InvalidInput, machines.status(&wrong).await)?;
        refused("deleting it", ErrorKind::InvalidInput, machines.delete(&wrong).await)?;
    }
    ensure_eq("the truth", &harness.power(&id).await, &Some(Power::Running))
}

async fn forbidden(harness: &impl MachinesHarness) -> CaseResult {
    let id = harness.machine().await;
    harness.forbid_changes().await;
    let machines = harness.machines();
    ensure_eq("the status", &machines.status(&id).await?.power, &Power::Running)?;
    ensure(!machines.list().await?.is_empty(), "a list that may be read is empty")?;
    let error = refused("stopping it", ErrorKind::PermissionDenied, machines.stop(&id, StopMode::PowerOff).await)?;
    ensure(!error.advice().is_empty(), "the refusal gives no advice")?;
    refused("restarting it", ErrorKind::PermissionDenied, machines.restart(&id).await)?;
    refused("deleting it", ErrorKind::PermissionDenied, machines.delete(&id).await)?;
    ensure_eq("the truth", &harness.power(&id).await, &Some(Power::Running))
}

/// The id of a machine that does not exist, beside one that does.
fn sibling(machine: &ResourceId) -> ResourceId {
    let name = format!("{}-absent", machine.as_str());
    ResourceId::parse(&name).unwrap_or_else(|_| machine.clone())
}
