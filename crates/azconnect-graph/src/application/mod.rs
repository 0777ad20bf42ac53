//! App registrations: their reading, making and changing, their owners, redirect addresses and required permissions.

mod addresses;
mod certificates;
mod deleted;
mod ensure;
mod hint;
mod key_list;
mod owners;
mod permissions;
mod reads;
mod registration;
mod wish;
mod writes;

pub use addresses::{Platform, RedirectUris};
pub use hint::{ComparedPassword, HintMatch};
pub(crate) use key_list::{Added, Entry, KeyList};
pub use owners::{DirectoryObjectId, Owner, OwnerKind};
pub use permissions::{Permission, PermissionId, PermissionKind};
pub use reads::ApplicationQuery;
pub use registration::{Application, ApplicationRef, Audience};
pub use wish::{ApplicationChange, NewApplication};
