//! The secrets of an application that was just set up.

use std::sync::Arc;

use azconnect_core::{ClientId, Error};
use azconnect_credential::{CredentialIssuer, CredentialVerifier};

/// Issuers and verifiers for applications of one tenant.
pub trait Credentials: Send + Sync {
    /// Mints and retires the secrets of an application. Nothing is sent.
    ///
    /// # Errors
    /// If there can be none for such an application.
    fn issuer(&self, application: ClientId) -> Result<Arc<dyn CredentialIssuer>, Error>;

    /// Proves a secret of an application by signing in with it. Nothing is sent.
    fn verifier(&self, application: ClientId) -> Arc<dyn CredentialVerifier>;
}
