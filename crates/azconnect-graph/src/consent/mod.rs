//! Admin consent: what an administrator allowed an application to do in a tenant.

mod consents;
mod grant;
mod role;

pub use consents::Consent;
