//! The port that creates, changes and deletes service connections.

use async_trait::async_trait;
use azconnect_core::Error;

use super::{ConnectionAddress, ProjectAddress};
use crate::create::NewConnection;
use crate::document::{Endpoint, EndpointChange};
use crate::endpoint::{Deletion, UpdatedEndpoint};

/// Creates, changes and deletes service connections.
///
/// What an implementation is held to:
/// - An error with effect [`None`](azconnect_core::Effect::None) has changed nothing; bad input and a missing permission are
///   such errors.
/// - A change touches what it names and nothing else: a field that this crate does not know comes through unchanged, and so
///   does the secret, unless the change brings another. One that worked before and does not work after is an error.
/// - A name that another connection of the project has is a [`Conflict`](azconnect_core::ErrorKind::Conflict), as is a
///   connection that somebody changed since it was read.
/// - No secret is in what is returned, nor in an error.
#[async_trait]
pub trait ServiceConnectionWriter: Send + Sync {
    /// Creates a connection, and returns it as it is then. **Not idempotent**: after effect
    /// [`Unknown`](azconnect_core::Effect::Unknown) it may exist, findable by its name. The service may not have finished
    /// setting it up.
    ///
    /// The project must be the one for which the connection was built.
    async fn create(&self, project: &ProjectAddress, connection: &NewConnection<'_>) -> Result<Endpoint, Error>;

    /// Changes a connection that was read before, and returns it as it is afterwards, with what is known of its secret.
    /// Idempotent.
    async fn update(
        &self,
        project: &ProjectAddress,
        before: &Endpoint,
        change: &EndpointChange<'_>,
    ) -> Result<UpdatedEndpoint, Error>;

    /// Deletes a connection, also for the other projects that see it. Idempotent: one that is gone already is a success.
    ///
    /// To take it from one project only, [unshare](super::ServiceConnectionSharing::unshare) it.
    async fn delete(&self, connection: &ConnectionAddress, how: Deletion) -> Result<(), Error>;
}
