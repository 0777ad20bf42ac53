//! The results of a provisioning and of a clean-up.

use serde::{Deserialize, Serialize};

use super::id::ProvisionId;
use super::plan::Placement;
use crate::resource::ResourceId;

/// The result of a provisioning: a machine that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provisioned {
    /// The name of the provisioning.
    pub id: ProvisionId,
    /// The machine, which [`Subscription::machine`](crate::Subscription::machine) and the port
    /// [`Machines`](crate::port::Machines) work with.
    pub machine: ResourceId,
    /// The public address, such as `203.0.113.7`, if the machine has one.
    pub address: Option<String>,
    /// The public address of IPv6, if the machine has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<String>,
    /// The name of the public address, such as `web.westeurope.cloudapp.azure.com`, if it was given a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<String>,
    /// The name of the administrator, who signs in with the private key.
    pub admin: String,
    /// The fingerprint of the administrator's public key, such as `SHA256:…`; empty for a Windows machine, which has a password.
    pub fingerprint: String,
    /// The size and zone that it was built with.
    pub placement: Placement,
    /// A sentence on what went wrong without making it fail, if anything did.
    pub warning: Option<String>,
}

impl Provisioned {
    /// The result for a machine without a public address and without a warning.
    pub fn new(
        id: ProvisionId,
        machine: ResourceId,
        admin: impl Into<String>,
        fingerprint: impl Into<String>,
        placement: Placement,
    ) -> Self {
        let (admin, fingerprint) = (admin.into(), fingerprint.into());
        Self { id, machine, address: None, ipv6: None, fqdn: None, admin, fingerprint, placement, warning: None }
    }

    /// Sets the public address.
    #[must_use]
    pub fn with_address(mut self, address: Option<String>) -> Self {
        self.address = address;
        self
    }

    /// Sets the public address of IPv6.
    #[must_use]
    pub fn with_ipv6(mut self, ipv6: Option<String>) -> Self {
        self.ipv6 = ipv6;
        self
    }

    /// Sets the name of the public address.
    #[must_use]
    pub fn with_fqdn(mut self, fqdn: Option<String>) -> Self {
        self.fqdn = fqdn;
        self
    }

    /// Sets the sentence on what went wrong without making it fail.
    #[must_use]
    pub fn with_warning(mut self, warning: Option<String>) -> Self {
        self.warning = warning;
        self
    }
}

/// The result of a clean-up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CleanUp {
    /// A sentence on what stays and why; `None` if everything that was created is gone.
    pub kept: Option<String>,
}

impl CleanUp {
    /// The result of a clean-up that left nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the sentence on what stays and why.
    #[must_use]
    pub fn with_kept(mut self, kept: Option<String>) -> Self {
        self.kept = kept;
        self
    }
}
