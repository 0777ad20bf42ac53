//! The directory: organizations, projects, and who the caller is.

mod caller;
mod known;
mod organizations;
mod projects;
mod repositories;

pub use self::caller::{DevOpsIdentity, IdentityKind};
pub use self::organizations::{OrganizationEntry, OrganizationSearch, OrganizationTenant, TenantGroup};
pub use self::projects::{Project, ProjectState};
pub use self::repositories::{Repository, RepositoryId, RepositoryProject};
