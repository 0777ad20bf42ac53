//! Several machines on one foundation: built side by side, cleaned up before what they share.

mod member;
mod outcome;
mod plan;
mod stop;

use std::fmt;
use std::future::pending;
use std::sync::Arc;

use azconnect_core::Error;
use futures_util::stream::iter;
use futures_util::{FutureExt, StreamExt};

pub use outcome::{FleetCleanUp, FleetMachine, FleetOutcome};
pub use plan::FleetPlan;

use self::member::{Standing, altered, check_free, check_names, check_stands_on, find, foreign};
use self::stop::{Stop, still_there};
use super::event::ProvisionEvent;
use super::id::ProvisionId;
use super::outcome::{CleanUp, Provisioned};
use super::plan::ProvisionPlan;
use super::progress::ProvisionProgress;
use super::provisioner::{Provisioner, failed_before, is_begun, planned};
use super::recorder::Recorder;
use super::resolve::resolve;
use super::state::Phase;
use crate::client::Subscription;
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

    /// The subscription in which it builds.
    pub fn subscription(&self) -> &Subscription {
        self.provisioner.subscription()
    }

    /// Makes a plan: reads images and sizes, and creates nothing.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) as [`FleetPlan::new`].
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
    /// The failure of the foundation, as of [`Provisioner::run`]; [`Conflict`](azconnect_core::ErrorKind::Conflict) if
    /// a fleet with another foundation was begun under this name, or another process works on it, or with the field
    /// `machine_name` if something else stands under the name of a new machine. The failure of a machine is in its
    /// outcome.
    pub async fn run(&self, plan: &FleetPlan) -> Result<FleetOutcome, Error> {
        self.run_until(plan, pending()).await
    }

    /// Builds the fleet until `cancel` is done, such as a deadline. Machines that run by then stay, and are told by their names;
    /// what was created of the others is deleted, and the fleet lets go of them: [`Fleet::resume`] leaves them alone, and
    /// [`Fleet::run`] builds them. A machine that was there before the call stays.
    ///
    /// # Errors
    /// As [`Fleet::run`]; [`Timeout`](azconnect_core::ErrorKind::Timeout) if it was cancelled before the fleet had a machine,
    /// after everything that was created is deleted. Of a machine that was cancelled, its outcome is that error.
    pub async fn run_until(
        &self,
        plan: &FleetPlan,
        cancel: impl Future<Output = ()> + Send,
    ) -> Result<FleetOutcome, Error> {
        let stop: Stop<'_> = cancel.boxed().shared();
        self.under_lease(&plan.id, async |recorder| {
            check_plan(plan)?;
            self.begin(recorder, plan).await?;
            if !self.lay_foundation_until(recorder, stop.clone()).await? {
                return self.give_up(recorder).await;
            }
            let build = |provisioner: Provisioner, machine: ProvisionPlan| {
                let stop = stop.clone();
                async move { stop::build(&provisioner, &machine, stop).await }
            };
            let machines = self.each(&plan.machines, build).await;
            if stop::is_over(&stop) {
                self.let_go(recorder, &machines).await?;
                if recorder.state().members.standing().next().is_none() {
                    return self.give_up(recorder).await;
                }
            }
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
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if nothing was begun under this name;
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) after a clean-up was finished; else as [`Fleet::run`].
    pub async fn resume(&self, id: &ProvisionId) -> Result<FleetOutcome, Error> {
        self.under_lease(id, async |recorder| {
            self.require_fleet(recorder).await?;
            self.lay_foundation(recorder).await?;
            let standing: Vec<ProvisionPlan> = recorder.state().members.standing().cloned().collect();
            let foundation = Arc::new(planned(recorder).await?);
            let resume = |provisioner: Provisioner, plan: ProvisionPlan| {
                let foundation = foundation.clone();
                async move {
                    let state = provisioner.state(&plan.id).await?;
                    match Standing::of(&foundation, &state)? {
                        // The process was killed before it began.
                        Standing::Unbegun => provisioner.run(&plan).await,
                        Standing::Own => provisioner.resume(&plan.id).await,
                        Standing::Gone => Err(failed_before(&state).with_advice(
                            "run a plan that names it to build it anew, or let go of it with Fleet::remove",
                        )),
                        Standing::Foreign => Err(foreign(&plan, &state)),
                    }
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
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name that no machine of the fleet has, before
    /// anything is deleted; [`NotFound`](azconnect_core::ErrorKind::NotFound) if nothing was begun under this name. A
    /// refused deletion is in the machine's outcome; so is a [`Conflict`](azconnect_core::ErrorKind::Conflict) if a
    /// machine or a fleet by itself stands under the name by now: nothing of it is deleted, and the fleet lets go of
    /// it.
    pub async fn remove(&self, id: &ProvisionId, names: &[&str]) -> Result<Vec<FleetMachine<CleanUp>>, Error> {
        self.under_lease(id, async |recorder| {
            self.require_fleet(recorder).await?;
            let state = recorder.state();
            let mut plans: Vec<ProvisionPlan> = Vec::new();
            for name in names {
                let plan = find(&state.members, name)?;
                if plans.iter().all(|known| known.id != plan.id) {
                    plans.push(plan.clone());
                }
            }
            self.delete_machines(recorder, &plans, Strangers::LetGo).await
        })
        .await
    }

    /// Deletes every machine of the fleet, then the foundation. Idempotent. As long as a machine cannot be deleted, the
    /// foundation stays.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if nothing was begun under this name; the refusal of a
    /// deletion of the foundation. A refused deletion of a machine is in its outcome.
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
        let Some(foundation) = &state.plan else { return Ok(machines) };
        for plan in state.members.standing() {
            let state = self.provisioner.state(&plan.id).await?;
            machines.push(match Standing::of(foundation, &state)? {
                // What somebody else has begun under the name is no progress of the fleet's.
                Standing::Unbegun | Standing::Foreign => ProvisionProgress::new(plan.id.clone(), Phase::Empty),
                Standing::Own | Standing::Gone => ProvisionProgress::of(&plan.id, &state)?,
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
        let foundation = state.plan.as_ref().filter(|_| is_begun).unwrap_or(&plan.foundation);
        let new = plan.machines.iter().filter(|machine| !is_begun || !state.members.stands(&machine.id));
        check_names(new, &state.members, is_begun)?;
        for machine in &plan.machines {
            let own = self.provisioner.state(&machine.id).await?;
            if !is_begun || !state.members.stands(&machine.id) {
                check_stands_on(machine, foundation)?;
                check_free(machine, &own)?;
            } else if state.members.agrees(machine) || !matches!(own.phase, Phase::Empty | Phase::CleanedUp) {
                continue;
            } else {
                // It is built as it is wanted now. Who resumes reads it here.
                check_stands_on(machine, foundation)?;
                events.push(ProvisionEvent::MemberRemoved { member: machine.id.clone() });
            }
            events.push(ProvisionEvent::MemberAdded { plan: Box::new(machine.clone()) });
        }
        recorder.record_all(&events).await
    }

    /// Builds the foundation, or finishes the clean-up that was begun.
    async fn lay_foundation(&self, recorder: &Recorder) -> Result<(), Error> {
        let state = recorder.state();
        if matches!(state.phase, Phase::CleaningUp | Phase::CleanedUp) {
            let rest = self.delete_all(recorder).await?;
            return Err(match rest.machines.into_iter().find_map(|machine| machine.outcome.err()) {
                Some(error) => still_there(error),
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
        let machines = self.delete_machines(recorder, &standing, Strangers::Stay).await?;
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
        strangers: Strangers,
    ) -> Result<Vec<FleetMachine<CleanUp>>, Error> {
        let foundation = Arc::new(planned(recorder).await?);
        let delete = |provisioner: Provisioner, plan: ProvisionPlan| {
            let foundation = foundation.clone();
            async move {
                let own = Recorder::open(&provisioner.ports, &plan.id).await?;
                // Under its lease: nobody else may begin anything under the name between the look and the deletion.
                let outcome = own.guard(delete_own(&provisioner, &own, &plan, &foundation)).await;
                own.close().await;
                outcome
            }
        };
        let machines = self.each(plans, delete).await;
        let gone = machines.iter().filter(|machine| match &machine.outcome {
            Ok(Deletion::Done(_)) => true,
            Ok(Deletion::Refused(_)) => strangers == Strangers::LetGo,
            Err(_) => false,
        });
        let gone: Vec<_> = gone.map(|machine| ProvisionEvent::MemberRemoved { member: machine.id.clone() }).collect();
        recorder.record_all(&gone).await?;
        let told = |machine: FleetMachine<Deletion>| {
            let outcome =
                machine.outcome.and_then(|deletion| match (deletion, strangers) {
                    (Deletion::Done(done), _) => Ok(done),
                    (Deletion::Refused(error), Strangers::Stay) => Err(error),
                    (Deletion::Refused(error), Strangers::LetGo) => Err(error
                        .with_advice("the fleet has let go of the name: clean it up by itself if it is to be deleted")),
                });
            FleetMachine { name: machine.name, id: machine.id, outcome }
        };
        Ok(machines.into_iter().map(told).collect())
    }

    /// Does the same for each machine, side by side, as many at a time as is set. In the order of the plans.
    async fn each<T, Work: Future<Output = Result<T, Error>>>(
        &self,
        plans: &[ProvisionPlan],
        work: impl Fn(Provisioner, ProvisionPlan) -> Work,
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
        let state = recorder.state();
        // All of them, and not those of this call alone: another may have been added and never begun.
        let standing: Vec<&ProvisionPlan> = state.members.standing().collect();
        for plan in standing {
            let runs = machines.iter().any(|machine| machine.id == plan.id && machine.outcome.is_ok());
            if !runs && self.provisioner.state(&plan.id).await?.phase == Phase::Empty {
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

/// What becomes of a member under whose name something stands that is not of the fleet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strangers {
    /// It stays on the list, so that somebody decides.
    Stay,
    /// It is taken off the list. Nothing of it is deleted.
    LetGo,
}

/// What came of the deletion of one member.
enum Deletion {
    Done(CleanUp),
    /// What stands under its name is not of the fleet.
    Refused(Error),
}

/// Deletes what stands under a member's name if it is of the fleet.
async fn delete_own(
    provisioner: &Provisioner,
    recorder: &Recorder,
    member: &ProvisionPlan,
    foundation: &ProvisionPlan,
) -> Result<Deletion, Error> {
    let state = recorder.state();
    Ok(match Standing::of(foundation, &state)? {
        // It was to join, and was never begun.
        Standing::Unbegun => Deletion::Done(CleanUp::new()),
        Standing::Gone => Deletion::Done(CleanUp::new().with_kept(state.kept.clone())),
        Standing::Own => Deletion::Done(provisioner.tear_down(recorder).await?),
        Standing::Foreign => Deletion::Refused(foreign(member, &state)),
    })
}

/// Refuses a plan of the caller's that is not as it was made.
fn check_plan(plan: &FleetPlan) -> Result<(), Error> {
    if plan.foundation.part.is_machine() || plan.foundation.id != plan.id {
        return Err(altered("has a foundation that is not this fleet's"));
    }
    plan.machines.iter().try_for_each(|machine| {
        // It says of a journal that it was changed. This plan is the caller's.
        machine.check_member(&machine.id, &plan.id).map_err(|foreign| altered(foreign.message()))
    })
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
