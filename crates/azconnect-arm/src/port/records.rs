//! What is recorded of provisionings, as a port.

use async_trait::async_trait;
use azconnect_core::{Error, Secret};

use crate::provision::{ProvisionId, ProvisionProgress, Provisioner};

/// What is recorded of provisionings: where each stands, which wait to be resumed, and the private keys.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::provisioning` checks:
/// - a provisioning that is neither finished nor cleaned up is listed as unfinished, no other;
/// - a private key is handed over once, and only for a machine that runs; afterwards it is
///   [`NotFound`](azconnect_core::ErrorKind::NotFound).
#[async_trait]
pub trait ProvisionRecords: Send + Sync {
    /// Where a provisioning stands. [`NotFound`](azconnect_core::ErrorKind::NotFound) if nothing was begun under its name.
    async fn progress(&self, id: &ProvisionId) -> Result<ProvisionProgress, Error>;

    /// The provisionings that are neither finished nor cleaned up.
    async fn unfinished(&self) -> Result<Vec<ProvisionId>, Error>;

    /// Hands over the private key of a machine that runs, and forgets it.
    async fn take_private_key(&self, id: &ProvisionId) -> Result<Secret, Error>;
}

#[async_trait]
impl ProvisionRecords for Provisioner {
    async fn progress(&self, id: &ProvisionId) -> Result<ProvisionProgress, Error> {
        Self::progress(self, id).await
    }

    async fn unfinished(&self) -> Result<Vec<ProvisionId>, Error> {
        Self::unfinished(self).await
    }

    async fn take_private_key(&self, id: &ProvisionId) -> Result<Secret, Error> {
        Self::take_private_key(self, id).await
    }
}
