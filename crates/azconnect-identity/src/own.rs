//! Replacing the credential that the running product signs in with.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Effect, Error, Retry};
use azconnect_credential::{
    Assessment, Candidate, CredentialSink, CredentialVerdict, CredentialVerifier, PushReceipt, SinkId, SinkReport,
    check_client_secret,
};

use crate::client_secret::ClientSecretSource;
use crate::verifier::SecretVerifier;

/// Where the product keeps the secret it signs in with.
///
/// What the suite `azconnect_testkit::conformance::own_record` enforces: a restart signs in with the secret that was stored
/// last, whatever its characters; storing the same again succeeds; a failure leaves the former secret or the new one, and
/// with effect [`None`](azconnect_core::Effect::None) the former; no secret is shown or logged.
#[async_trait]
pub trait OwnRecord: Send + Sync {
    /// Stores durably that this secret is the one to sign in with after a restart. The former one still works, and so
    /// does this one: it has just signed in. Idempotent.
    ///
    /// # Errors
    /// With effect [`None`](azconnect_core::Effect::None) only if the record provably still names the former secret.
    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error>;
}

/// The running product as a consumer of its own credential.
///
/// An orchestrator may rotate the very secret it signs in with. It must not lock itself out, so a push goes in this
/// order: sign in with the new secret; store it in the product's record; only then use it. A crash in between leaves
/// a record whose secret works, whichever it is.
pub struct OwnCredentialSink {
    id: SinkId,
    source: ClientSecretSource,
    record: Arc<dyn OwnRecord>,
    verifier: SecretVerifier,
}

impl OwnCredentialSink {
    /// The credential of a source, kept in a record. The source is the live one: clones of it share the secret.
    pub fn new(id: SinkId, source: ClientSecretSource, record: Arc<dyn OwnRecord>) -> Self {
        let verifier = SecretVerifier::new(source.endpoint(), source.client());
        Self { id, source, record, verifier }
    }

    /// Sets the verifier that tries a new secret, in place of [`SecretVerifier::new`].
    #[must_use]
    pub fn with_verifier(mut self, verifier: SecretVerifier) -> Self {
        self.verifier = verifier;
        self
    }

    /// Marks a refusal that may pass as worth repeating: the directory's replicas learn of a new secret one by one.
    fn maybe_passing(&self, error: Error, candidate: &Candidate<'_>) -> Error {
        let pending = self.verifier.assess(&error, candidate).verdict == CredentialVerdict::Pending;
        let error = if pending { error.with_retry(Retry::Backoff) } else { error };
        error.in_operation("own_credential.push").with_effect(Effect::None)
    }
}

#[async_trait]
impl CredentialSink for OwnCredentialSink {
    fn id(&self) -> &SinkId {
        &self.id
    }

    async fn inspect(&self) -> Result<SinkReport, Error> {
        let (client, tenant) = (self.source.client(), self.source.endpoint().tenant());
        let title = format!("the credential this program signs in with (application {client}, tenant {tenant})");
        Ok(SinkReport::new(title).with_is_issuers_own(true))
    }

    async fn push(&self, candidate: &Candidate<'_>) -> Result<PushReceipt, Error> {
        check_client_secret(candidate.secret)?;
        let tried = self.verifier.sign_in_once(candidate).await;
        tried.map_err(|error| self.maybe_passing(error, candidate))?;
        self.record.store(candidate).await?;
        self.source.replace_secret(candidate.secret.duplicate())?;
        Ok(PushReceipt::new("a sign-in with the new secret succeeded, and it is stored and in use"))
    }

    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        if !self.source.holds(candidate.secret) {
            return Assessment::new(CredentialVerdict::Rejected, "this program signs in with another secret")
                .with_advice("push the secret again");
        }
        self.verifier.verify(candidate).await
    }
}

impl fmt::Debug for OwnCredentialSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnCredentialSink").field("id", &self.id).field("source", &self.source).finish_non_exhaustive()
    }
}
