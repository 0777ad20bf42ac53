//! What is in the subscription, and what the service refuses.

use std::collections::{BTreeMap, BTreeSet};

use azconnect_arm::port::MachineSummary;
use azconnect_arm::{Assignment, GroupChoice, Phase, Power, ProvisionId, ProvisionPlan, ResourceId, Step};
use azconnect_core::{Diagnosis, Effect, Error, ErrorKind};

/// What the caller may do, in the whole subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Access {
    /// It may read, and nothing else, as Azure's role *Reader*.
    Reader,
    /// It may do everything but give roles, as Azure's role *Contributor*.
    Contributor,
    /// It may do everything, as Azure's role *Owner*.
    #[default]
    Owner,
}

/// A call of one of the ports, for faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArmCall {
    /// A call of `Provisioning::plan` or `Fleets::plan`.
    Plan,
    /// A call of `Provisioning::run`, or the same for one machine of a fleet.
    Run,
    /// A call of `Provisioning::resume`, or the same for one machine of a fleet.
    Resume,
    /// A call of `Provisioning::clean_up`, or the same for one machine of a fleet.
    CleanUp,
    /// The building of what the machines of a fleet share.
    Foundation,
    /// A call of any method of `ProvisionRecords`, or of `Fleets::machines`.
    Records,
    /// A call of `Machines::list`.
    ListMachines,
    /// A call of `Machines::status`.
    Status,
    /// A call of `Machines::start`.
    Start,
    /// A call of `Machines::stop`.
    Stop,
    /// A call of `Machines::restart`.
    Restart,
    /// A call of `Machines::delete`.
    Delete,
    /// A call of `Roles::assign`.
    Assign,
    /// A call of `Roles::list`.
    ListRoles,
    /// A call of `Roles::remove`.
    Remove,
    /// A call of any method of `Choices`.
    Choices,
}

/// The sizes there are, with their processors and their memory in GiB.
pub(super) const SIZES: [(&str, u32, u64); 4] =
    [("Standard_B2s", 2, 4), ("Standard_B2ms", 2, 8), ("Standard_D2s_v5", 2, 8), ("Standard_D4s_v5", 4, 16)];

pub(super) struct Machine {
    pub(super) summary: MachineSummary,
    pub(super) power: Power,
}

/// A provisioning that was begun.
pub(super) struct Begun {
    /// Its number among all that were ever begun.
    pub(super) number: u32,
    pub(super) plan: ProvisionPlan,
    pub(super) phase: Phase,
    pub(super) failure: Option<(Step, Diagnosis)>,
    /// What it created and what is still there.
    pub(super) created: Vec<ResourceId>,
    pub(super) address: Option<String>,
    pub(super) ipv6: Option<String>,
    /// Whether the key or password of its machine was not forgotten yet.
    pub(super) keeps_credential: bool,
    pub(super) kept: Option<String>,
}

pub(super) struct World {
    pub(super) access: Access,
    pub(super) core_quota: u32,
    pub(super) machine_quota: u32,
    pub(super) address_quota: u32,
    /// The machines that stand on a foundation, by the name of the fleet.
    pub(super) members: BTreeMap<ProvisionId, BTreeMap<ProvisionId, ProvisionPlan>>,
    pub(super) groups: BTreeSet<String>,
    /// The regions of groups that are elsewhere than in `westeurope`.
    pub(super) group_regions: BTreeMap<String, String>,
    /// The only group that the caller works in; `None` where it works in the whole subscription.
    pub(super) own_group: Option<String>,
    /// The sizes that are closed in a region, each with its region.
    pub(super) closed_sizes: Vec<(String, String)>,
    pub(super) begun: BTreeMap<ProvisionId, Begun>,
    pub(super) assignments: Vec<Assignment>,
    machines: BTreeMap<String, Machine>,
    addresses: u8,
    ever_begun: u32,
}

impl Default for World {
    fn default() -> Self {
        Self {
            access: Access::default(),
            core_quota: 20,
            machine_quota: 25_000,
            address_quota: 1000,
            members: BTreeMap::new(),
            groups: BTreeSet::new(),
            group_regions: BTreeMap::new(),
            own_group: None,
            closed_sizes: Vec::new(),
            begun: BTreeMap::new(),
            assignments: Vec::new(),
            machines: BTreeMap::new(),
            addresses: 0,
            ever_begun: 0,
        }
    }
}

impl World {
    /// Refuses what the caller's role does not allow.
    pub(super) fn require(&self, access: Access, action: &str) -> Result<(), Error> {
        if self.access >= access {
            return Ok(());
        }
        Err(Error::new(ErrorKind::PermissionDenied, "the identity may not do this")
            .with_effect(Effect::None)
            .with_service_code("AuthorizationFailed")
            .with_http_status(403)
            .with_advice(format!("have a role given that allows {action}")))
    }

    pub(super) fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.machines.values()
    }

    pub(super) fn machine(&self, id: &ResourceId) -> Option<&Machine> {
        self.machines.get(&key(id))
    }

    pub(super) fn put_machine(&mut self, summary: MachineSummary, power: Power) {
        self.machines.insert(key(&summary.id), Machine { summary, power });
    }

    pub(super) fn set_power(&mut self, id: &ResourceId, power: Power) {
        if let Some(machine) = self.machines.get_mut(&key(id)) {
            machine.power = power;
        }
    }

    /// Deletes a machine with its interface, address and disk, as `deleteOption` says.
    pub(super) fn remove_machine(&mut self, id: &ResourceId) {
        self.machines.remove(&key(id));
        for begun in self.begun.values_mut().filter(|begun| begun.created.iter().any(|created| created.is(id))) {
            begun.created.retain(|created| {
                let with_it = ["networkInterfaces", "publicIPAddresses", "disks"];
                !created.is(id) && !with_it.iter().any(|kind| created.after(kind).is_some())
            });
        }
    }

    /// Refuses a machine that the service would refuse.
    pub(super) fn admit(&self, plan: &ProvisionPlan) -> Result<(), (Step, Error)> {
        self.admit_group(plan)?;
        let refused = |step: Step, message: String, advice: &str| {
            let error = Error::new(ErrorKind::Conflict, message).with_effect(Effect::None).with_http_status(409);
            Err((step, error.with_advice(advice)))
        };
        if self.stranger_named(plan.spec.group.name().as_str(), &plan.spec.name, Some(&plan.id)).is_some() {
            let message = format!("a machine {} exists already", plan.spec.name);
            return refused(Step::Machine, message, "choose another name: what others created is never changed");
        }
        if plan.spec.dns_label.as_ref().is_some_and(|label| self.has_label(label, Some(&plan.id))) {
            let message = "the label of the public address is taken".to_owned();
            return refused(Step::PublicIp, message, "choose another label");
        }
        if plan.spec.public_ip && self.addresses_left() < 1 {
            let message = "the quota of public addresses is used up".to_owned();
            return refused(Step::PublicIp, message, "have the quota raised, or delete some");
        }
        if self.machines_left() < 1 {
            let message = "the quota of machines is used up".to_owned();
            return refused(Step::Machine, message, "have the quota raised, or delete some");
        }
        // A size that is not offered fits into no quota.
        let wanted = cores(&plan.spec.sizes).unwrap_or(u32::MAX);
        if self.cores_left() < wanted {
            let error = Error::new(ErrorKind::Conflict, "the quota of processor cores is used up")
                .with_effect(Effect::None)
                .with_service_code("OperationNotAllowed")
                .with_http_status(409)
                .with_advice("choose another size or region, or have the quota raised");
            return Err((Step::Machine, error));
        }
        Ok(())
    }

    /// Refuses a group that the service would refuse, or that is not there.
    pub(super) fn admit_group(&self, plan: &ProvisionPlan) -> Result<(), (Step, Error)> {
        let write = self.require(Access::Contributor, "Microsoft.Resources/subscriptions/resourceGroups/write");
        write.map_err(|error| (Step::Group, error))?;
        let group = plan.spec.group.name();
        if matches!(plan.spec.group, GroupChoice::Existing(_)) && !self.has_group(group.as_str()) {
            let error = Error::new(ErrorKind::NotFound, format!("the resource group {group} does not exist"))
                .with_effect(Effect::None)
                .with_advice("check its name, or have it created");
            return Err((Step::Group, error));
        }
        Ok(())
    }

    /// A machine of a name in a group that the provisioning did not create.
    pub(super) fn stranger_named(&self, group: &str, name: &str, own: Option<&ProvisionId>) -> Option<&Machine> {
        let created = own.and_then(|own| self.begun.get(own)).map(|begun| begun.created.as_slice()).unwrap_or_default();
        self.machines.values().find(|machine| {
            let id = &machine.summary.id;
            id.name().eq_ignore_ascii_case(name)
                && id.group().is_some_and(|known| known.eq_ignore_ascii_case(group))
                && !created.iter().any(|own| own.is(id))
        })
    }

    /// Whether another provisioning has a label.
    pub(super) fn has_label(&self, label: &str, own: Option<&ProvisionId>) -> bool {
        let has = |begun: &Begun| begun.address.is_some() && begun.plan.spec.dns_label.as_deref() == Some(label);
        self.begun.iter().any(|(id, begun)| Some(id) != own && has(begun))
    }

    pub(super) fn machines_left(&self) -> u32 {
        self.machine_quota.saturating_sub(u32::try_from(self.machines.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn addresses_left(&self) -> u32 {
        let addresses = self.begun.values().flat_map(|begun| &begun.created);
        let used = addresses.filter(|created| created.after("publicIPAddresses").is_some()).count();
        self.address_quota.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
    }

    /// The plans of the machines of a fleet that may still be there.
    pub(super) fn standing(&self, fleet: &ProvisionId) -> Vec<ProvisionPlan> {
        self.members.get(fleet).map(|members| members.values().cloned().collect()).unwrap_or_default()
    }

    /// How many processors are still free under the quota.
    pub(super) fn cores_left(&self) -> u32 {
        let used = self.machines.values().filter_map(|machine| cores(std::slice::from_ref(&machine.summary.size)));
        self.core_quota.saturating_sub(used.sum())
    }

    pub(super) fn has_group(&self, name: &str) -> bool {
        self.groups.contains(&name.to_ascii_lowercase())
    }

    pub(super) fn next_address(&mut self) -> String {
        self.addresses = self.addresses.wrapping_add(1);
        format!("203.0.113.{}", self.addresses)
    }

    pub(super) fn next_ipv6(&mut self) -> String {
        self.addresses = self.addresses.wrapping_add(1);
        format!("2001:db8::{:x}", self.addresses)
    }

    pub(super) fn next_number(&mut self) -> u32 {
        self.ever_begun = self.ever_begun.wrapping_add(1);
        self.ever_begun
    }

    pub(super) fn live(&self) -> Vec<String> {
        let created = self.begun.values().flat_map(|begun| &begun.created);
        created.map(ToString::to_string).collect()
    }
}

/// The processors of the first of some sizes that exists.
pub(super) fn cores(sizes: &[String]) -> Option<u32> {
    let known = |size: &String| SIZES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(size));
    sizes.iter().find_map(known).map(|(_, cores, _)| *cores)
}

/// Ids are compared without regard to case.
fn key(id: &ResourceId) -> String {
    id.as_str().to_ascii_lowercase()
}
