//! The port that registers applications.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_credential::Marker;

use crate::application::{Application, ApplicationRef, NewApplication};
use crate::client::GraphClient;

/// Registers applications in one tenant, and takes them back.
///
/// Every implementation passes `azconnect_testkit::conformance::registration`:
///
/// - what is ensured is found by its marker and by its ids; ensuring it again finds the same one, and changes nothing of it;
/// - applications under two markers are two, whatever their names;
/// - a wish that would be refused is [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with its field, before any effect;
/// - deleting what is not there succeeds; what was deleted is found no longer;
/// - after a lost answer, ensuring again finds what was registered and never makes a second one.
#[async_trait]
pub trait ApplicationRegistrar: Send + Sync {
    /// The application that was registered under a marker, if one is listed. Idempotent.
    ///
    /// # Errors
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) with the field `marker` if there are several.
    async fn find_marked(&self, marker: &Marker) -> Result<Option<Application>, Error>;

    /// Has an application registered under a marker. Idempotent; after an error with effect
    /// [`Unknown`](azconnect_core::Effect::Unknown), repeat it after the pause that the error names.
    ///
    /// # Errors
    /// As the contract above says.
    ///
    /// # Cancel safety
    /// Not cancel safe, but to be repeated after some minutes: that finds what was registered.
    async fn ensure(&self, wish: &NewApplication) -> Result<Application, Error>;

    /// Deletes an application, and its service principal with it. Idempotent. The real service keeps it for 30 days.
    ///
    /// # Errors
    /// If it cannot be deleted, or is not gone for sure.
    async fn delete(&self, application: ApplicationRef) -> Result<(), Error>;
}

#[async_trait]
impl ApplicationRegistrar for GraphClient {
    async fn find_marked(&self, marker: &Marker) -> Result<Option<Application>, Error> {
        self.application_marked(marker).await
    }

    async fn ensure(&self, wish: &NewApplication) -> Result<Application, Error> {
        self.ensure_application(wish).await
    }

    async fn delete(&self, application: ApplicationRef) -> Result<(), Error> {
        self.delete_application(application).await
    }
}
