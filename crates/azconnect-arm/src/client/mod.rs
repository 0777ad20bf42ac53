//! The client: typed operations on resources. Reads are tolerant, writes are strict.

mod access;
mod any;
mod arm;
mod dns_label;
mod gallery;
mod group;
mod handle;
mod list;
mod machine;
mod network;
mod pending;
mod sizes;
mod skus;
mod splitter;
mod subscription;
mod terms;
mod validation;

pub use any::AnyResource;
pub use arm::Arm;
pub use group::Group;
pub use handle::Handle;
pub use list::List;
pub use pending::Pending;
pub use skus::Skus;
pub use subscription::Subscription;

pub(crate) use gallery::OwnImage;
pub(crate) use subscription::{plain_region, register_command};
