//! The services of one cloud, over one transport.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{ClientId, Clock, Cloud, Error, RetryPolicy, Secret, TenantId};
use azconnect_devops::{DevOpsClient, PersonalAccessToken};
use azconnect_http::{Pipeline, Transport};
use azconnect_identity::{SecretVerifier, TokenEndpoint};
use azconnect_rotation::{Ports, RotationHistory, RotationOperator, Rotations, Rotator};

use crate::storage::Storage;

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

    /// Sets the policy that decides whether and when a failed call is tried again.
    #[must_use]
    pub fn with_retry(mut self, retry: Arc<dyn RetryPolicy>) -> Self {
        self.pipeline = self.pipeline.with_retry(retry);
        self
    }

    /// The addresses of the cloud's services.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// The pipeline that every call of these services goes through.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Azure DevOps with a personal access token: one person's rights, in one organization or in all of theirs. Nothing is
    /// sent before the first call.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if the text cannot be a token.
    pub fn devops_with_pat(&self, token: Secret) -> Result<DevOpsClient, Error> {
        let authorizer = PersonalAccessToken::new(token)?;
        Ok(DevOpsClient::new(self.pipeline.clone(), &self.cloud, Arc::new(authorizer)))
    }

    /// The same services for somebody who waits: a call takes this long at most, and no pause that a service asks for is longer.
    pub(crate) fn hurried(&self, time_limit: Duration, longest_pause: Duration) -> Self {
        let pipeline = self.pipeline.clone().with_time_limit(time_limit).with_longest_pause(longest_pause);
        Self { pipeline, ..self.clone() }
    }

    /// The orchestrator of rotations, which writes to a storage.
    pub fn rotator(&self, storage: &Storage) -> Rotator {
        let clock = self.pipeline.clock().clone();
        Rotator::new(Ports::new(storage.journal(), storage.secrets(), storage.lease(), clock))
    }

    /// Rotations for a product's scheduler: plan, rotate what is due, go on with what is under way. A
    /// [`rotator`](Self::rotator) behind its port.
    pub fn rotations(&self, storage: &Storage) -> Arc<dyn Rotations> {
        Arc::new(self.rotator(storage))
    }

    /// Rotations for a product's support page: rotate now, and go on after the cause of a block was removed.
    pub fn rotation_operator(&self, storage: &Storage) -> Arc<dyn RotationOperator> {
        Arc::new(self.rotator(storage))
    }

    /// What happened in rotations, and what is not finished, for a page or an auditor.
    pub fn rotation_history(&self, storage: &Storage) -> Arc<dyn RotationHistory> {
        Arc::new(self.rotator(storage))
    }

    /// The verifier of an application's secrets. It signs in three times in a row, each time on a fresh connection.
    pub fn verifier(&self, tenant: TenantId, client: ClientId) -> SecretVerifier {
        SecretVerifier::new(&self.token_endpoint(tenant), client)
    }

    pub(crate) fn token_endpoint(&self, tenant: TenantId) -> TokenEndpoint {
        TokenEndpoint::new(self.pipeline.clone(), &self.cloud, tenant)
    }
}
