//! The port that keeps admin consents.

use async_trait::async_trait;
use azconnect_core::{Error, PrincipalObjectId};

use crate::client::GraphClient;
use crate::consent::Consent;

/// What an administrator allowed the applications of one tenant to do.
///
/// Every implementation passes `azconnect_testkit::conformance::registration`:
///
/// - granting twice, or after a lost answer, grants once; revoking what is not granted succeeds;
/// - granting or revoking one permission leaves all others as they are, also those of the same resource;
/// - a scope that is no name of one scope is [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `scope`.
#[async_trait]
pub trait ConsentKeeper: Send + Sync {
    /// What an application was allowed, in no particular order. Idempotent.
    ///
    /// # Errors
    /// If its service principal is not there, or its consents cannot be read.
    async fn list(&self, client: PrincipalObjectId) -> Result<Vec<Consent>, Error>;

    /// Consents to one permission. Idempotent.
    ///
    /// # Errors
    /// As the contract above says. With effect [`Unknown`](azconnect_core::Effect::Unknown) it may be granted: do it again.
    async fn grant(&self, consent: &Consent) -> Result<(), Error>;

    /// Revokes one permission. Idempotent.
    ///
    /// # Errors
    /// As the contract above says. With effect [`Unknown`](azconnect_core::Effect::Unknown) it may be revoked: do it again.
    async fn revoke(&self, consent: &Consent) -> Result<(), Error>;
}

#[async_trait]
impl ConsentKeeper for GraphClient {
    async fn list(&self, client: PrincipalObjectId) -> Result<Vec<Consent>, Error> {
        self.consents(client).await
    }

    async fn grant(&self, consent: &Consent) -> Result<(), Error> {
        self.grant_consent(consent).await
    }

    async fn revoke(&self, consent: &Consent) -> Result<(), Error> {
        self.revoke_consent(consent).await
    }
}
