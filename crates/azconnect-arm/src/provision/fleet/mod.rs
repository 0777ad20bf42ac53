//! Several machines on one foundation: built side by side, cleaned up before what they share.

mod outcome;
mod plan;

use std::fmt;
use std::sync::Arc;

use azconnect_core::{Effect, Error, ErrorKind};
use futures_util::StreamExt;
use futures_util::stream::iter;

pub use outcome::{FleetCleanUp, FleetMachine, FleetOutcome};
pub use plan::FleetPlan;

use super::event::ProvisionEvent;
use super::id::ProvisionId;
use super::outcome::{CleanUp, Provisioned};
use super::plan::ProvisionPlan;
use super::progress::ProvisionProgress;
use super::provisioner::{Provisioner, failed_before, is_begun, planned};
use super::recorder::Recorder;
use super::resolve::resolve;
use super::state::Phase;
use crate::spec::FleetSpec;

/// How many machines are built or deleted at a time, unless told otherwise. Each takes a handful of writes, and the service
/// allows ten a second.
const CONCURRENCY: usize = 32;

/// The caller's function, which is called with every event and the provisioning that it belongs to.
type FleetObserver = Arc<dyn Fn(&ProvisionId, &ProvisionEvent) + Send + Sync>;

/// Builds several machines that share a resource group, a network and a network security group.
///
/// What is shared is the *foundation*: a provisioning of its own, with its own journal, lease and clean-up. Each machine is an
/// ordinary provisioning on it, `FLEET/MACHINE`, whose progress, history and private key the [`Provisioner`] gives. While
/// a machine of the fleet may still be there, the foundation's journal admits no deletion.
///
/// # Cancel safety
/// As of the [`Provisioner`]: every future may be dropped; [`Fleet::resume`] goes on, [`Fleet::clean_up`] deletes, as soon as
/// the leases of the dropped call have run out.
#[derive(Clone)]
pub struct Fleet {
    provisioner: Provisioner,
    concurrency: usize,
    observer: Option<FleetObserver>,
}

impl Fleet {
    /// Fleets in the subscription of a provisioner, kept in its journal. Its probe, lease term and holder hold for each machine.
    pub fn new(provisioner: Provisioner) -> Self {
        Self { provisioner, concurrency: CONCURRENCY, observer: None }
    }

    /// Sets how many machines are built or deleted at a time; 32 by default, at least one.
    #[must_use]
    pub fn with_concurrency(mut self, machines: usize) -> Self {
        self.concurrency = machines.max(1);
        self
    }

    /// Sets a function that is called with every event after it is durable, and with the provisioning that it belongs to.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Fn(&ProvisionId, &ProvisionEvent) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Makes a plan: reads images and sizes, and creates nothing.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) as [`FleetPlan::new`].
    pub async fn plan(&self, id: ProvisionId, spec: FleetSpec) -> Result<FleetPlan, Error> {
        let mut plan = FleetPlan::new(id, self.provisioner.subscription.id(), spec)?;
        let mut resolved: Vec<ProvisionPlan> = Vec::new();
        for machine in &mut plan.machines {
            // Machines that are alike have the same image and sizes: they are read once.
            match resolved.iter().find(|known| are_alike(known, machine)) {
                Some(known) => {
                    let ProvisionPlan { id, names, key, spec, .. } = machine.clone();
                    *machine = ProvisionPlan { id, names, key, spec, ..known.clone() };
                }
                None => {
                    resolve(&self.provisioner.subscription, machine).await?;
                    resolved.push(machine.clone());
                }
            }
        }
        Ok(plan)
    }

    /// Builds the foundation, then the machines side by side. Called again, it goes on where it stopped; machines that run
    /// are returned as they are, and new ones are added: so a fleet grows. A machine that the plan does not name stays.
    ///
    /// A machine that fails is cleaned up as its specification says, and the others are built all the same.
    ///
    /// # Errors
    /// The failure of the foundation, as of [`Provisioner::run`]; [`Conflict`](ErrorKind::Conflict) if a fleet with another
    /// foundation was begun under this name, or another process works on it. The failure of a machine is in its outcome.
    pub async fn run(&self, plan: &FleetPlan) -> Result<FleetOutcome, Error> {
        self.under_lease(&plan.id, async |recorder| {
            plan.machines.iter().try_for_each(|machine| machine.check_member(&machine.id, &plan.id))?;
            self.begin(recorder, plan).await?;
            self.lay_foundation(recorder).await?;
            let machines = self
                .each(&plan.machines, async |provisioner: Provisioner, machine| provisioner.run(&machine).await)
                .await;
            self.settle(recorder, &machines).await?;
            let state = recorder.state();
            let others = state.members.standing().filter(|known| machines.iter().all(|machine| machine.id != known.id));
            let others = others.map(|plan| plan.spec.name.clone()).collect();
            Ok(FleetOutcome { machines, others })
        })
        .await
    }

    /// Goes on with a fleet that was begun, whether it was being built or cleaned up, with all of its machines.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if nothing was begun under this name; [`Conflict`](ErrorKind::Conflict) after a clean-up
    /// was finished; else as [`Fleet::run`].
    pub async fn resume(&self, id: &ProvisionId) -> Result<FleetOutcome, Error> {
        self.under_lease(id, async |recorder| {
            self.require_fleet(recorder).await?;
            self.lay_foundation(recorder).await?;
            let standing: Vec<ProvisionPlan> = recorder.state().members.standing().cloned().collect();
            let resume = async |provisioner: Provisioner, plan: ProvisionPlan| {
                match provisioner.state(&plan.id).await?.phase {
                    // The process was killed before it began.
                    Phase::Empty => provisioner.run(&plan).await,
                    _ => provisioner.resume(&plan.id).await,
                }
            };
            let machines = self.each(&standing, resume).await;
            self.settle(recorder, &machines).await?;
            Ok(FleetOutcome { machines, others: Vec::new() })
        })
        .await
    }

    /// Deletes machines of the fleet by name, with everything that is theirs alone. Idempotent for a machine that is still listed.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a name that no machine of the fleet has, before anything is deleted;
    /// [`NotFound`](ErrorKind::NotFound) if nothing was begun under this name. A refused deletion is in the machine's outcome.
    pub async fn remove(&self, id: &ProvisionId, names: &[&str]) -> Result<Vec<FleetMachine<CleanUp>>, Error> {
        self.under_lease(id, async |recorder| {
            self.require_fleet(recorder).await?;
            let state = recorder.state();
            let find = |name: &&str| {
                let found = state.members.standing().find(|plan| plan.spec.name.eq_ignore_ascii_case(name));
                found.cloned().ok_or_else(|| {
                    Error::invalid("machine_name", format!("{name} is no machine of this fleet"))
                        .with_advice("name the machines as Fleet::machines lists them")
                })
            };
            let plans = names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
            self.delete_machines(recorder, &plans).await
        })
        .await
    }

    /// Deletes every machine of the fleet, then the foundation. Idempotent. As long as a machine cannot be deleted, the
    /// foundation stays.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if nothing was begun under this name; the refusal of a deletion of the foundation. A
    /// refused deletion of a machine is in its outcome.
    pub async fn clean_up(&self, id: &ProvisionId) -> Result<FleetCleanUp, Error> {
        self.under_lease(id, async |recorder| {
            self.require_fleet(recorder).await?;
            self.delete_all(recorder).await
        })
        .await
    }

    /// Where each machine of the fleet stands, those that were removed aside. It takes no lease.
    ///
    /// # Errors
    /// The failure of the journal.
    pub async fn machines(&self, id: &ProvisionId) -> Result<Vec<ProvisionProgress>, Error> {
        let state = self.provisioner.state(id).await?;
        let mut machines = Vec::new();
        for plan in state.members.standing() {
            let state = self.provisioner.state(&plan.id).await?;
            machines.push(match state.phase {
                Phase::Empty => ProvisionProgress::new(plan.id.clone(), Phase::Empty),
                _ => ProvisionProgress::of(&plan.id, &state)?,
            });
        }
        Ok(machines)
    }

    /// Does work under the lease of the foundation, which excludes every other call on the fleet.
    async fn under_lease<T>(
        &self,
        id: &ProvisionId,
        work: impl AsyncFnOnce(&Recorder) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let recorder = Recorder::open(&self.provisioner_of(id).ports, id).await?;
        let outcome = recorder.guard(Box::pin(work(&recorder))).await;
        recorder.close().await;
        outcome
    }

    /// Journals the foundation and its new machines, all at once: whoever takes over knows the whole fleet, and from here on
    /// the foundation stays until each of them is gone.
    async fn begin(&self, recorder: &Recorder, plan: &FleetPlan) -> Result<(), Error> {
        let mut events = Vec::new();
        let state = recorder.state();
        let is_begun = is_begun(recorder, &plan.foundation)?;
        if !is_begun {
            events.push(ProvisionEvent::Planned { plan: Box::new(plan.foundation.clone()) });
        } else if state.phase == Phase::CleaningUp {
            return Ok(());
        }
        let is_new = |machine: &&ProvisionPlan| !is_begun || !state.members.stands(&machine.id);
        let added = plan.machines.iter().filter(is_new);
        events.extend(added.map(|plan| ProvisionEvent::MemberAdded { plan: Box::new(plan.clone()) }));
        recorder.record_all(&events).await
    }

    /// Builds the foundation, or finishes the clean-up that was begun.
    async fn lay_foundation(&self, recorder: &Recorder) -> Result<(), Error> {
        let state = recorder.state();
        if matches!(state.phase, Phase::CleaningUp | Phase::CleanedUp) {
            let rest = self.delete_all(recorder).await?;
            return Err(match rest.machines.into_iter().find_map(|machine| machine.outcome.err()) {
                Some(error) => error.with_advice("clean the fleet up again: a machine could not be deleted"),
                None => failed_before(&state),
            });
        }
        self.provisioner_of(&planned(recorder).await?.id).drive_to_rest(recorder).await
    }

    async fn delete_all(&self, recorder: &Recorder) -> Result<FleetCleanUp, Error> {
        if !matches!(recorder.state().phase, Phase::CleaningUp | Phase::CleanedUp) {
            // First of all, so that a process that takes over goes on with it, and no machine joins any more.
            recorder.record(ProvisionEvent::CleanUpBegun).await?;
        }
        let standing: Vec<ProvisionPlan> = recorder.state().members.standing().cloned().collect();
        let machines = self.delete_machines(recorder, &standing).await?;
        if machines.iter().any(|machine| machine.outcome.is_err()) {
            return Ok(FleetCleanUp { machines, foundation: None });
        }
        let id = planned(recorder).await?.id;
        let foundation = Some(self.provisioner_of(&id).tear_down(recorder).await?);
        Ok(FleetCleanUp { machines, foundation })
    }

    async fn delete_machines(
        &self,
        recorder: &Recorder,
        plans: &[ProvisionPlan],
    ) -> Result<Vec<FleetMachine<CleanUp>>, Error> {
        let delete = async |provisioner: Provisioner, plan: ProvisionPlan| match provisioner.clean_up(&plan.id).await {
            // It was to join, and was never begun.
            Err(error) if error.kind() == ErrorKind::NotFound && error.effect() == Effect::None => Ok(CleanUp::new()),
            outcome => outcome,
        };
        let machines = self.each(plans, delete).await;
        let gone = machines.iter().filter(|machine| machine.outcome.is_ok());
        let gone: Vec<_> = gone.map(|machine| ProvisionEvent::MemberRemoved { member: machine.id.clone() }).collect();
        recorder.record_all(&gone).await?;
        Ok(machines)
    }

    /// Does the same for each machine, side by side, as many at a time as is set. In the order of the plans.
    async fn each<T>(
        &self,
        plans: &[ProvisionPlan],
        work: impl AsyncFn(Provisioner, ProvisionPlan) -> Result<T, Error>,
    ) -> Vec<FleetMachine<T>> {
        let work = &work;
        let all = plans.iter().cloned().map(|plan| async move {
            let (name, id) = (plan.spec.name.clone(), plan.id.clone());
            // On the heap: a whole provisioning as one value is too large for a thread's stack several times over.
            let outcome = Box::pin(work(self.provisioner_of(&id), plan)).await;
            FleetMachine { name, id, outcome }
        });
        iter(all).buffered(self.concurrency).collect().await
    }

    /// Journals that every machine has begun, so that the journal of each tells whether it is to be resumed.
    async fn settle(&self, recorder: &Recorder, machines: &[FleetMachine<Provisioned>]) -> Result<(), Error> {
        if recorder.state().members.are_settled() {
            return Ok(());
        }
        for machine in machines.iter().filter(|machine| machine.outcome.is_err()) {
            if self.provisioner.state(&machine.id).await?.phase == Phase::Empty {
                return Ok(());
            }
        }
        recorder.record(ProvisionEvent::MembersSettled).await
    }

    async fn require_fleet(&self, recorder: &Recorder) -> Result<(), Error> {
        if planned(recorder).await?.part.is_machine() {
            return Err(Error::invalid("provision_id", "is the name of a machine, not of a fleet")
                .with_advice("work with the machine through Provisioner"));
        }
        Ok(())
    }

    /// The provisioner of one part of the fleet, whose events are told with its name.
    fn provisioner_of(&self, id: &ProvisionId) -> Provisioner {
        match self.observer.clone() {
            None => self.provisioner.clone(),
            Some(observer) => {
                let id = id.clone();
                self.provisioner.clone().with_observer(move |event| observer(&id, event))
            }
        }
    }
}

/// Whether what is read of the service for one plan is what is read for another.
fn are_alike(one: &ProvisionPlan, other: &ProvisionPlan) -> bool {
    let mut renamed = other.spec.clone();
    renamed.name.clone_from(&one.spec.name);
    renamed == one.spec
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("provisioner", &self.provisioner)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}
