//! The services of one cloud, over one transport.

use std::sync::Arc;

use azconnect_core::{ClientId, Clock, Cloud, Error, RetryPolicy, Secret, TenantId};
use azconnect_http::{Pipeline, Transport};
use azconnect_identity::{ClientSecretSource, SecretVerifier, TokenEndpoint};

use crate::identity::Identity;

/// The services of one cloud, over one transport. Cheap to clone.
#[derive(Clone)]
pub struct Azure {
    cloud: Cloud,
    pipeline: Pipeline,
}

impl Azure {
    /// A cloud's services, reached over a transport. Nothing is sent.
    pub fn new(cloud: Cloud, transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Self {
        Self { cloud, pipeline: Pipeline::new(transport, clock) }
    }

    /// Sets when failed calls are tried again.
    #[must_use]
    pub fn with_retry(mut self, retry: Arc<dyn RetryPolicy>) -> Self {
        self.pipeline = self.pipeline.with_retry(retry);
        self
    }

    /// Where the services are.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// What calls go through.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// An application that signs in with a client secret. Nothing is sent before the first call.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if the text cannot be a secret, such as the secret's
    /// ID.
    pub fn sign_in(&self, tenant: TenantId, client: ClientId, secret: Secret) -> Result<Identity, Error> {
        let source = ClientSecretSource::new(self.token_endpoint(tenant), client, secret)?;
        Ok(Identity::new(self.clone(), tenant, source))
    }

    /// The proof for secrets of an application: three sign-ins in a row, each on a fresh connection.
    pub fn verifier(&self, tenant: TenantId, client: ClientId) -> SecretVerifier {
        SecretVerifier::new(&self.token_endpoint(tenant), client)
    }

    fn token_endpoint(&self, tenant: TenantId) -> TokenEndpoint {
        TokenEndpoint::new(self.pipeline.clone(), &self.cloud, tenant)
    }
}
