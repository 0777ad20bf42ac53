//! What organizations and projects are called.

mod organization;
mod project;

pub use self::organization::OrganizationName;
pub use self::project::{ProjectId, ProjectName, ProjectRef};
