//! The port that reads service connections.

use async_trait::async_trait;
use azconnect_core::Error;

use super::{ConnectionAddress, ProjectAddress};
use crate::document::Endpoint;
use crate::endpoint::EndpointQuery;
use crate::history::Execution;
use crate::picker::Picker;

/// Reads service connections, and offers them to choose from. Every method is idempotent and without effect.
///
/// What an implementation is held to:
/// - No secret is in what is returned.
/// - A project or connection that does not exist is [`NotFound`](azconnect_core::ErrorKind::NotFound), as is a connection
///   of another project.
/// - A name that no connection has is `None`, and no error.
/// - Connections are offered to those who may administer them. Others are refused with
///   [`PermissionDenied`](azconnect_core::ErrorKind::PermissionDenied) and told whom to ask.
#[async_trait]
pub trait ServiceConnections: Send + Sync {
    /// The connections of a project that a query selects.
    async fn list(&self, project: &ProjectAddress, query: &EndpointQuery) -> Result<Vec<Endpoint>, Error>;

    /// One connection, whole but for its secret.
    async fn read(&self, connection: &ConnectionAddress) -> Result<Endpoint, Error>;

    /// The connection with this name in the project, where there is one.
    async fn find(&self, project: &ProjectAddress, name: &str) -> Result<Option<Endpoint>, Error>;

    /// The connections of a project for a person to choose from, each with whether its secret can be refreshed.
    async fn choices(&self, project: &ProjectAddress) -> Result<Picker, Error>;

    /// The latest uses of a connection, at most `limit`.
    async fn executions(&self, connection: &ConnectionAddress, limit: usize) -> Result<Vec<Execution>, Error>;
}
