//! Machines that are not in Azure: the company's own rack, behind the same port.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect::arm::port::{MachineStatus, MachineSummary, Machines, StopMode};
use azconnect::arm::{Power, ResourceId};
use azconnect::core::{Effect, Error, ErrorKind};

/// Which of the rack's machines has power, by its id.
pub struct Rack(Mutex<BTreeMap<String, bool>>);

impl Rack {
    /// Two machines, of which one runs.
    pub fn with_two_machines() -> Result<Self, Error> {
        let machines = [("db-1", true), ("db-2", false)].map(|(name, on)| (id(name), on));
        Ok(Self(Mutex::new(machines.into())))
    }

    fn machines(&self) -> MutexGuard<'_, BTreeMap<String, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, machine: &ResourceId, on: bool) -> Result<(), Error> {
        *self.machines().get_mut(machine.as_str()).ok_or_else(unknown)? = on;
        Ok(())
    }
}

/// The port's addresses have Azure's form; the rack gives its machines ids of that form, in a subscription of its own.
fn id(name: &str) -> String {
    format!(
        "/subscriptions/00000000-0000-4000-8000-00000000cafe/resourceGroups/rack/providers/Microsoft.Compute/virtualMachines/{name}"
    )
}

fn unknown() -> Error {
    Error::new(ErrorKind::NotFound, "the rack has no such machine").with_effect(Effect::None)
}

#[async_trait]
impl Machines for Rack {
    async fn list(&self) -> Result<Vec<MachineSummary>, Error> {
        let ids: Vec<String> = self.machines().keys().cloned().collect();
        ids.iter().map(|id| Ok(MachineSummary::new(ResourceId::parse(id)?, "cellar", "2U"))).collect()
    }

    async fn status(&self, machine: &ResourceId) -> Result<MachineStatus, Error> {
        let on = *self.machines().get(machine.as_str()).ok_or_else(unknown)?;
        Ok(MachineStatus::new(if on { Power::Running } else { Power::Stopped }))
    }

    async fn start(&self, machine: &ResourceId) -> Result<(), Error> {
        self.set(machine, true)
    }

    async fn stop(&self, machine: &ResourceId, _: StopMode) -> Result<(), Error> {
        self.set(machine, false)
    }

    async fn restart(&self, machine: &ResourceId) -> Result<(), Error> {
        self.set(machine, true)
    }

    async fn delete(&self, machine: &ResourceId) -> Result<(), Error> {
        // Deleting what is not there succeeds, as the port says.
        self.machines().remove(machine.as_str());
        Ok(())
    }
}
