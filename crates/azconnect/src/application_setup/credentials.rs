//! The secrets of applications that are set up: minted at Graph, proven at the token endpoint.

use std::sync::Arc;

use azconnect_core::{ClientId, Error};
use azconnect_credential::{CredentialIssuer, CredentialVerifier};
use azconnect_graph::GraphIssuer;
use azconnect_setup::port::Credentials;

use crate::principal::Identity;

pub(super) struct TenantCredentials(Identity);

impl TenantCredentials {
    pub(super) fn new(operator: Identity) -> Self {
        Self(operator)
    }
}

impl Credentials for TenantCredentials {
    fn issuer(&self, application: ClientId) -> Result<Arc<dyn CredentialIssuer>, Error> {
        Ok(Arc::new(GraphIssuer::new(self.0.graph(), application)?))
    }

    fn verifier(&self, application: ClientId) -> Arc<dyn CredentialVerifier> {
        Arc::new(self.0.azure.verifier(self.0.tenant(), application))
    }
}
