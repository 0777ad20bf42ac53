//! Where a project and a service connection are.

use std::fmt;

use serde::Serialize;

use crate::document::EndpointId;
use crate::name::{OrganizationName, ProjectRef};

/// A project of an organization.
///
/// ```
/// use azconnect_devops::{OrganizationName, ProjectAddress, ProjectRef};
///
/// let web = ProjectAddress::new(OrganizationName::new("contoso")?, ProjectRef::new("Web")?);
/// assert_eq!(web.to_string(), "contoso/Web");
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct ProjectAddress {
    /// The organization that holds the project.
    pub organization: OrganizationName,
    /// The project, by name or id.
    pub project: ProjectRef,
}

impl ProjectAddress {
    /// A project of an organization.
    pub fn new(organization: OrganizationName, project: impl Into<ProjectRef>) -> Self {
        Self { organization, project: project.into() }
    }

    /// A connection seen from this project.
    pub fn connection(&self, id: EndpointId) -> ConnectionAddress {
        ConnectionAddress { project: self.clone(), id }
    }
}

impl fmt::Display for ProjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.organization, self.project)
    }
}

/// A service connection, seen from one of the projects that see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct ConnectionAddress {
    /// The project from which it is seen.
    pub project: ProjectAddress,
    /// The connection's id, which is the same in all projects.
    pub id: EndpointId,
}

impl ConnectionAddress {
    /// A connection seen from a project.
    pub fn new(project: ProjectAddress, id: EndpointId) -> Self {
        Self { project, id }
    }
}

impl fmt::Display for ConnectionAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.project, self.id)
    }
}
