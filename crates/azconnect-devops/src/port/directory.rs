//! The port that says what there is, and what the caller may do with it.

use async_trait::async_trait;
use azconnect_core::Error;

use super::{ConnectionAddress, ProjectAddress};
use crate::directory::{OrganizationSearch, OrganizationTenant, Project};
use crate::name::OrganizationName;
use crate::permission::{ConnectionPermission, PermissionReport};

/// Organizations, their projects, and the caller's permissions. Every method is idempotent and without effect.
///
/// What an implementation is held to:
/// - An organization, project or connection that does not exist, or that the caller may not see, is
///   [`NotFound`](azconnect_core::ErrorKind::NotFound).
/// - A permission that is missing is an answer and no error.
/// - Administering a project is one thing, changing a connection's secret another: only
///   [`connection_permission`](Self::connection_permission) answers for the latter.
#[async_trait]
pub trait ConnectionDirectory: Send + Sync {
    /// The organizations of the caller, by the tenant behind each, and those of `known` that exist.
    ///
    /// Azure DevOps lists none for a service principal, or for a personal access token of one organization, so theirs have to
    /// be named. Each of `known` is checked: one that does not exist, or turns the caller away, is left out, and a check names
    /// it; so does one for an organization that could not be read.
    async fn organizations(&self, known: &[OrganizationName]) -> Result<OrganizationSearch, Error>;

    /// The tenant behind an organization.
    async fn tenant_of(&self, organization: &OrganizationName) -> Result<OrganizationTenant, Error>;

    /// The projects of an organization in which work can be done.
    async fn projects(&self, organization: &OrganizationName) -> Result<Vec<Project>, Error>;

    /// Whether the caller may administer the connections of a project, and by what.
    async fn permission(&self, project: &ProjectAddress) -> Result<PermissionReport, Error>;

    /// What the caller may do with one connection.
    async fn connection_permission(&self, connection: &ConnectionAddress) -> Result<ConnectionPermission, Error>;
}
