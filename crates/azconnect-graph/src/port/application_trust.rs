//! The port that keeps an application's federated credentials: whose tokens it accepts.

use async_trait::async_trait;
use azconnect_core::Error;

use crate::application::ApplicationRef;
use crate::client::GraphClient;
use crate::federated::{FederatedCredential, FederatedCredentialRef, NewFederatedCredential};

/// Whose tokens the applications of one tenant accept in place of a secret: their federated identity credentials.
///
/// Every implementation passes `azconnect_testkit::conformance::application_trust`:
///
/// - what is ensured is listed, and ensuring it again finds the same one, under whatever name it was made;
/// - a wish for a trust that exists with another audience, or under a name that another trust has, is a
///   [`Conflict`](azconnect_core::ErrorKind::Conflict) with the field `audience` or `name`, and what exists is not changed;
/// - a wish that would be refused, or taken and never matched, is
///   [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with its field, before any effect;
/// - deleting what is not there succeeds, and deletes nothing else;
/// - an application that is not there is [`NotFound`](azconnect_core::ErrorKind::NotFound);
/// - after a lost answer, ensuring again finds or creates the credential, and never makes a second one.
///
/// Whether tokens are accepted yet is another matter: that may take minutes.
#[async_trait]
pub trait ApplicationTrust: Send + Sync {
    /// The federated identity credentials of an application. Idempotent.
    ///
    /// # Errors
    /// If the application is not there, or cannot be read.
    async fn list(&self, application: ApplicationRef) -> Result<Vec<FederatedCredential>, Error>;

    /// Has an application trust an issuer and a subject for an audience. Idempotent.
    ///
    /// # Errors
    /// As the contract above says. With effect [`Unknown`](azconnect_core::Effect::Unknown) the trust may exist.
    ///
    /// # Cancel safety
    /// Not cancel safe, but to be repeated: that finds what was created.
    async fn ensure(
        &self,
        application: ApplicationRef,
        wish: &NewFederatedCredential,
    ) -> Result<FederatedCredential, Error>;

    /// Deletes a federated identity credential. Idempotent: one that is gone already is a success.
    ///
    /// # Errors
    /// If the application is not there, or cannot be changed.
    async fn delete(&self, application: ApplicationRef, which: &FederatedCredentialRef) -> Result<(), Error>;
}

#[async_trait]
impl ApplicationTrust for GraphClient {
    async fn list(&self, application: ApplicationRef) -> Result<Vec<FederatedCredential>, Error> {
        self.federated_credentials(application).await
    }

    async fn ensure(
        &self,
        application: ApplicationRef,
        wish: &NewFederatedCredential,
    ) -> Result<FederatedCredential, Error> {
        self.ensure_federated_credential(application, wish).await
    }

    async fn delete(&self, application: ApplicationRef, which: &FederatedCredentialRef) -> Result<(), Error> {
        self.delete_federated_credential(application, which.clone()).await
    }
}
