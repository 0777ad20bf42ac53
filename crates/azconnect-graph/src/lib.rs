//! Applications, their secrets and service principals, through Microsoft Graph v1.0.
//!
//! [`GraphClient`] has one method an operation; [`GraphIssuer`] is the
//! [`CredentialIssuer`](azconnect_credential::CredentialIssuer) of one application. Errors tell what the real service
//! means: a refusal for concurrency comes under three statuses, a removal of an unknown key as a bad request, and an
//! answer that was lost may hide a secret.
//!
//! # Permissions
//! `Application.ReadWrite.OwnedBy`, where the caller's service principal owns the application, or
//! `Application.ReadWrite.All`. The tenant's policies are read with `Policy.Read.All` or
//! `Policy.Read.ApplicationConfiguration`; without either they are unknown, and nothing else is lost.

mod application;
mod catalogue;
mod client;
mod dialect;
mod holder;
mod issuer;
mod password;
mod policy;
mod service_principal;
mod wire;

pub use application::{Application, ApplicationQuery, Audience};
pub use client::GraphClient;
pub use holder::PasswordHolder;
pub use issuer::GraphIssuer;
pub use password::{AddedPassword, KeyCredential, NewPassword, PasswordCredential};
pub use policy::{AppManagementPolicy, PasswordRestriction};
pub use service_principal::ServicePrincipal;
