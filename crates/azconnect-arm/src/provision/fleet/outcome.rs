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

impl<T> FleetMachine<T> {
    /// What became of the machine of a name, which is provisioned under an id.
    pub fn new(name: impl Into<String>, id: ProvisionId, outcome: Result<T, Error>) -> Self {
        Self { name: name.into(), id, outcome }
    }
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
    /// The outcome of machines beside which the fleet has no others.
    pub fn new(machines: Vec<FleetMachine<Provisioned>>) -> Self {
        Self { machines, others: Vec::new() }
    }

    /// Sets the names of the machines that the plan does not name.
    #[must_use]
    pub fn with_others(mut self, names: Vec<String>) -> Self {
        self.others = names;
        self
    }

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
    /// The outcome of the machines and of the foundation; `None` for one that stays, since a machine could not be deleted.
    pub fn new(machines: Vec<FleetMachine<CleanUp>>, foundation: Option<CleanUp>) -> Self {
        Self { machines, foundation }
    }

    /// The machines that are still there, each with the reason.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &Error)> {
        failures(&self.machines)
    }
}

fn failures<T>(machines: &[FleetMachine<T>]) -> impl Iterator<Item = (&str, &Error)> {
    machines.iter().filter_map(|machine| Some((machine.name.as_str(), machine.outcome.as_ref().err()?)))
}
