//! The port that keeps the owners of applications.

use async_trait::async_trait;
use azconnect_core::Error;

use crate::application::{ApplicationRef, DirectoryObjectId, Owner};
use crate::client::GraphClient;

/// Who owns the applications of one tenant.
///
/// Every implementation passes `azconnect_testkit::conformance::registration`:
///
/// - adding an owner twice, and removing one who is none, succeed;
/// - the last owner is never removed: that is a [`Conflict`](azconnect_core::ErrorKind::Conflict) with the field `owner` and
///   effect [`None`](azconnect_core::Effect::None);
/// - an owner or an application that is not there is [`NotFound`](azconnect_core::ErrorKind::NotFound).
#[async_trait]
pub trait ApplicationOwners: Send + Sync {
    /// The owners of an application. Idempotent.
    ///
    /// # Errors
    /// If the application is not there, or cannot be read.
    async fn list(&self, application: ApplicationRef) -> Result<Vec<Owner>, Error>;

    /// Makes a person or a service principal an owner. Idempotent.
    ///
    /// # Errors
    /// As the contract above says.
    async fn add(&self, application: ApplicationRef, owner: DirectoryObjectId) -> Result<(), Error>;

    /// Takes an application from an owner, unless it is the last one. Idempotent.
    ///
    /// # Errors
    /// As the contract above says.
    async fn remove(&self, application: ApplicationRef, owner: DirectoryObjectId) -> Result<(), Error>;
}

#[async_trait]
impl ApplicationOwners for GraphClient {
    async fn list(&self, application: ApplicationRef) -> Result<Vec<Owner>, Error> {
        self.owners(application).await
    }

    async fn add(&self, application: ApplicationRef, owner: DirectoryObjectId) -> Result<(), Error> {
        self.add_owner(application, owner).await
    }

    async fn remove(&self, application: ApplicationRef, owner: DirectoryObjectId) -> Result<(), Error> {
        self.remove_owner(application, owner).await
    }
}
