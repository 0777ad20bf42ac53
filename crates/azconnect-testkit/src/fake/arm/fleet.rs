//! Fleets in the subscription in memory.

use async_trait::async_trait;
use azconnect_arm::port::Fleets;
use azconnect_arm::provision::{FleetCleanUp, FleetMachine, FleetOutcome, Part};
use azconnect_arm::{
    CleanUp, FleetPlan, FleetSpec, GroupChoice, NetworkChoice, OnFailure, Phase, ProvisionId, ProvisionPlan,
    ProvisionProgress, Provisioned, ResourceId, Step,
};
use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::CheckReport;

use super::Subscription;
use super::preflight::preflight_fleet;
use super::provisioning::{begin, build, given_up, nothing_begun, progress_of, tear_down};
use super::world::{Access, ArmCall, Begun, World};
use crate::fake::faults::{Fault, answer, proceed};

/// Fleets in a [`Subscription`] in memory, as `azconnect_arm::Fleet` builds them in a real one. A fault of [`ArmCall::Run`],
/// [`ArmCall::Resume`] or [`ArmCall::CleanUp`] befalls one of its machines, one of [`ArmCall::Foundation`] what they share.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use azconnect_arm::port::Fleets;
/// use azconnect_arm::{FleetSpec, GroupChoice, ProvisionId, VmSpec};
/// use azconnect_core::ResourceGroupName;
/// use azconnect_testkit::fake::{Fleet, Subscription};
///
/// let azure = Subscription::new();
/// let fleets = Fleet::new(azure.clone());
/// let group = GroupChoice::Create(ResourceGroupName::new("rg-web")?);
/// let machine = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse()?, group)?;
///
/// // Room for two of three.
/// azure.set_core_quota(4);
/// let plan = fleets.plan(ProvisionId::new("contoso/shop")?, FleetSpec::of(&machine, 3)).await?;
/// let outcome = fleets.run(&plan).await?;
/// assert_eq!(outcome.failures().map(|(name, _)| name).collect::<Vec<_>>(), ["web-3"]);
/// fleets.clean_up(&plan.id).await?;
/// assert!(azure.live().is_empty());
/// # Ok::<(), azconnect_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Fleet(Subscription);

impl Fleet {
    /// The fleets of a subscription.
    pub fn new(subscription: Subscription) -> Self {
        Self(subscription)
    }

    /// Builds machines one after the other, each with the fault that is due for it.
    fn build_all(
        &self,
        world: &mut World,
        plans: &[ProvisionPlan],
        call: &ArmCall,
        work: impl Fn(&mut World, &ProvisionPlan, Option<Fault>) -> Result<Provisioned, Error>,
    ) -> Vec<FleetMachine<Provisioned>> {
        let one = |plan: &ProvisionPlan| {
            let outcome = work(world, plan, self.0.faults.next(call));
            FleetMachine::new(&plan.spec.name, plan.id.clone(), outcome)
        };
        plans.iter().map(one).collect()
    }

    fn delete_all(&self, world: &mut World, id: &ProvisionId) -> Result<FleetCleanUp, Error> {
        if let Some(begun) = world.begun.get_mut(id).filter(|begun| begun.phase != Phase::CleanedUp) {
            begun.phase = Phase::CleaningUp;
        }
        let plans = world.standing(id);
        let machines = self.delete(world, id, &plans, false);
        if machines.iter().any(|machine| machine.outcome.is_err()) {
            return Ok(FleetCleanUp::new(machines, None));
        }
        world.require(Access::Contributor, "*/delete")?;
        let is_gone = world.begun.get(id).is_none_or(|begun| begun.phase == Phase::CleanedUp);
        let kept = if is_gone { None } else { tear_down(world, id) };
        Ok(FleetCleanUp::new(machines, Some(CleanUp::new().with_kept(kept))))
    }

    /// Deletes machines. A stranger under a name stays, and the fleet lets go of it if that is said.
    fn delete(
        &self,
        world: &mut World,
        fleet: &ProvisionId,
        plans: &[ProvisionPlan],
        lets_go: bool,
    ) -> Vec<FleetMachine<CleanUp>> {
        let mut one = |plan: &ProvisionPlan| {
            let fault = self.0.faults.next(&ArmCall::CleanUp);
            let is_stranger = is_foreign(world, plan);
            let outcome = if is_stranger { Err(foreign(plan)) } else { delete_own(world, plan, fault) };
            if outcome.is_ok() || (is_stranger && lets_go) {
                world.members.entry(fleet.clone()).or_default().remove(&plan.id);
            }
            FleetMachine::new(&plan.spec.name, plan.id.clone(), outcome)
        };
        plans.iter().map(&mut one).collect()
    }
}

#[async_trait]
impl Fleets for Fleet {
    async fn preflight(&self, spec: &FleetSpec) -> CheckReport {
        preflight_fleet(&self.0.world(), spec)
    }

    async fn plan(&self, id: ProvisionId, spec: FleetSpec) -> Result<FleetPlan, Error> {
        self.0.faults.read(&ArmCall::Plan, || FleetPlan::new(id, self.0.id, spec))
    }

    async fn run(&self, plan: &FleetPlan) -> Result<FleetOutcome, Error> {
        if plan.foundation.subscription != self.0.id {
            return Err(Error::invalid("subscription", "is not the one that the plan was made for"));
        }
        let fault = self.0.faults.next(&ArmCall::Foundation);
        let mut world = self.0.world();
        join(&mut world, plan)?;
        lay(&mut world, &plan.id, fault)?;
        let machines = self.build_all(&mut world, &plan.machines, &ArmCall::Run, |world, machine, fault| {
            begin(world, machine)?;
            build(world, &machine.id, fault)
        });
        let standing = world.standing(&plan.id);
        let unnamed = standing.iter().filter(|known| plan.machines.iter().all(|machine| machine.id != known.id));
        let others = unnamed.map(|known| known.spec.name.clone()).collect();
        Ok(FleetOutcome::new(machines).with_others(others))
    }

    async fn resume(&self, id: &ProvisionId) -> Result<FleetOutcome, Error> {
        let fault = self.0.faults.next(&ArmCall::Foundation);
        let mut world = self.0.world();
        require_fleet(&world, id)?;
        let phase = world.begun.get(id).map(|begun| begun.phase);
        if matches!(phase, Some(Phase::CleaningUp | Phase::CleanedUp)) {
            self.delete_all(&mut world, id)?;
            return Err(given_up());
        }
        lay(&mut world, id, fault)?;
        let standing = world.standing(id);
        let machines = self.build_all(&mut world, &standing, &ArmCall::Resume, |world, machine, fault| {
            if is_foreign(world, machine) {
                return Err(foreign(machine));
            }
            if !world.begun.contains_key(&machine.id) {
                begin(world, machine)?;
            }
            build(world, &machine.id, fault)
        });
        Ok(FleetOutcome::new(machines))
    }

    async fn machines(&self, id: &ProvisionId) -> Result<Vec<ProvisionProgress>, Error> {
        self.0.faults.read(&ArmCall::Records, || {
            let world = self.0.world();
            let progress = |plan: ProvisionPlan| match world.begun.get(&plan.id) {
                Some(begun) if !is_foreign(&world, &plan) => progress_of(&plan.id, begun),
                _ => ProvisionProgress::new(plan.id, Phase::Empty),
            };
            Ok(world.standing(id).into_iter().map(progress).collect())
        })
    }

    async fn remove(&self, id: &ProvisionId, names: &[&str]) -> Result<Vec<FleetMachine<CleanUp>>, Error> {
        let mut world = self.0.world();
        require_fleet(&world, id)?;
        let standing = world.standing(id);
        let mut plans: Vec<ProvisionPlan> = Vec::new();
        for name in names {
            let found = standing.iter().find(|plan| plan.spec.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
                Error::invalid("machine_name", format!("{name} is no machine of this fleet"))
                    .with_advice("name the machines as Fleets::machines lists them")
            })?;
            if plans.iter().all(|known| known.id != found.id) {
                plans.push(found.clone());
            }
        }
        Ok(self.delete(&mut world, id, &plans, true))
    }

    async fn clean_up(&self, id: &ProvisionId) -> Result<FleetCleanUp, Error> {
        let mut world = self.0.world();
        require_fleet(&world, id)?;
        self.delete_all(&mut world, id)
    }
}

/// Makes the beginning durable, with the machines that join. A fleet of another foundation, and a machine whose name is in use,
/// are refused.
fn join(world: &mut World, plan: &FleetPlan) -> Result<(), Error> {
    let begun = world.begun.get(&plan.id).filter(|begun| begun.phase != Phase::CleanedUp);
    let standing = if begun.is_some() { world.standing(&plan.id) } else { Vec::new() };
    if begun.is_some_and(|begun| !shares_the_same(&begun.plan, &plan.foundation)) {
        return Err(Error::new(ErrorKind::Conflict, "another fleet or machine was begun under this name")
            .with_effect(Effect::None)
            .with_field("provision_id")
            .with_advice("choose another name, or clean the other one up first"));
    }
    let is_new = begun.is_none();
    for machine in &plan.machines {
        let stands = standing.iter().any(|known| known.id == machine.id);
        let is_in_use = world.begun.get(&machine.id).is_some_and(|begun| begun.phase != Phase::CleanedUp);
        if is_in_use && !stands {
            let message = format!("{} was begun already, and not as a machine of this fleet", machine.id);
            return Err(Error::new(ErrorKind::Conflict, message)
                .with_effect(Effect::None)
                .with_field("machine_name")
                .with_advice("choose another name for the machine, or clean up what has this one"));
        }
    }
    if is_new {
        begin(world, &plan.foundation)?;
        world.members.remove(&plan.id);
    }
    let in_use =
        |world: &World, id: &ProvisionId| world.begun.get(id).is_some_and(|begun| begun.phase != Phase::CleanedUp);
    for machine in &plan.machines {
        // One that stands is what its own journal says, whatever this plan wants of it.
        if !in_use(world, &machine.id) {
            world.members.entry(plan.id.clone()).or_default().insert(machine.id.clone(), machine.clone());
        }
    }
    Ok(())
}

/// Whether two foundations are one: the machines on it may differ.
fn shares_the_same(one: &ProvisionPlan, other: &ProvisionPlan) -> bool {
    let (a, b) = (&one.spec, &other.spec);
    one.part == other.part
        && (&a.name, &a.location, &a.group, &a.network) == (&b.name, &b.location, &b.group, &b.network)
        && (&a.rules, &a.security_group) == (&b.rules, &b.security_group)
}

/// Builds what the machines share, unless it stands.
fn lay(world: &mut World, id: &ProvisionId, fault: Option<Fault>) -> Result<(), Error> {
    let Some(begun) = world.begun.get(id) else { return Err(nothing_begun()) };
    let plan = begun.plan.clone();
    match begun.phase {
        Phase::Finished => return Ok(()),
        Phase::CleaningUp | Phase::CleanedUp => return Err(given_up()),
        _ => {}
    }
    let admitted = match fault {
        Some(Fault::Refused(_) | Fault::ChangedMeanwhile) => proceed(fault).map_err(|error| (Step::Group, error)),
        _ => {
            proceed(fault)?;
            world.admit_group(&plan)
        }
    };
    if let Err((step, error)) = admitted {
        let keeps = plan.spec.on_failure == OnFailure::Keep;
        if !keeps {
            tear_down(world, id);
            world.members.remove(id);
        }
        if let Some(begun) = world.begun.get_mut(id) {
            begun.failure = Some((step, error.diagnosis().clone()));
            begun.phase = if keeps { Phase::Failed } else { Phase::CleanedUp };
        }
        return Err(error);
    }
    let group = ResourceId::of_group(plan.subscription, plan.spec.group.name());
    let mut created = Vec::new();
    if let GroupChoice::Create(name) = &plan.spec.group
        && world.groups.insert(name.as_str().to_ascii_lowercase())
    {
        created.push(group.clone());
    }
    if plan.spec.security_group.is_none() {
        created.push(group.provider("Microsoft.Network/networkSecurityGroups", &plan.names.security_group)?);
    }
    if matches!(plan.spec.network, NetworkChoice::Create { .. }) {
        created.push(group.provider("Microsoft.Network/virtualNetworks", &plan.names.network)?);
    }
    if let Some(begun) = world.begun.get_mut(id) {
        begun.created.extend(created);
        // Everything exists when the answer is lost. The phase stays, so that it can be resumed.
        answer(fault, ())?;
        begun.phase = Phase::Finished;
    }
    Ok(())
}

fn delete_own(world: &mut World, plan: &ProvisionPlan, fault: Option<Fault>) -> Result<CleanUp, Error> {
    let is_there = |begun: &&Begun| begun.phase != Phase::CleanedUp;
    if world.begun.get(&plan.id).filter(is_there).is_none() {
        return Ok(CleanUp::new());
    }
    proceed(fault)?;
    world.require(Access::Contributor, "*/delete")?;
    let kept = tear_down(world, &plan.id);
    answer(fault, CleanUp::new().with_kept(kept))
}

/// Whether something stands under a member's name that is not of the fleet.
fn is_foreign(world: &World, member: &ProvisionPlan) -> bool {
    let stands_elsewhere = |begun: &Begun| {
        begun.phase != Phase::CleanedUp
            && (&begun.plan.spec.network, &begun.plan.spec.security_group)
                != (&member.spec.network, &member.spec.security_group)
    };
    world.begun.get(&member.id).is_some_and(stands_elsewhere)
}

fn foreign(member: &ProvisionPlan) -> Error {
    let message =
        format!("{} is the name of something that is not of this fleet: nothing of it was touched", member.id);
    Error::new(ErrorKind::Conflict, message)
        .with_effect(Effect::None)
        .with_field("machine_name")
        .with_advice("let go of the name with Fleets::remove, which deletes nothing of it, then try again")
}

fn require_fleet(world: &World, id: &ProvisionId) -> Result<(), Error> {
    let begun = world.begun.get(id).ok_or_else(nothing_begun)?;
    if begun.plan.part == Part::Foundation {
        return Ok(());
    }
    Err(Error::invalid("provision_id", "is the name of a machine, not of a fleet")
        .with_advice("work with the machine through Provisioning"))
}
