//! The kinds of resources, and the views that reads of them answer: data without any call.
//!
//! A kind, such as [`VirtualMachines`](compute::VirtualMachines), says how its [`Handle`](crate::Handle) finds and reads it;
//! its view stands beside it. Every field of a view may be absent in the service's answer, and is then empty. Views are
//! serialisable, with the names of their fields.

pub mod access;
pub mod compute;
mod document;
pub mod gallery;
pub mod group;
mod id;
pub mod image;
mod kind;
pub mod network;
pub mod output;
mod query;
pub mod sku;
pub mod subscription;
pub mod terms;
pub mod usage;
mod version;
mod view;

pub use document::Document;
pub use id::ResourceId;
pub use kind::{Kind, Tagged};
pub use query::ResourceQuery;
pub use version::ApiVersion;

pub(crate) use kind::{
    AUTHORIZATION_API, COMPUTE_API, GALLERIES_API, IDENTITIES_API, MARKETPLACE_API, NETWORK_API, OWNER_TAG,
    RESOURCES_API, SKUS_API, SUBSCRIPTIONS_API,
};
