//! The port that reads applications.

use async_trait::async_trait;
use azconnect_core::{ClientId, Error};

use crate::application::{Application, ApplicationQuery, ApplicationRef};
use crate::client::GraphClient;
use crate::principal::ServicePrincipal;

/// The applications of one tenant, and what each signs in with. It reads only.
///
/// Every implementation passes `azconnect_testkit::conformance::applications`:
///
/// - an application is found by its object id and by its client id alike, with its passwords and certificates;
/// - a password's text is never shown;
/// - one that is not there is [`NotFound`](azconnect_core::ErrorKind::NotFound), with effect
///   [`None`](azconnect_core::Effect::None), also for its service principal;
/// - a name finds every application of exactly that name, whatever characters it holds, and none where there is none.
///
/// Reads may lag behind writes and contradict each other for a while: one absence proves nothing.
#[async_trait]
pub trait Applications: Send + Sync {
    /// One application with its passwords and certificates. Idempotent.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) also for one that was made moments ago.
    async fn find(&self, application: ApplicationRef) -> Result<Application, Error>;

    /// The applications of a display name, which need not be unique. Idempotent.
    ///
    /// # Errors
    /// If the directory cannot be read.
    async fn find_named(&self, display_name: &str) -> Result<Vec<Application>, Error>;

    /// The service principal of an application in this tenant, whose passwords authenticate as well. Idempotent.
    ///
    /// # Errors
    /// As [`Applications::find`].
    async fn service_principal_of(&self, client: ClientId) -> Result<ServicePrincipal, Error>;
}

#[async_trait]
impl Applications for GraphClient {
    async fn find(&self, application: ApplicationRef) -> Result<Application, Error> {
        match application {
            ApplicationRef::Object(id) => self.application(id).await,
            ApplicationRef::Client(client) => self.application_by_client_id(client).await,
        }
    }

    async fn find_named(&self, display_name: &str) -> Result<Vec<Application>, Error> {
        self.applications(&ApplicationQuery::named(display_name)).await
    }

    async fn service_principal_of(&self, client: ClientId) -> Result<ServicePrincipal, Error> {
        self.service_principal_by_client_id(client).await
    }
}
