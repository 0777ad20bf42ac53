//! The ports of Azure Resource Manager: the fake passes, and each broken promise is named.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_arm::port::{MachineStatus, MachineSummary, Machines, ProvisionRecords, Provisioning, Roles, StopMode};
use azconnect_arm::provision::{ProvisionHistoryEntry, ProvisionProgress, UnfinishedProvision};
use azconnect_arm::resource::access::RoleAssignment;
use azconnect_arm::{
    AdminPassword, Assigned, Assignment, CleanUp, GroupChoice, Power, ProvisionId, ProvisionPlan, Provisioned,
    ResourceId, VmSpec,
};
use azconnect_core::{Error, PrincipalObjectId, ResourceGroupName, Secret};
use azconnect_credential::CheckReport;
use azconnect_testkit::conformance::machines::{self, MachinesHarness};
use azconnect_testkit::conformance::provisioning::{self, ProvisioningHarness};
use azconnect_testkit::conformance::roles::{self, RolesHarness};
use azconnect_testkit::fake::{Access, ArmCall, Fault, Subscription};

use crate::judged::{named, verdict};

/// The fingerprint of every key of the fake.
const FINGERPRINT: &str = "SHA256:fakefakefakefakefakefakefakefakefakefakefak";

/// What is wrong with an implementation.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    Nothing,
    ListsNothing,
    StopsInWordsOnly,
    KeepsWhatIsDeleted,
    RestartsWhatIsStopped,
    GivesInWordsOnly,
    AlwaysGivesNow,
    TakesEverythingAway,
    BuildsAnew,
    LeavesRemains,
    KeepsTheKey,
    ForgetsAnyKey,
    LosesTheKey,
    KeepsThePassword,
    ForgetsAnyPassword,
    LosesThePassword,
    GivesEveryMachineAPassword,
    TellsNoEnd,
    ForgetsWhatIsUnfinished,
    PlansDifferently,
    LeavesOutACheck,
    OverwritesAnother,
}

/// The fake, with a flaw.
#[derive(Clone)]
struct Subject(Subscription, Flaw);

impl Subject {
    fn new(flaw: Flaw) -> Self {
        Self(Subscription::new(), flaw)
    }

    fn machine_id(&self) -> ResourceId {
        let group = ResourceId::of_group(self.0.id(), &group_name());
        group.provider("Microsoft.Compute/virtualMachines", "web").unwrap()
    }
}

fn group_name() -> ResourceGroupName {
    ResourceGroupName::new("rg-web").unwrap()
}

#[async_trait]
impl Machines for Subject {
    async fn list(&self) -> Result<Vec<MachineSummary>, Error> {
        if self.1 == Flaw::ListsNothing { Ok(Vec::new()) } else { Machines::list(&self.0).await }
    }
    async fn status(&self, machine: &ResourceId) -> Result<MachineStatus, Error> {
        self.0.status(machine).await
    }
    async fn start(&self, machine: &ResourceId) -> Result<(), Error> {
        self.0.start(machine).await
    }
    async fn stop(&self, machine: &ResourceId, mode: StopMode) -> Result<(), Error> {
        if self.1 == Flaw::StopsInWordsOnly {
            return self.0.start(machine).await;
        }
        self.0.stop(machine, mode).await
    }
    async fn restart(&self, machine: &ResourceId) -> Result<(), Error> {
        if self.1 == Flaw::RestartsWhatIsStopped {
            return self.0.start(machine).await;
        }
        self.0.restart(machine).await
    }
    async fn delete(&self, machine: &ResourceId) -> Result<(), Error> {
        if self.1 == Flaw::KeepsWhatIsDeleted {
            return self.0.start(machine).await;
        }
        self.0.delete(machine).await
    }
}

#[async_trait]
impl MachinesHarness for Subject {
    fn machines(&self) -> Arc<dyn Machines> {
        Arc::new(self.clone())
    }
    async fn machine(&self) -> ResourceId {
        let id = self.machine_id();
        self.0.seed_machine(MachineSummary::new(id.clone(), "westeurope", "Standard_B2s"), Power::Running);
        id
    }
    async fn power(&self, machine: &ResourceId) -> Option<Power> {
        self.0.power(machine)
    }
    async fn forbid_changes(&self) {
        self.0.set_access(Access::Reader);
    }
}

#[tokio::test]
async fn the_fake_keeps_the_promises_of_machines() {
    machines::all(async || Subject::new(Flaw::Nothing)).await;
}

#[tokio::test]
async fn broken_machines_are_named() {
    let run = async |flaw| verdict(machines::all(async || Subject::new(flaw))).await;
    named(
        &run(Flaw::ListsNothing).await,
        &["what exists is listed", "what is not permitted is refused, and changes nothing"],
    );
    named(
        &run(Flaw::StopsInWordsOnly).await,
        &[
            "a machine stops and starts",
            "starting and stopping again succeed",
            "a machine that is stopped does not restart",
        ],
    );
    named(&run(Flaw::RestartsWhatIsStopped).await, &["a machine that is stopped does not restart"]);
    named(
        &run(Flaw::KeepsWhatIsDeleted).await,
        &["a deleted machine is gone", "what does not exist is not found, and deleting it succeeds"],
    );
}

#[async_trait]
impl Roles for Subject {
    async fn assign(&self, assignment: &Assignment) -> Result<Assigned, Error> {
        if self.1 == Flaw::GivesInWordsOnly {
            return Ok(Assigned::Now);
        }
        let outcome = self.0.assign(assignment).await?;
        Ok(if self.1 == Flaw::AlwaysGivesNow { Assigned::Now } else { outcome })
    }
    async fn list(&self, scope: &ResourceId, principal: PrincipalObjectId) -> Result<Vec<RoleAssignment>, Error> {
        Roles::list(&self.0, scope, principal).await
    }
    async fn remove(&self, assignment: &Assignment) -> Result<(), Error> {
        if self.1 == Flaw::TakesEverythingAway {
            for given in self.0.assignments() {
                self.0.remove(&given).await?;
            }
        }
        self.0.remove(assignment).await
    }
}

#[async_trait]
impl RolesHarness for Subject {
    fn roles(&self) -> Arc<dyn Roles> {
        Arc::new(self.clone())
    }
    fn subscription(&self) -> ResourceId {
        self.0.scope()
    }
    fn group(&self) -> ResourceId {
        ResourceId::of_group(self.0.id(), &group_name())
    }
    async fn principal(&self) -> PrincipalObjectId {
        "1272a66f-e2e8-4e88-ab43-487409186c3f".parse().unwrap()
    }
    async fn forbid_changes(&self) {
        self.0.set_access(Access::Reader);
    }
}

#[tokio::test]
async fn the_fake_keeps_the_promises_of_roles() {
    roles::all(async || Subject::new(Flaw::Nothing)).await;
}

#[tokio::test]
async fn broken_roles_are_named() {
    let run = async |flaw| verdict(roles::all(async || Subject::new(flaw))).await;
    let message = run(Flaw::GivesInWordsOnly).await;
    assert!(message.contains("a role that is given is listed"), "{message}");
    assert!(message.contains("a scope in no subscription is refused"), "{message}");
    assert!(message.contains("what is not permitted is refused"), "{message}");
    named(&run(Flaw::AlwaysGivesNow).await, &["giving it again adds nothing"]);
    named(&run(Flaw::TakesEverythingAway).await, &["taking away one role leaves the others"]);
}

#[async_trait]
impl Provisioning for Subject {
    async fn preflight(&self, spec: &VmSpec) -> CheckReport {
        let mut report = self.0.preflight(spec).await;
        if self.1 == Flaw::LeavesOutACheck {
            report.checks.retain(|check| check.code != "marketplace-terms");
        }
        report
    }
    async fn plan(&self, id: ProvisionId, spec: VmSpec) -> Result<ProvisionPlan, Error> {
        let mut plan = self.0.plan(id, spec).await?;
        if self.1 == Flaw::PlansDifferently {
            plan.names.network = uuid::Uuid::new_v4().to_string();
        }
        Ok(plan)
    }
    async fn run(&self, plan: &ProvisionPlan) -> Result<Provisioned, Error> {
        let begun = self.0.progress(&plan.id).await.is_ok();
        if begun && self.1 == Flaw::BuildsAnew {
            self.0.clean_up(&plan.id).await?;
        }
        if begun && self.1 == Flaw::OverwritesAnother {
            return self.0.resume(&plan.id).await;
        }
        self.0.run(plan).await
    }
    async fn resume(&self, id: &ProvisionId) -> Result<Provisioned, Error> {
        self.0.resume(id).await
    }
    async fn clean_up(&self, id: &ProvisionId) -> Result<CleanUp, Error> {
        if self.1 == Flaw::LeavesRemains {
            self.0.progress(id).await?;
            return Ok(CleanUp::new());
        }
        self.0.clean_up(id).await
    }
}

#[async_trait]
impl ProvisionRecords for Subject {
    async fn progress(&self, id: &ProvisionId) -> Result<ProvisionProgress, Error> {
        self.0.progress(id).await
    }
    async fn history(&self, id: &ProvisionId) -> Result<Vec<ProvisionHistoryEntry>, Error> {
        let mut told = self.0.history(id).await?;
        if self.1 == Flaw::TellsNoEnd {
            told.pop();
        }
        Ok(told)
    }
    async fn unfinished(&self) -> Result<Vec<UnfinishedProvision>, Error> {
        if self.1 == Flaw::ForgetsWhatIsUnfinished { Ok(Vec::new()) } else { self.0.unfinished().await }
    }
    async fn private_key(&self, id: &ProvisionId) -> Result<Secret, Error> {
        let key = self.0.private_key(id).await?;
        if self.1 == Flaw::LosesTheKey {
            self.0.forget_private_key(id, FINGERPRINT).await?;
        }
        Ok(key)
    }
    async fn forget_private_key(&self, id: &ProvisionId, fingerprint: &str) -> Result<(), Error> {
        match self.1 {
            Flaw::KeepsTheKey => Ok(()),
            Flaw::ForgetsAnyKey => self.0.forget_private_key(id, FINGERPRINT).await,
            _ => self.0.forget_private_key(id, fingerprint).await,
        }
    }
    async fn admin_password(&self, id: &ProvisionId) -> Result<AdminPassword, Error> {
        if self.1 == Flaw::GivesEveryMachineAPassword && self.0.private_key(id).await.is_ok() {
            return Ok(AdminPassword::new("password-0", Secret::new("twelve signs")));
        }
        let password = self.0.admin_password(id).await?;
        if self.1 == Flaw::LosesThePassword {
            self.0.forget_admin_password(id, &password.id).await?;
        }
        Ok(password)
    }
    async fn forget_admin_password(&self, id: &ProvisionId, password_id: &str) -> Result<(), Error> {
        match self.1 {
            Flaw::KeepsThePassword => Ok(()),
            Flaw::ForgetsAnyPassword => {
                let present = self.0.admin_password(id).await?;
                self.0.forget_admin_password(id, &present.id).await
            }
            _ => self.0.forget_admin_password(id, password_id).await,
        }
    }
}

#[async_trait]
impl ProvisioningHarness for Subject {
    fn provisioning(&self) -> Arc<dyn Provisioning> {
        Arc::new(self.clone())
    }
    fn records(&self) -> Arc<dyn ProvisionRecords> {
        Arc::new(self.clone())
    }
    fn spec(&self) -> VmSpec {
        let group = GroupChoice::Create(group_name());
        VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap()
    }
    async fn live(&self) -> Vec<String> {
        self.0.live()
    }
    async fn exhaust_quota(&self) {
        self.0.set_core_quota(0);
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
async fn the_fake_keeps_the_promises_of_provisioning() {
    provisioning::all(async || Subject::new(Flaw::Nothing)).await;
}

#[tokio::test]
async fn broken_provisioning_is_named() {
    let run = async |flaw| verdict(provisioning::all(async || Subject::new(flaw))).await;
    named(&run(Flaw::LeavesOutACheck).await, &["a preflight makes every check that applies"]);
    named(&run(Flaw::PlansDifferently).await, &["a plan is the same again, and creates nothing"]);
    named(
        &run(Flaw::OverwritesAnother).await,
        &[
            "another machine under the same name is a conflict",
            "after a clean-up the name can be used again",
            "a late confirmation destroys no later password",
        ],
    );
    named(
        &run(Flaw::BuildsAnew).await,
        &[
            "a machine is built once",
            "another machine under the same name is a conflict",
            "an interrupted run is resumed",
        ],
    );
    named(
        &run(Flaw::LeavesRemains).await,
        &[
            "a clean-up leaves nothing, and may be repeated",
            "an interrupted run is cleaned up",
            "the history tells it from the plan to the end",
            "a late confirmation destroys no later password",
            "a machine has either a key or a password",
        ],
    );
    named(
        &run(Flaw::ForgetsWhatIsUnfinished).await,
        &["an interrupted run is resumed", "an interrupted run is cleaned up"],
    );
    named(&run(Flaw::TellsNoEnd).await, &["the history tells it from the plan to the end"]);
    for flaw in [Flaw::KeepsTheKey, Flaw::ForgetsAnyKey, Flaw::LosesTheKey] {
        named(&run(flaw).await, &["the private key stays until it is forgotten"]);
    }
    let (password, late) =
        ("a Windows machine's password stays until it is forgotten", "a late confirmation destroys no later password");
    let either = "a machine has either a key or a password";
    named(&run(Flaw::KeepsThePassword).await, &[password, late, either]);
    named(&run(Flaw::ForgetsAnyPassword).await, &[password, late]);
    named(&run(Flaw::LosesThePassword).await, &[password]);
    named(&run(Flaw::GivesEveryMachineAPassword).await, &[either]);
}
