//! The port that proves a secret.

use async_trait::async_trait;

use crate::assessment::Assessment;
use crate::candidate::Candidate;

/// Proves that the service which issued a secret accepts it.
///
/// Bound to one application in one tenant. Every implementation passes
/// `azconnect_testkit::conformance::credential_verifier`.
#[async_trait]
pub trait CredentialVerifier: Send + Sync {
    /// Tries the secret as often as it takes to be sure. Idempotent, without effect.
    ///
    /// [`Accepted`](crate::CredentialVerdict::Accepted) takes several successes in a row on fresh connections, since replicas
    /// disagree for a while. [`Pending`](crate::CredentialVerdict::Pending) is for a refusal that may only mean *not replicated
    /// yet*, which needs [`Candidate::minted_at`]. Errors of the way there are
    /// [`Inconclusive`](crate::CredentialVerdict::Inconclusive).
    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment;
}
