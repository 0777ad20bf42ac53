//! Setups at Microsoft's services: the ports of `azconnect-setup` over the clients of Graph and Resource Manager.

mod arm;
mod credentials;
mod directory;
mod grants;
mod registry;

use std::sync::Arc;

use azconnect_saga::SessionPorts;
use azconnect_setup::{ApplicationSetup, Setup, SetupPorts};

use crate::principal::Identity;
use crate::storage::Storage;

impl Identity {
    /// Sets applications up in its tenant, in its name, with a journal and sealed secrets in a storage: application, service
    /// principal, credential, group, role and consent, resumable, and with the way back.
    ///
    /// It needs `Application.ReadWrite.OwnedBy` of Microsoft Graph, and Owner or User Access Administrator where it gives a
    /// role; what it lacks is named. [`azconnect_setup::SetupGuide`] tells a person how to do the same without those rights.
    pub fn application_setup(&self, storage: &Storage) -> ApplicationSetup {
        let clock = self.azure.pipeline().clock().clone();
        let session = SessionPorts::new(storage.journal(), storage.lease(), clock);
        ApplicationSetup::new(SetupPorts::new(
            session,
            storage.secrets(),
            Arc::new(registry::TenantRegistry::new(self)),
            Arc::new(grants::TenantGrants::new(self)),
            Arc::new(credentials::TenantCredentials::new(self.clone())),
        ))
    }

    /// Sets applications up and takes them back: an [`application_setup`](Self::application_setup) behind its port.
    pub fn setup(&self, storage: &Storage) -> Arc<dyn Setup> {
        Arc::new(self.application_setup(storage))
    }
}
