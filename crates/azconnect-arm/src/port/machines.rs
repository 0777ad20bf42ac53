//! The machines of a subscription, as a port.

use async_trait::async_trait;
use azconnect_core::Error;
use serde::{Deserialize, Serialize};

use crate::client::Subscription;
use crate::provision::ProvisionId;
use crate::resource::OWNER_TAG;
use crate::resource::compute::{Power, VirtualMachine};
use crate::resource::{ResourceId, Tagged};

/// A machine as a list of machines shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MachineSummary {
    /// The resource id, by which the other methods of the port address the machine.
    pub id: ResourceId,
    /// The name within its resource group.
    pub name: String,
    /// The region, such as `westeurope`.
    pub location: String,
    /// The size, such as `Standard_B2s`.
    pub size: String,
    /// The availability zone, such as `1`, if it is in one.
    pub zone: Option<String>,
    /// The provisioning that created it, if one did.
    pub provision: Option<ProvisionId>,
}

impl MachineSummary {
    /// A machine of a size in a region, outside zones, which no provisioning created.
    pub fn new(id: ResourceId, location: impl Into<String>, size: impl Into<String>) -> Self {
        let name = id.name().to_owned();
        Self { id, name, location: location.into(), size: size.into(), zone: None, provision: None }
    }

    /// Sets the availability zone.
    #[must_use]
    pub fn with_zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// Sets the provisioning that created it.
    #[must_use]
    pub fn with_provision(mut self, provision: ProvisionId) -> Self {
        self.provision = Some(provision);
        self
    }

    fn of_view(view: &VirtualMachine) -> Result<Self, Error> {
        Ok(Self {
            id: ResourceId::parse(&view.id)?,
            name: view.name.clone(),
            location: view.location.clone(),
            size: view.properties.hardware_profile.vm_size.clone(),
            zone: view.zones.first().cloned(),
            // A tag that no provisioning could have written is somebody else's.
            provision: view.tag(OWNER_TAG).and_then(|id| ProvisionId::new(id).ok()),
        })
    }
}

/// The current state of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MachineStatus {
    /// The power state, such as running or deallocated.
    pub power: Power,
    /// How its last change ended, in the service's word: `succeeded`, `updating`, `failed/AllocationFailed`, ….
    pub provisioning_state: Option<String>,
}

impl MachineStatus {
    /// The status of a machine of which only the power state is known.
    pub fn new(power: Power) -> Self {
        Self { power, provisioning_state: None }
    }

    /// Sets how its last change ended.
    #[must_use]
    pub fn with_provisioning_state(mut self, state: impl Into<String>) -> Self {
        self.provisioning_state = Some(state.into());
        self
    }
}

/// How a machine is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopMode {
    /// It is switched off and keeps its processors, which are still paid for.
    PowerOff,
    /// It is switched off and gives its processors back. A later start may find no capacity.
    Deallocate,
}

/// The machines of one subscription: found, started, stopped and deleted. Every change returns when it is complete.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::machines` checks:
/// - reading changes nothing;
/// - `start` of what runs and `stop` of what is stopped succeed, so every call but `restart` may be repeated;
/// - a machine that does not exist is [`NotFound`](azconnect_core::ErrorKind::NotFound), but deleting it succeeds;
/// - an id that is not that of a machine in this subscription is
///   [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput), before any request;
/// - what the identity may not do is [`PermissionDenied`](azconnect_core::ErrorKind::PermissionDenied) and changes nothing;
/// - of all these refusals the effect is `None`.
#[async_trait]
pub trait Machines: Send + Sync {
    /// The machines that the identity can see. Lists lag: a machine created or deleted a moment ago may be missing or still
    /// be shown.
    async fn list(&self) -> Result<Vec<MachineSummary>, Error>;

    /// Reads the power state of a machine.
    async fn status(&self, machine: &ResourceId) -> Result<MachineStatus, Error>;

    /// Starts a machine, and returns when it runs. Idempotent.
    async fn start(&self, machine: &ResourceId) -> Result<(), Error>;

    /// Stops a machine in one of two modes, and returns when it is off. Idempotent.
    async fn stop(&self, machine: &ResourceId, mode: StopMode) -> Result<(), Error>;

    /// Restarts a machine. One that does not run is a [`Conflict`](azconnect_core::ErrorKind::Conflict). After a lost answer
    /// the effect is unknown, and a repetition may restart it twice.
    async fn restart(&self, machine: &ResourceId) -> Result<(), Error>;

    /// Deletes a machine, and what the service deletes with it. Whoever provisioned it uses
    /// [`Provisioning::clean_up`](crate::port::Provisioning::clean_up), which deletes everything that was created for it.
    async fn delete(&self, machine: &ResourceId) -> Result<(), Error>;
}

#[async_trait]
impl Machines for Subscription {
    async fn list(&self) -> Result<Vec<MachineSummary>, Error> {
        self.virtual_machines().await?.iter().map(MachineSummary::of_view).collect()
    }

    async fn status(&self, machine: &ResourceId) -> Result<MachineStatus, Error> {
        let view = self.machine(machine)?.instance_view().await?;
        let state = view.statuses.iter().find_map(|status| status.code.strip_prefix("ProvisioningState/"));
        Ok(MachineStatus { power: view.power(), provisioning_state: state.map(str::to_owned) })
    }

    async fn start(&self, machine: &ResourceId) -> Result<(), Error> {
        self.machine(machine)?.start().await?.wait().await
    }

    async fn stop(&self, machine: &ResourceId, mode: StopMode) -> Result<(), Error> {
        let machine = self.machine(machine)?;
        match mode {
            StopMode::PowerOff => machine.power_off().await?.wait().await,
            StopMode::Deallocate => machine.deallocate().await?.wait().await,
        }
    }

    async fn restart(&self, machine: &ResourceId) -> Result<(), Error> {
        self.machine(machine)?.restart().await?.wait().await
    }

    async fn delete(&self, machine: &ResourceId) -> Result<(), Error> {
        self.machine(machine)?.delete().await?.wait().await
    }
}
