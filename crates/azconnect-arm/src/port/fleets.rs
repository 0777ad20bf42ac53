//! Several machines that share a network, as a port.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_credential::CheckReport;

use crate::preflight::preflight_fleet;
use crate::provision::{
    CleanUp, Fleet, FleetCleanUp, FleetMachine, FleetOutcome, FleetPlan, ProvisionId, ProvisionProgress,
};
use crate::spec::FleetSpec;

/// Builds several machines that share a resource group, a network and a security group, and deletes them with what they share.
/// Each machine is an ordinary provisioning, `FLEET/MACHINE`, of which [`ProvisionRecords`](super::ProvisionRecords) gives
/// progress, history and private key or password.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::fleets` checks:
/// - `preflight` and `plan` create nothing; the same name and specification give the same plan; a quota that has no room for all
///   machines fails the preflight, though one would fit;
/// - a specification that the service would refuse is [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with its
///   field, before any effect;
/// - `run` tells each machine by its name, in the order of the plan; one that fails loses no other, and is built when `run` or a
///   plan with it comes again; no machine is built twice;
/// - a fleet grows by plans with more machines; what a plan does not name stays, and is told in
///   [`FleetOutcome::others`]; only `remove` deletes one, by its name, and an unknown name deletes nothing;
/// - another foundation under a name that is in use is a [`Conflict`](azconnect_core::ErrorKind::Conflict), and so is, with the
///   field `machine_name`, a machine whose name is in use: what stands, stays;
/// - a fleet is no machine to [`Provisioning`](super::Provisioning), and a machine no fleet:
///   [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) without effect;
/// - while the outcome of a machine is unknown it is not deleted, and `resume` goes on with it;
/// - `clean_up` deletes the machines, then what they share, and nothing else; it may be repeated;
/// - resuming, removing from or cleaning up what was never begun is [`NotFound`](azconnect_core::ErrorKind::NotFound) without
///   effect.
///
/// # Cancel safety
/// Every future may be dropped: `resume` goes on from there, and `clean_up` deletes what was created.
#[async_trait]
pub trait Fleets: Send + Sync {
    /// Checks everything that could stand in the way of all machines together. What the identity may not read is unknown, not
    /// failed.
    async fn preflight(&self, spec: &FleetSpec) -> CheckReport;

    /// Chooses the names, placements and image versions of the machines, and creates nothing.
    async fn plan(&self, id: ProvisionId, spec: FleetSpec) -> Result<FleetPlan, Error>;

    /// Builds what the machines share, then the machines. Those that run already are returned as they are.
    async fn run(&self, plan: &FleetPlan) -> Result<FleetOutcome, Error>;

    /// Goes on with a fleet that was begun, with all of its machines.
    async fn resume(&self, id: &ProvisionId) -> Result<FleetOutcome, Error>;

    /// Where each machine of a fleet stands, those that were removed aside. Empty if nothing was begun under its name.
    async fn machines(&self, id: &ProvisionId) -> Result<Vec<ProvisionProgress>, Error>;

    /// Deletes machines of a fleet by their names, with everything that is theirs alone.
    async fn remove(&self, id: &ProvisionId, names: &[&str]) -> Result<Vec<FleetMachine<CleanUp>>, Error>;

    /// Deletes every machine of a fleet, then what they share. As long as a machine cannot be deleted, that stays.
    async fn clean_up(&self, id: &ProvisionId) -> Result<FleetCleanUp, Error>;
}

#[async_trait]
impl Fleets for Fleet {
    async fn preflight(&self, spec: &FleetSpec) -> CheckReport {
        preflight_fleet(self.subscription(), spec).await
    }

    async fn plan(&self, id: ProvisionId, spec: FleetSpec) -> Result<FleetPlan, Error> {
        Self::plan(self, id, spec).await
    }

    async fn run(&self, plan: &FleetPlan) -> Result<FleetOutcome, Error> {
        Self::run(self, plan).await
    }

    async fn resume(&self, id: &ProvisionId) -> Result<FleetOutcome, Error> {
        Self::resume(self, id).await
    }

    async fn machines(&self, id: &ProvisionId) -> Result<Vec<ProvisionProgress>, Error> {
        Self::machines(self, id).await
    }

    async fn remove(&self, id: &ProvisionId, names: &[&str]) -> Result<Vec<FleetMachine<CleanUp>>, Error> {
        Self::remove(self, id, names).await
    }

    async fn clean_up(&self, id: &ProvisionId) -> Result<FleetCleanUp, Error> {
        Self::clean_up(self, id).await
    }
}
