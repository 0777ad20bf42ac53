//! App registrations: their reading, making and changing, their owners, redirect addresses and required permissions.

mod addresses;
mod deleted;
mod ensure;
mod owners;
mod permissions;
mod reads;
mod registration;
mod wish;
mod writes;

pub use addresses::{Platform, RedirectUris};
pub use owners::{DirectoryObjectId, Owner, OwnerKind};
pub use permissions::{Permission, PermissionId, PermissionKind};
pub use reads::ApplicationQuery;
pub use registration::{Application, ApplicationRef, Audience};
pub use wish::{ApplicationChange, NewApplication};
