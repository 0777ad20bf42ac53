//! The port that gives applications a service principal.

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, PrincipalObjectId};

use crate::client::GraphClient;
use crate::principal::ServicePrincipal;

/// Gives applications a service principal in one tenant, and takes it away.
///
/// Every implementation passes `azconnect_testkit::conformance::registration`:
///
/// - ensuring twice, or after a lost answer, gives the same one;
/// - an application that is not there is [`NotFound`](azconnect_core::ErrorKind::NotFound);
/// - deleting what is not there succeeds, and the application stays.
#[async_trait]
pub trait PrincipalRegistrar: Send + Sync {
    /// Has an application be a service principal of the tenant. Idempotent.
    ///
    /// # Errors
    /// As the contract above says. With effect [`Unknown`](azconnect_core::Effect::Unknown) it may exist: do it again.
    async fn ensure(&self, client: ClientId) -> Result<ServicePrincipal, Error>;

    /// Deletes a service principal, with its roles and consents. Idempotent.
    ///
    /// # Errors
    /// If it cannot be deleted, or is not gone for sure.
    async fn delete(&self, id: PrincipalObjectId) -> Result<(), Error>;
}

#[async_trait]
impl PrincipalRegistrar for GraphClient {
    async fn ensure(&self, client: ClientId) -> Result<ServicePrincipal, Error> {
        self.ensure_service_principal(client).await
    }

    async fn delete(&self, id: PrincipalObjectId) -> Result<(), Error> {
        self.delete_service_principal(id).await
    }
}
