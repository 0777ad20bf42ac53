//! What a product calls of a directory, as traits: [`GraphClient`](crate::GraphClient) is one implementation of each.

mod application_trust;
mod applications;

pub use application_trust::ApplicationTrust;
pub use applications::Applications;
