//! The port that tests the secrets of service connections.

use async_trait::async_trait;
use azconnect_credential::{Assessment, Candidate};
use time::OffsetDateTime;

use super::ConnectionAddress;

/// Tests whether a connection's secret works. Every method is idempotent and without effect.
///
/// What an implementation is held to:
/// - Testing stores nothing: a candidate that works is not held afterwards.
/// - A secret that does not work is *rejected* if its age is unknown, and *pending* if it was just minted.
/// - Whatever says nothing of the secret is *inconclusive*: a connection that cannot be read, a service that cannot be
///   reached, a registry that Azure DevOps does not ask.
/// - What is not accepted comes with evidence and advice. No secret is in either.
#[async_trait]
pub trait ServiceConnectionVerifier: Send + Sync {
    /// Tests the secret that a connection holds, minted at `minted_at` where that is known.
    async fn verify_stored(&self, connection: &ConnectionAddress, minted_at: Option<OffsetDateTime>) -> Assessment;

    /// Tests a secret as if the connection held it.
    async fn verify_candidate(&self, connection: &ConnectionAddress, candidate: &Candidate<'_>) -> Assessment;
}
