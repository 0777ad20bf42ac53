//! Machines built to a specification, as a port.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_credential::CheckReport;

use crate::preflight::preflight;
use crate::provision::{CleanUp, ProvisionId, ProvisionPlan, Provisioned, Provisioner};
use crate::spec::VmSpec;

/// Builds machines, and deletes them with everything that was created for them.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::provisioning` checks:
/// - `preflight` and `plan` create nothing; the same name and specification give the same plan;
/// - a specification that the service would refuse is [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with its
///   field, before any effect;
/// - `run` is durable: run again, or resumed, it goes on where it stopped, and never builds a second machine;
/// - another specification under a name that is in use is a [`Conflict`](azconnect_core::ErrorKind::Conflict), and the
///   machine stays;
/// - a definitive refusal leaves nothing behind; while the outcome of a step is unknown, nothing is deleted, and the
///   provisioning can be resumed or cleaned up;
/// - `clean_up` deletes what was created and nothing else, and may be repeated;
/// - resuming or cleaning up what was never begun is [`NotFound`](azconnect_core::ErrorKind::NotFound) without effect.
///
/// # Cancel safety
/// Every future may be dropped: `resume` goes on from there, and `clean_up` deletes what was created.
#[async_trait]
pub trait Provisioning: Send + Sync {
    /// Checks everything that could stand in the way of a machine. What the identity may not read is unknown, not
    /// failed.
    async fn preflight(&self, spec: &VmSpec) -> CheckReport;

    /// Chooses the names, placements and image version of a machine, and creates nothing.
    async fn plan(&self, id: ProvisionId, spec: VmSpec) -> Result<ProvisionPlan, Error>;

    /// Builds the machine. One that runs already is returned as it is.
    async fn run(&self, plan: &ProvisionPlan) -> Result<Provisioned, Error>;

    /// Goes on with a provisioning that was begun.
    async fn resume(&self, id: &ProvisionId) -> Result<Provisioned, Error>;

    /// Deletes what a provisioning created, the machine and its private key included.
    async fn clean_up(&self, id: &ProvisionId) -> Result<CleanUp, Error>;
}

#[async_trait]
impl Provisioning for Provisioner {
    async fn preflight(&self, spec: &VmSpec) -> CheckReport {
        preflight(self.subscription(), spec).await
    }

    async fn plan(&self, id: ProvisionId, spec: VmSpec) -> Result<ProvisionPlan, Error> {
        Self::plan(self, id, spec).await
    }

    async fn run(&self, plan: &ProvisionPlan) -> Result<Provisioned, Error> {
        Self::run(self, plan).await
    }

    async fn resume(&self, id: &ProvisionId) -> Result<Provisioned, Error> {
        Self::resume(self, id).await
    }

    async fn clean_up(&self, id: &ProvisionId) -> Result<CleanUp, Error> {
        Self::clean_up(self, id).await
    }
}
