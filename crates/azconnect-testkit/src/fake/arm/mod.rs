//! A subscription in memory, behind the ports of Azure Resource Manager.
//!
//! One [`Subscription`] builds machines, runs them and gives roles. It refuses what the service refuses: what the
//! identity's role does not allow, what a quota has no room for, what does not exist. What is really there can be asked beside
//! the ports.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use azconnect_arm::port::{Machines, Provisioning, StopMode};
//! use azconnect_arm::{GroupChoice, Power, ProvisionId, VmSpec};
//! use azconnect_core::{ErrorKind, ResourceGroupName};
//! use azconnect_testkit::fake::{Access, Subscription};
//!
//! let azure = Subscription::new();
//! let group = GroupChoice::Create(ResourceGroupName::new("rg-web")?);
//! let spec = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse()?, group)?;
//! let plan = azure.plan(ProvisionId::new("contoso/web")?, spec).await?;
//! let machine = azure.run(&plan).await?.machine;
//! azure.stop(&machine, StopMode::Deallocate).await?;
//! assert_eq!(azure.status(&machine).await?.power, Power::Deallocated);
//!
//! azure.set_access(Access::Reader);
//! assert_eq!(azure.start(&machine).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
//! # Ok::<(), azconnect_core::Error>(())
//! # }).unwrap();
//! ```

mod choices;
mod fleet;
mod machines;
mod preflight;
mod provisioning;
mod roles;
mod world;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use azconnect_arm::port::MachineSummary;
use azconnect_arm::{Assignment, Power, ResourceId};
use azconnect_core::SubscriptionId;

pub use self::fleet::Fleet;
use self::world::World;
pub use self::world::{Access, ArmCall};
use super::faults::{Fault, Faults};

/// A subscription in memory. Clones are the same subscription.
#[derive(Clone)]
pub struct Subscription {
    id: SubscriptionId,
    world: Arc<Mutex<World>>,
    faults: Faults<ArmCall>,
}

impl Subscription {
    /// An empty subscription, whose owner calls.
    pub fn new() -> Self {
        let id = SubscriptionId::from(uuid::Uuid::from_u128(0x2000_0000_0000_4000_8000_0000_0000_0001));
        Self { id, world: Arc::default(), faults: Faults::new() }
    }

    /// The subscription's id, the same in every fake.
    pub fn id(&self) -> SubscriptionId {
        self.id
    }

    /// The subscription as the scope of a role.
    pub fn scope(&self) -> ResourceId {
        ResourceId::of_subscription(self.id)
    }

    /// Sets what the caller may do from now on.
    pub fn set_access(&self, access: Access) {
        self.world().access = access;
    }

    /// Sets how many processors machines may have together.
    pub fn set_core_quota(&self, cores: u32) {
        self.world().core_quota = cores;
    }

    /// Sets how many machines there may be.
    pub fn set_machine_quota(&self, machines: u32) {
        self.world().machine_quota = machines;
    }

    /// Sets how many public addresses machines may have together.
    pub fn set_address_quota(&self, addresses: u32) {
        self.world().address_quota = addresses;
    }

    /// Adds a machine that no provisioning created.
    pub fn seed_machine(&self, machine: MachineSummary, power: Power) {
        self.world().put_machine(machine, power);
    }

    /// Adds a resource group that was there before.
    pub fn seed_group(&self, name: &str) {
        self.world().groups.insert(name.to_ascii_lowercase());
    }

    /// Adds a resource group of a region that was there before.
    pub fn seed_group_in(&self, name: &str, region: &str) {
        self.seed_group(name);
        self.world().group_regions.insert(name.to_ascii_lowercase(), region.to_owned());
    }

    /// Closes a size to the subscription in a region, for [`Choices`](azconnect_arm::port::Choices).
    pub fn close_size(&self, region: &str, size: &str) {
        self.world().closed_sizes.push((region.to_ascii_lowercase(), size.to_owned()));
    }

    /// Lets the caller list what is of one resource group only, for [`Choices`](azconnect_arm::port::Choices).
    pub fn limit_lists_to(&self, group: &str) {
        self.world().own_group = Some(group.to_ascii_lowercase());
    }

    /// Makes the next call of a kind fail.
    pub fn script(&self, call: ArmCall, fault: Fault) {
        self.faults.script(call, fault);
    }

    /// The failures that were prescribed, to be healed or made lasting.
    pub fn faults(&self) -> &Faults<ArmCall> {
        &self.faults
    }

    /// The truth: everything that provisionings created and that is still there, by id.
    pub fn live(&self) -> Vec<String> {
        self.world().live()
    }

    /// The truth: whether a machine runs; `None` if it does not exist.
    pub fn power(&self, machine: &ResourceId) -> Option<Power> {
        self.world().machine(machine).map(|machine| machine.power)
    }

    /// The truth: the roles that were given and not taken away.
    pub fn assignments(&self) -> Vec<Assignment> {
        self.world().assignments.clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Subscription {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id).finish_non_exhaustive()
    }
}
