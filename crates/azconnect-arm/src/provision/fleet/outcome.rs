//! What became of a fleet, machine by machine.

use azconnect_core::Error;

use crate::provision::id::ProvisionId;
use crate::provision::outcome::{CleanUp, Provisioned};

/// What became of one machine of a fleet.
#[derive(Debug)]
#[non_exhaustive]
pub struct FleetMachine<T> {
    /// The name of the machine, such as `web-1`.
    pub name: String,
    /// The name of its provisioning, such as `contoso/web-1`: its progress, history and private key are found under it.
    pub id: ProvisionId,
    /// What became of it.
    pub outcome: Result<T, Error>,
}

/// What became of the machines of a fleet whose foundation stands.
#[derive(Debug)]
#[non_exhaustive]
pub struct FleetOutcome {
    /// Each machine that was wanted, in the order of the plan.
    pub machines: Vec<FleetMachine<Provisioned>>,
    /// The names of machines of the fleet that the plan does not name. They are left as they are:
    /// [`Fleet::remove`](super::Fleet::remove) deletes one.
    pub others: Vec<String>,
}

impl FleetOutcome {
    /// The machines that do not run, each with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &Error)> {
        failures(&self.machines)
    }
}

/// What a clean-up of a fleet did.
#[derive(Debug)]
#[non_exhaustive]
pub struct FleetCleanUp {
    /// Each machine that was still there.
    pub machines: Vec<FleetMachine<CleanUp>>,
    /// What became of the foundation. `None`: it stays, since a machine could not be deleted. Clean up again.
    pub foundation: Option<CleanUp>,
}

impl FleetCleanUp {
    /// The machines that are still there, each with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &Error)> {
        failures(&self.machines)
    }
}

fn failures<T>(machines: &[FleetMachine<T>]) -> impl Iterator<Item = (&str, &Error)> {
    machines.iter().filter_map(|machine| Some((machine.name.as_str(), machine.outcome.as_ref().err()?)))
}
