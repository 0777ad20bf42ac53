//! What is recorded of provisionings, as a port.

use async_trait::async_trait;
use azconnect_core::{Error, Secret};

use crate::password::AdminPassword;
use crate::provision::{ProvisionHistoryEntry, ProvisionId, ProvisionProgress, Provisioner, UnfinishedProvision};

/// What is recorded of provisionings: where each stands, which wait to be resumed, and what the machines are signed in to with.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::provisioning` checks:
/// - the history of what was begun begins with its plan;
/// - a provisioning that is neither finished nor cleaned up is listed as unfinished, no other;
/// - a private key is given for a machine that exists, as often as it is asked for, until it is forgotten; before and
///   afterwards it is [`NotFound`](azconnect_core::ErrorKind::NotFound);
/// - to forget it again is a success;
/// - the same holds for the password of a Windows machine, which has no key, as a machine with Linux has no password;
/// - a key or password that another machine of the name had is a [`Conflict`](azconnect_core::ErrorKind::Conflict): what the
///   present one has stays.
#[async_trait]
pub trait ProvisionRecords: Send + Sync {
    /// Where a provisioning stands. [`NotFound`](azconnect_core::ErrorKind::NotFound) if nothing was begun under its name.
    async fn progress(&self, id: &ProvisionId) -> Result<ProvisionProgress, Error>;

    /// Everything that happened in a provisioning, in order. Empty if nothing was begun under its name.
    async fn history(&self, id: &ProvisionId) -> Result<Vec<ProvisionHistoryEntry>, Error>;

    /// The provisionings that are neither finished nor cleaned up.
    async fn unfinished(&self) -> Result<Vec<UnfinishedProvision>, Error>;

    /// The private key of a machine. It stays until [`ProvisionRecords::forget_private_key`]: whoever keeps it elsewhere
    /// first loses nothing in a crash.
    async fn private_key(&self, id: &ProvisionId) -> Result<Secret, Error>;

    /// Destroys the private key of a machine, which is kept elsewhere: the one with this fingerprint and no other.
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) and no effect if the machine has another.
    async fn forget_private_key(&self, id: &ProvisionId, fingerprint: &str) -> Result<(), Error>;

    /// The password of a Windows machine's administrator, with its name. It stays until
    /// [`ProvisionRecords::forget_admin_password`]: whoever keeps it elsewhere first loses nothing in a crash.
    async fn admin_password(&self, id: &ProvisionId) -> Result<AdminPassword, Error>;

    /// Destroys the password of a Windows machine, which is kept elsewhere: the one with this name, [`AdminPassword::id`], and
    /// no other. [`Conflict`](azconnect_core::ErrorKind::Conflict) and no effect if the machine has another.
    async fn forget_admin_password(&self, id: &ProvisionId, password_id: &str) -> Result<(), Error>;
}

#[async_trait]
impl ProvisionRecords for Provisioner {
    async fn progress(&self, id: &ProvisionId) -> Result<ProvisionProgress, Error> {
        Self::progress(self, id).await
    }

    async fn history(&self, id: &ProvisionId) -> Result<Vec<ProvisionHistoryEntry>, Error> {
        Self::history(self, id).await
    }

    async fn unfinished(&self) -> Result<Vec<UnfinishedProvision>, Error> {
        Self::unfinished(self).await
    }

    async fn private_key(&self, id: &ProvisionId) -> Result<Secret, Error> {
        Self::private_key(self, id).await
    }

    async fn forget_private_key(&self, id: &ProvisionId, fingerprint: &str) -> Result<(), Error> {
        Self::forget_private_key(self, id, fingerprint).await
    }

    async fn admin_password(&self, id: &ProvisionId) -> Result<AdminPassword, Error> {
        Self::admin_password(self, id).await
    }

    async fn forget_admin_password(&self, id: &ProvisionId, password_id: &str) -> Result<(), Error> {
        Self::forget_admin_password(self, id, password_id).await
    }
}
