//! The fake's provisionings.

use async_trait::async_trait;
use azconnect_arm::port::{MachineSummary, ProvisionRecords, Provisioning};
use azconnect_arm::provision::{
    Part, ProvisionFailure, ProvisionHistoryEntry, ProvisionProgress, StepProgress, StepStatus, UnfinishedProvision,
};
use azconnect_arm::{
    AdminPassword, CleanUp, GroupChoice, NetworkChoice, OnFailure, Phase, Power, ProvisionEvent, ProvisionId,
    ProvisionPlan, Provisioned, ResourceId, Step, VmSpec,
};
use azconnect_core::{Effect, Error, ErrorKind, Secret};
use azconnect_credential::CheckReport;
use time::OffsetDateTime;

use super::Subscription;
use super::preflight::preflight;
use super::world::{Access, ArmCall, Begun, World};
use crate::fake::faults::{Fault, answer, proceed};

#[async_trait]
impl Provisioning for Subscription {
    async fn preflight(&self, spec: &VmSpec) -> CheckReport {
        preflight(&self.world(), spec)
    }

    async fn plan(&self, id: ProvisionId, spec: VmSpec) -> Result<ProvisionPlan, Error> {
        self.faults.read(&ArmCall::Plan, || ProvisionPlan::new(id, self.id, spec))
    }

    async fn run(&self, plan: &ProvisionPlan) -> Result<Provisioned, Error> {
        if plan.subscription != self.id {
            return Err(Error::invalid("subscription", "is not the one that the plan was made for"));
        }
        require_machine(plan.part)?;
        let fault = self.faults.next(&ArmCall::Run);
        let mut world = self.world();
        // Before any fault: the real one journals the beginning before its first request.
        begin(&mut world, plan)?;
        build(&mut world, &plan.id, fault)
    }

    async fn resume(&self, id: &ProvisionId) -> Result<Provisioned, Error> {
        let fault = self.faults.next(&ArmCall::Resume);
        let mut world = self.world();
        require_machine(world.begun.get(id).ok_or_else(nothing_begun)?.plan.part)?;
        build(&mut world, id, fault)
    }

    async fn clean_up(&self, id: &ProvisionId) -> Result<CleanUp, Error> {
        let fault = self.faults.next(&ArmCall::CleanUp);
        let mut world = self.world();
        require_machine(world.begun.get(id).ok_or_else(nothing_begun)?.plan.part)?;
        proceed(fault)?;
        world.require(Access::Contributor, "*/delete")?;
        let kept = tear_down(&mut world, id);
        answer(fault, CleanUp::new().with_kept(kept))
    }
}

#[async_trait]
impl ProvisionRecords for Subscription {
    async fn progress(&self, id: &ProvisionId) -> Result<ProvisionProgress, Error> {
        self.faults.read(&ArmCall::Records, || {
            let world = self.world();
            Ok(progress_of(id, world.begun.get(id).ok_or_else(nothing_begun)?))
        })
    }

    async fn history(&self, id: &ProvisionId) -> Result<Vec<ProvisionHistoryEntry>, Error> {
        self.faults.read(&ArmCall::Records, || {
            let world = self.world();
            let events = world.begun.get(id).map(told).unwrap_or_default();
            // The fake has no clock.
            Ok(events.iter().map(|event| ProvisionHistoryEntry::new(OffsetDateTime::UNIX_EPOCH, event)).collect())
        })
    }

    async fn unfinished(&self) -> Result<Vec<UnfinishedProvision>, Error> {
        self.faults.read(&ArmCall::Records, || {
            let open = |begun: &Begun| matches!(begun.phase, Phase::Building | Phase::CleaningUp);
            let world = self.world();
            let unfinished = world.begun.iter().filter(|(_, begun)| open(begun));
            let open = |(id, begun): (&ProvisionId, &Begun)| {
                UnfinishedProvision::new(id.clone(), self.id, begun.phase).with_part(begun.plan.part)
            };
            Ok(unfinished.map(open).collect())
        })
    }

    async fn private_key(&self, id: &ProvisionId) -> Result<Secret, Error> {
        self.faults.read(&ArmCall::Records, || {
            let mut world = self.world();
            let begun = built(&mut world, id)?;
            require_key(begun)?;
            if begun.plan.spec.public_key.is_some() {
                return Err(absent("the machine was built with a public key of your own")
                    .with_advice("use the private key that belongs to it"));
            }
            if !begun.keeps_credential {
                return Err(
                    absent("the private key was forgotten").with_advice("use the copy that was kept, or add a new key")
                );
            }
            Ok(Secret::new("-----BEGIN OPENSSH PRIVATE KEY-----\nfake\n-----END OPENSSH PRIVATE KEY-----\n"))
        })
    }

    async fn forget_private_key(&self, id: &ProvisionId, fingerprint: &str) -> Result<(), Error> {
        self.faults.write(&ArmCall::Records, || {
            let mut world = self.world();
            let begun = built(&mut world, id)?;
            if fingerprint.trim() != fingerprint_of(&begun.plan) {
                return Err(Error::new(ErrorKind::Conflict, "the machine has another key than the one that is kept")
                    .with_effect(Effect::None)
                    .with_field("fingerprint")
                    .with_advice("read the private key, keep it elsewhere, and confirm the fingerprint of that one"));
            }
            begun.keeps_credential = false;
            Ok(())
        })
    }

    async fn admin_password(&self, id: &ProvisionId) -> Result<AdminPassword, Error> {
        self.faults.read(&ArmCall::Records, || {
            let mut world = self.world();
            let begun = built(&mut world, id)?;
            require_password(begun)?;
            if !begun.keeps_credential {
                return Err(absent("the password was forgotten").with_advice("use the copy that was kept, or reset it"));
            }
            Ok(AdminPassword::new(password_id(begun), Secret::new(format!("Fake-password-of-{}", begun.number))))
        })
    }

    async fn forget_admin_password(&self, id: &ProvisionId, own: &str) -> Result<(), Error> {
        self.faults.write(&ArmCall::Records, || {
            let mut world = self.world();
            let begun = built(&mut world, id)?;
            require_password(begun)?;
            if own.trim() != password_id(begun) {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "the machine has another password than the one that is kept",
                )
                .with_effect(Effect::None)
                .with_field("password_id")
                .with_advice("read the password, keep it elsewhere, and confirm the id of that one"));
            }
            begun.keeps_credential = false;
            Ok(())
        })
    }
}

/// Refuses to take what the machines of a fleet share for a machine.
fn require_machine(part: Part) -> Result<(), Error> {
    if part == Part::Machine {
        return Ok(());
    }
    Err(Error::invalid("provision_id", "is the name of a fleet, not of a machine")
        .with_advice("run, resume or clean up the fleet with Fleets"))
}

/// Where a provisioning stands.
pub(super) fn progress_of(id: &ProvisionId, begun: &Begun) -> ProvisionProgress {
    let mut progress = ProvisionProgress::new(id.clone(), begun.phase);
    progress.steps = steps(begun);
    progress.failure = begun.failure.clone().map(|(step, diagnosis)| ProvisionFailure::new(step, diagnosis));
    progress.address.clone_from(&begun.address);
    progress.kept.clone_from(&begun.kept);
    progress
}

/// The name of a machine's password: that of a machine which is built anew under the same name is another.
fn password_id(begun: &Begun) -> String {
    format!("password-{}", begun.number)
}

fn require_key(begun: &Begun) -> Result<(), Error> {
    match begun.plan.spec.windows {
        None => Ok(()),
        Some(_) => Err(absent("a Windows machine has no key").with_advice("ask for its password instead")),
    }
}

fn require_password(begun: &Begun) -> Result<(), Error> {
    match begun.plan.spec.windows {
        Some(_) => Ok(()),
        None => Err(absent("a machine with Linux has no password").with_advice("ask for its key instead")),
    }
}

/// The fingerprint of a machine's key, the same in every machine that has one.
fn fingerprint_of(plan: &ProvisionPlan) -> &'static str {
    match plan.spec.windows {
        Some(_) => "",
        None => "SHA256:fakefakefakefakefakefakefakefakefakefakefak",
    }
}

fn absent(message: &str) -> Error {
    Error::new(ErrorKind::NotFound, message).with_effect(Effect::None)
}

/// What was begun under a name, if its machine exists.
fn built<'a>(world: &'a mut World, id: &ProvisionId) -> Result<&'a mut Begun, Error> {
    let begun = world.begun.get_mut(id);
    let begun = begun.filter(|begun| begun.phase == Phase::Finished && begun.plan.part == Part::Machine);
    begun.ok_or_else(|| absent("there is no machine under this name").with_advice("provision it first"))
}

/// Makes the beginning durable, unless it has begun before.
pub(super) fn begin(world: &mut World, plan: &ProvisionPlan) -> Result<(), Error> {
    match world.begun.get(&plan.id) {
        Some(begun) if begun.phase != Phase::CleanedUp => {
            // The same machine asked for again is a repetition, another one under its name a mistake.
            if begun.plan.spec == plan.spec {
                return Ok(());
            }
            Err(Error::new(ErrorKind::Conflict, "another machine was begun under this name")
                .with_effect(Effect::None)
                .with_field("provision_id")
                .with_advice("choose another name, or clean the other machine up first"))
        }
        _ => {
            let begun = Begun {
                number: world.next_number(),
                plan: plan.clone(),
                phase: Phase::Building,
                failure: None,
                created: Vec::new(),
                address: None,
                ipv6: None,
                keeps_credential: true,
                kept: None,
            };
            world.begun.insert(plan.id.clone(), begun);
            Ok(())
        }
    }
}

/// Goes on with what was begun.
pub(super) fn build(world: &mut World, id: &ProvisionId, fault: Option<Fault>) -> Result<Provisioned, Error> {
    let begun = world.begun.get(id).ok_or_else(nothing_begun)?;
    let plan = begun.plan.clone();
    match begun.phase {
        Phase::Finished => return provisioned(world, &plan),
        Phase::CleanedUp | Phase::CleaningUp => {
            return Err(given_up());
        }
        _ => {}
    }
    let admitted = match fault {
        Some(Fault::Refused(_) | Fault::ChangedMeanwhile) => proceed(fault).map_err(|error| (Step::Group, error)),
        _ => {
            // The connection breaks in the midst of it: nothing is deleted, and it can be resumed.
            proceed(fault)?;
            world.admit(&plan)
        }
    };
    if let Err((step, error)) = admitted {
        let keep = plan.spec.on_failure == OnFailure::Keep;
        if !keep {
            tear_down(world, id);
        }
        if let Some(begun) = world.begun.get_mut(id) {
            begun.failure = Some((step, error.diagnosis().clone()));
            if keep {
                begun.phase = Phase::Failed;
            }
        }
        return Err(error);
    }
    create(world, &plan)?;
    // Everything exists when the answer is lost. The phase stays, so that the run can be resumed.
    answer(fault, ())?;
    if let Some(begun) = world.begun.get_mut(id) {
        begun.phase = Phase::Finished;
    }
    provisioned(world, &plan)
}

/// Creates everything that is not there yet.
fn create(world: &mut World, plan: &ProvisionPlan) -> Result<(), Error> {
    let machine = machine_of(plan)?;
    if world.machine(&machine).is_some() {
        return Ok(());
    }
    let group = ResourceId::of_group(plan.subscription, plan.spec.group.name());
    let mut created = Vec::new();
    if let GroupChoice::Create(name) = &plan.spec.group
        && world.groups.insert(name.as_str().to_ascii_lowercase())
    {
        created.push(group.clone());
    }
    let names = &plan.names;
    if plan.spec.security_group.is_none() {
        created.push(group.provider("Microsoft.Network/networkSecurityGroups", &names.security_group)?);
    }
    if matches!(plan.spec.network, NetworkChoice::Create { .. }) {
        created.push(group.provider("Microsoft.Network/virtualNetworks", &names.network)?);
    }
    let address = plan.spec.public_ip.then(|| world.next_address());
    if address.is_some() {
        created.push(group.provider("Microsoft.Network/publicIPAddresses", &names.public_ip)?);
    }
    let ipv6 = address.as_ref().filter(|_| plan.spec.ipv6.is_some()).map(|_| world.next_ipv6());
    if ipv6.is_some() {
        created.push(group.provider("Microsoft.Network/publicIPAddresses", &names.public_ipv6)?);
    }
    created.push(group.provider("Microsoft.Network/networkInterfaces", &names.interface)?);
    created.push(group.provider("Microsoft.Compute/disks", &plan.os_disk(0))?);
    created.push(machine.clone());
    let size = plan.placements.first().map(|placement| placement.size.clone()).unwrap_or_default();
    let summary = MachineSummary::new(machine, &plan.spec.location, size).with_provision(plan.id.clone());
    world.put_machine(summary, Power::Running);
    if let Some(begun) = world.begun.get_mut(&plan.id) {
        begun.created = created;
        begun.address = address;
        begun.ipv6 = ipv6;
    }
    Ok(())
}

/// Deletes what a provisioning created, and nothing else. Returns why its group stays, if it does.
pub(super) fn tear_down(world: &mut World, id: &ProvisionId) -> Option<String> {
    let begun = world.begun.get(id)?;
    let created = begun.created.clone();
    let group = begun.plan.spec.group.name().clone();
    let group_id = ResourceId::of_group(begun.plan.subscription, &group);
    for machine in created.iter().filter(|created| created.after("virtualMachines").is_some()) {
        world.remove_machine(machine);
    }
    let own_group = created.iter().any(|created| created.is(&group_id));
    let in_group =
        |machine: &MachineSummary| machine.id.group().is_some_and(|name| name.eq_ignore_ascii_case(group.as_str()));
    let other = world.machines().find(|machine| in_group(&machine.summary)).map(|machine| machine.summary.name.clone());
    // A group that was there before, or that holds somebody else's machine, is never deleted.
    let kept = match (own_group, other) {
        (true, Some(other)) => Some(format!("the resource group {group} stays: it holds {other}, which is not ours")),
        (true, None) => {
            world.groups.remove(&group.as_str().to_ascii_lowercase());
            None
        }
        _ => None,
    };
    let begun = world.begun.get_mut(id)?;
    begun.created.clear();
    begun.keeps_credential = false;
    begun.phase = Phase::CleanedUp;
    begun.kept.clone_from(&kept);
    kept
}

fn provisioned(world: &World, plan: &ProvisionPlan) -> Result<Provisioned, Error> {
    let placement = plan.placements.first().cloned();
    let placement = placement.ok_or_else(|| Error::new(ErrorKind::Corrupt, "the plan names no placement"))?;
    let (address, ipv6) =
        world.begun.get(&plan.id).map(|begun| (begun.address.clone(), begun.ipv6.clone())).unwrap_or_default();
    let machine =
        Provisioned::new(plan.id.clone(), machine_of(plan)?, &plan.spec.admin, fingerprint_of(plan), placement);
    Ok(machine.with_address(address).with_ipv6(ipv6))
}

fn machine_of(plan: &ProvisionPlan) -> Result<ResourceId, Error> {
    let group = ResourceId::of_group(plan.subscription, plan.spec.group.name());
    group.provider("Microsoft.Compute/virtualMachines", &plan.spec.name)
}

/// The steps of a machine, or of what the machines of a fleet share.
fn steps_of(plan: &ProvisionPlan) -> Vec<Step> {
    match plan.part {
        Part::Foundation => vec![Step::Group, Step::SecurityGroup, Step::Network],
        _ => Step::ALL.into_iter().filter(|step| *step != Step::PublicIpv6 || plan.spec.has_public_ipv6()).collect(),
    }
}

fn steps(begun: &Begun) -> Vec<StepProgress> {
    match begun.phase {
        Phase::Finished => {
            steps_of(&begun.plan).into_iter().map(|step| StepProgress::new(step, StepStatus::Created)).collect()
        }
        Phase::Building => vec![StepProgress::new(Step::Group, StepStatus::Announced)],
        _ => Vec::new(),
    }
}

/// What happened, as far as the fake remembers it.
fn told(begun: &Begun) -> Vec<ProvisionEvent> {
    let mut events = vec![ProvisionEvent::Planned { plan: Box::new(begun.plan.clone()) }];
    match begun.phase {
        Phase::Finished => {
            let steps = steps_of(&begun.plan).into_iter();
            events.extend(steps.map(|step| ProvisionEvent::Completed { step, created: true }));
            events.push(ProvisionEvent::Finished {
                address: begun.address.clone(),
                ipv6: begun.ipv6.clone(),
                fqdn: None,
                warning: None,
            });
        }
        Phase::CleanedUp => {
            events.extend([ProvisionEvent::CleanUpBegun, ProvisionEvent::CleanedUp { kept: begun.kept.clone() }]);
        }
        _ => events.push(ProvisionEvent::Intended { step: Step::Group }),
    }
    events
}

pub(super) fn given_up() -> Error {
    Error::new(ErrorKind::Conflict, "it had been given up, and is cleaned up")
        .with_advice("provision again when it is wanted")
}

pub(super) fn nothing_begun() -> Error {
    Error::new(ErrorKind::NotFound, "nothing was begun under this name")
        .with_effect(Effect::None)
        .with_advice("check the name")
}
