//! The port of fleets: the fake passes, and each broken promise is named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_arm::port::{Fleets, ProvisionRecords, Provisioning};
use azconnect_arm::provision::{FleetCleanUp, FleetMachine, FleetOutcome};
use azconnect_arm::{
    CleanUp, FleetPlan, FleetSpec, GroupChoice, ProvisionId, ProvisionPlan, ProvisionProgress, Provisioned, VmSpec,
};
use azconnect_core::{Error, ErrorKind, ResourceGroupName};
use azconnect_credential::CheckReport;
use azconnect_testkit::conformance::fleets::{self, FleetsHarness};
use azconnect_testkit::fake::{Access, ArmCall, Fault, Fleet, Subscription};

use crate::judged::{named, verdict};

/// What is wrong with an implementation.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    Nothing,
    ChecksOneMachineOnly,
    PlansWithoutChecks,
    PlansDifferently,
    LosesAllForOne,
    BuildsAnew,
    ShrinksByItself,
    TellsNoOthers,
    RemovesWhatItKnows,
    RemovesInWordsOnly,
    LeavesTheFoundation,
    ResumesNothing,
    ListsNothing,
}

/// The fake, with a flaw.
#[derive(Clone)]
struct Subject(Subscription, Flaw);

impl Subject {
    fn new(flaw: Flaw) -> Self {
        Self(Subscription::new(), flaw)
    }

    fn fleet(&self) -> Fleet {
        Fleet::new(self.0.clone())
    }

    async fn is_begun(&self, id: &ProvisionId) -> bool {
        self.0.progress(id).await.is_ok()
    }
}

#[async_trait]
impl Fleets for Subject {
    async fn preflight(&self, spec: &FleetSpec) -> CheckReport {
        if self.1 == Flaw::ChecksOneMachineOnly {
            return Provisioning::preflight(&self.0, &spec.machines[0]).await;
        }
        self.fleet().preflight(spec).await
    }
    async fn plan(&self, id: ProvisionId, mut spec: FleetSpec) -> Result<FleetPlan, Error> {
        if self.1 == Flaw::PlansWithoutChecks {
            spec.machines.dedup_by(|one, other| one.name == other.name);
        }
        let mut plan = self.fleet().plan(id, spec).await?;
        if self.1 == Flaw::PlansDifferently {
            plan.foundation.names.network = uuid::Uuid::new_v4().to_string();
        }
        Ok(plan)
    }
    async fn run(&self, plan: &FleetPlan) -> Result<FleetOutcome, Error> {
        if self.1 == Flaw::BuildsAnew && self.is_begun(&plan.id).await {
            self.fleet().clean_up(&plan.id).await?;
        }
        let mut outcome = self.fleet().run(plan).await?;
        match self.1 {
            Flaw::LosesAllForOne if outcome.failures().count() > 0 => {
                self.fleet().clean_up(&plan.id).await?;
                return Err(Error::new(ErrorKind::Conflict, "a machine failed"));
            }
            Flaw::ShrinksByItself => {
                let others: Vec<&str> = outcome.others.iter().map(String::as_str).collect();
                self.fleet().remove(&plan.id, &others).await?;
            }
            Flaw::TellsNoOthers => outcome.others.clear(),
            _ => {}
        }
        Ok(outcome)
    }
    async fn resume(&self, id: &ProvisionId) -> Result<FleetOutcome, Error> {
        if self.1 == Flaw::ResumesNothing && self.is_begun(id).await {
            return Ok(FleetOutcome::new(Vec::new()));
        }
        self.fleet().resume(id).await
    }
    async fn machines(&self, id: &ProvisionId) -> Result<Vec<ProvisionProgress>, Error> {
        if self.1 == Flaw::ListsNothing { Ok(Vec::new()) } else { self.fleet().machines(id).await }
    }
    async fn remove(&self, id: &ProvisionId, names: &[&str]) -> Result<Vec<FleetMachine<CleanUp>>, Error> {
        match self.1 {
            Flaw::RemovesWhatItKnows => {
                for name in names {
                    let _ = self.fleet().remove(id, &[name]).await;
                }
                self.fleet().remove(id, names).await
            }
            Flaw::RemovesInWordsOnly if names.len() == 1 => {
                let removed = self.fleet().remove(id, &[]).await?;
                drop(removed);
                Ok(vec![FleetMachine::new(names[0], id.clone(), Ok(CleanUp::new()))])
            }
            _ => self.fleet().remove(id, names).await,
        }
    }
    async fn clean_up(&self, id: &ProvisionId) -> Result<FleetCleanUp, Error> {
        if self.1 == Flaw::LeavesTheFoundation {
            let progress = self.fleet().machines(id).await?;
            let names: Vec<String> = progress.iter().map(|one| one.id.to_string()).collect();
            let names: Vec<&str> = names.iter().filter_map(|id| id.rsplit('/').next()).collect();
            let machines = self.fleet().remove(id, &names).await?;
            return Ok(FleetCleanUp::new(machines, Some(CleanUp::new())));
        }
        self.fleet().clean_up(id).await
    }
}

/// Single machines, as the fake builds them.
#[async_trait]
impl Provisioning for Subject {
    async fn preflight(&self, spec: &VmSpec) -> CheckReport {
        Provisioning::preflight(&self.0, spec).await
    }
    async fn plan(&self, id: ProvisionId, spec: VmSpec) -> Result<ProvisionPlan, Error> {
        Provisioning::plan(&self.0, id, spec).await
    }
    async fn run(&self, plan: &ProvisionPlan) -> Result<Provisioned, Error> {
        Provisioning::run(&self.0, plan).await
    }
    async fn resume(&self, id: &ProvisionId) -> Result<Provisioned, Error> {
        Provisioning::resume(&self.0, id).await
    }
    async fn clean_up(&self, id: &ProvisionId) -> Result<CleanUp, Error> {
        Provisioning::clean_up(&self.0, id).await
    }
}

#[async_trait]
impl FleetsHarness for Subject {
    fn fleets(&self) -> Arc<dyn Fleets> {
        Arc::new(self.clone())
    }
    fn provisioning(&self) -> Arc<dyn Provisioning> {
        Arc::new(self.clone())
    }
    fn records(&self) -> Arc<dyn ProvisionRecords> {
        Arc::new(self.0.clone())
    }
    fn machine(&self) -> VmSpec {
        let group = GroupChoice::Create(ResourceGroupName::new("rg-web").unwrap());
        VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap()
    }
    async fn live(&self) -> Vec<String> {
        self.0.live()
    }
    async fn leave_room_for(&self, machines: u32) {
        self.0.set_core_quota(2 * machines);
    }
    async fn forbid_changes(&self) {
        self.0.set_access(Access::Reader);
    }
    async fn interrupt(&self) {
        self.0.faults().break_down(ArmCall::Run, Fault::AnswerLost);
    }
    async fn reconnect(&self) {
        self.0.faults().heal();
    }
}

#[tokio::test]
async fn the_fake_keeps_the_promises_of_fleets() {
    fleets::all(async || Subject::new(Flaw::Nothing)).await;
}

#[tokio::test]
async fn broken_fleets_are_named() {
    let run = async |flaw| verdict(fleets::all(async || Subject::new(flaw))).await;
    named(&run(Flaw::ChecksOneMachineOnly).await, &["a preflight counts what all machines need"]);
    named(&run(Flaw::PlansWithoutChecks).await, &["an impossible specification is refused with its field"]);
    named(&run(Flaw::PlansDifferently).await, &["a plan is the same again, and creates nothing"]);
    let interrupted = ["an interrupted run is resumed", "an interrupted run is cleaned up"];
    let lost = run(Flaw::LosesAllForOne).await;
    named(&lost, &["a machine that fails loses no other", interrupted[0], interrupted[1]]);
    named(
        &run(Flaw::BuildsAnew).await,
        &[
            "every machine is built once, and told by its name",
            "a fleet grows, and shrinks by name only",
            "another foundation under the same name is a conflict",
            interrupted[0],
        ],
    );
    for flaw in [Flaw::ShrinksByItself, Flaw::TellsNoOthers, Flaw::RemovesWhatItKnows, Flaw::RemovesInWordsOnly] {
        named(&run(flaw).await, &["a fleet grows, and shrinks by name only"]);
    }
    named(
        &run(Flaw::LeavesTheFoundation).await,
        &[
            "a clean-up leaves nothing, and may be repeated",
            "after a clean-up the name can be used again",
            interrupted[1],
        ],
    );
    named(
        &run(Flaw::ResumesNothing).await,
        &[
            "every machine is built once, and told by its name",
            "a fleet is no machine, and a machine no fleet",
            "after a clean-up the name can be used again",
            interrupted[0],
        ],
    );
    named(
        &run(Flaw::ListsNothing).await,
        &["every machine has progress and a key of its own", "a fleet grows, and shrinks by name only"],
    );
}
