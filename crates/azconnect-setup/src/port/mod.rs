//! What a setup does at the services, as ports. The front door has adapters for Microsoft's.

mod credentials;
mod grants;
mod registry;

pub use credentials::Credentials;
pub use grants::{Found, Given, Grants, Presence, Taken};
pub use registry::{NewRegistration, Ours, Registered, Registry, Subject, Which};
