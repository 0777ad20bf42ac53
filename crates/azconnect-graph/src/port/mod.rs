//! What a product calls of a directory, as traits: [`GraphClient`](crate::GraphClient) is one implementation of each.

mod application_owners;
mod application_registrar;
mod application_trust;
mod applications;
mod consent_keeper;
mod principal_registrar;

pub use application_owners::ApplicationOwners;
pub use application_registrar::ApplicationRegistrar;
pub use application_trust::ApplicationTrust;
pub use applications::Applications;
pub use consent_keeper::ConsentKeeper;
pub use principal_registrar::PrincipalRegistrar;
