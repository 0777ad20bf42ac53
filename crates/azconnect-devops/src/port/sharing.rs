//! The port that says who may use a service connection.

use async_trait::async_trait;
use azconnect_core::Error;

use super::ConnectionAddress;
use crate::grant::PipelineGrants;
use crate::name::ProjectRef;

/// Shares service connections with projects, and grants them to pipelines. Every method is idempotent.
///
/// What an implementation is held to:
/// - Projects and pipelines that are not named keep what they have.
/// - The connection keeps its secret: one that worked before and is refused after is an error.
/// - A project or connection that does not exist is [`NotFound`](azconnect_core::ErrorKind::NotFound).
/// - Without the permission to administer the connection nothing changes:
///   [`PermissionDenied`](azconnect_core::ErrorKind::PermissionDenied), with effect
///   [`None`](azconnect_core::Effect::None).
#[async_trait]
pub trait ServiceConnectionSharing: Send + Sync {
    /// Lets another project see a connection, under a name of its own there.
    async fn share(&self, connection: &ConnectionAddress, with: &ProjectRef, name: &str) -> Result<(), Error>;

    /// Takes a connection out of a project's sight. It is deleted when no project is left.
    async fn unshare(&self, connection: &ConnectionAddress, from: &ProjectRef) -> Result<(), Error>;

    /// Which pipelines of the project may use a connection without being asked.
    async fn pipeline_grants(&self, connection: &ConnectionAddress) -> Result<PipelineGrants, Error>;

    /// Lets all pipelines of the project use a connection, or no longer all.
    async fn grant_all_pipelines(
        &self,
        connection: &ConnectionAddress,
        authorized: bool,
    ) -> Result<PipelineGrants, Error>;

    /// Lets some pipelines use a connection, or no longer.
    async fn grant_pipelines(
        &self,
        connection: &ConnectionAddress,
        pipelines: &[u64],
        authorized: bool,
    ) -> Result<PipelineGrants, Error>;
}
