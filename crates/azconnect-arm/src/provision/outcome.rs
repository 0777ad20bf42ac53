//! What a provisioning and a clean-up come to.

use serde::{Deserialize, Serialize};

use super::id::ProvisionId;
use super::plan::Placement;
use crate::resource::ResourceId;

/// A machine that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provisioned {
    /// The provisioning.
    pub id: ProvisionId,
    /// The machine, which [`Subscription::machine`](crate::Subscription::machine) and the port
    /// [`Machines`](crate::port::Machines) work with.
    pub machine: ResourceId,
    /// Its public address, if it has one.
    pub address: Option<String>,
    /// The name of its administrator.
    pub admin: String,
    /// The fingerprint of its public key.
    pub fingerprint: String,
    /// Its size and zone.
    pub placement: Placement,
    /// What did not go as it should, without being a failure.
    pub warning: Option<String>,
}

impl Provisioned {
    /// A machine without a public address.
    pub fn new(
        id: ProvisionId,
        machine: ResourceId,
        admin: impl Into<String>,
        fingerprint: impl Into<String>,
        placement: Placement,
    ) -> Self {
        let (admin, fingerprint) = (admin.into(), fingerprint.into());
        Self { id, machine, address: None, admin, fingerprint, placement, warning: None }
    }

    /// Sets its public address.
    #[must_use]
    pub fn with_address(mut self, address: Option<String>) -> Self {
        self.address = address;
        self
    }

    /// Sets what did not go as it should.
    #[must_use]
    pub fn with_warning(mut self, warning: Option<String>) -> Self {
        self.warning = warning;
        self
    }
}

/// What a clean-up came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CleanUp {
    /// What stays, and why.
    pub kept: Option<String>,
}

impl CleanUp {
    /// Everything that was created is gone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what stays, and why.
    #[must_use]
    pub fn with_kept(mut self, kept: Option<String>) -> Self {
        self.kept = kept;
        self
    }
}
