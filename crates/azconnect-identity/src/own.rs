//! Replacing the credential that the running product signs in with.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, Error, Retry, Secret};
use azconnect_credential::{
    Assessment, Candidate, CredentialSink, CredentialVerdict, CredentialVerifier, PushReceipt, SinkId, SinkReport,
};

use crate::authority::Authority;
use crate::certificate::CertificateProof;
use crate::client_secret::ClientSecretSource;
use crate::endpoint::TokenEndpoint;
use crate::own_record::OwnRecord;
use crate::verifier::SecretVerifier;

/// The running product as a consumer of its own credential.
///
/// An orchestrator may rotate the very secret it signs in with. It must not lock itself out, so a push goes in this
/// order: sign in with the new secret; store it in the product's record; only then use it. A crash in between leaves
/// a record whose secret works, whichever it is.
///
/// The product's other processes are consumers as well. Each follows the same record
/// ([`ClientSecretSource::with_record`]) and signs in with its secret once its own is refused, so none of them needs to be
/// started again.
pub struct OwnCredentialSink {
    id: SinkId,
    own: Own,
    record: Arc<dyn OwnRecord>,
    verifier: SecretVerifier,
}

/// What the program signs in with, which is replaced while it is in use.
#[derive(Debug)]
enum Own {
    Secret(ClientSecretSource),
    Certificate(TokenEndpoint, CertificateProof),
}

impl Own {
    fn client(&self) -> ClientId {
        match self {
            Self::Secret(source) => source.client(),
            Self::Certificate(_, proof) => proof.client(),
        }
    }

    fn authority(&self) -> &Authority {
        match self {
            Self::Secret(source) => source.endpoint().authority(),
            Self::Certificate(endpoint, _) => endpoint.authority(),
        }
    }

    fn holds(&self, secret: &Secret) -> bool {
        match self {
            Self::Secret(source) => source.holds(secret),
            Self::Certificate(_, proof) => proof.holds(secret),
        }
    }

    fn replace(&self, secret: Secret) -> Result<(), Error> {
        match self {
            Self::Secret(source) => source.replace_secret(secret),
            Self::Certificate(_, proof) => proof.replace(secret),
        }
    }
}

impl OwnCredentialSink {
    /// The credential of a source, kept in a record. The source is the live one: clones of it share the secret, and follow the
    /// record from now on.
    pub fn new(id: SinkId, source: ClientSecretSource, record: Arc<dyn OwnRecord>) -> Self {
        let verifier = SecretVerifier::new(source.endpoint(), source.client());
        let source = source.with_record(record.clone());
        Self { id, own: Own::Secret(source), record, verifier }
    }

    /// The certificate that the program signs in with at an endpoint, kept in a record with its private key. The proof is the
    /// live one: clones of it share the certificate, and follow the record from now on. A new certificate is tried in the form of the
    /// proof, and with its chain if the proof sends one.
    pub fn of_certificate(
        id: SinkId,
        endpoint: &TokenEndpoint,
        proof: CertificateProof,
        record: Arc<dyn OwnRecord>,
    ) -> Self {
        let verifier = SecretVerifier::for_certificates(endpoint, proof.client()).with_chain(proof.sends_chain());
        let verifier = proof.form().into_iter().fold(verifier, SecretVerifier::with_form);
        let own = Own::Certificate(endpoint.clone(), proof.with_record(record.clone()));
        Self { id, own, record, verifier }
    }

    /// Sets the verifier that tries a new secret, in place of [`SecretVerifier::new`] or
    /// [`SecretVerifier::for_certificates`], whichever it is.
    #[must_use]
    pub fn with_verifier(mut self, verifier: SecretVerifier) -> Self {
        self.verifier = verifier;
        self
    }

    /// Marks a refusal that may pass as worth repeating: the directory's replicas learn of a new secret one by one.
    fn maybe_passing(&self, error: Error, candidate: &Candidate<'_>) -> Error {
        let pending = self.verifier.assess(&error, candidate).verdict == CredentialVerdict::Pending;
        let error = if pending { error.with_retry(Retry::Backoff) } else { error };
        // The new secret was tried out only: the record is written after that.
        error.in_operation("own_credential.push").with_effect(Effect::None)
    }
}

#[async_trait]
impl CredentialSink for OwnCredentialSink {
    fn id(&self) -> &SinkId {
        &self.id
    }

    async fn inspect(&self) -> Result<SinkReport, Error> {
        let (client, tenant) = (self.own.client(), self.own.authority());
        let title = format!("the credential this program signs in with (application {client}, tenant {tenant})");
        Ok(SinkReport::new(title).with_is_issuers_own(true))
    }

    async fn push(&self, candidate: &Candidate<'_>) -> Result<PushReceipt, Error> {
        self.verifier.check(candidate.secret)?;
        let tried = self.verifier.sign_in_once(candidate).await;
        tried.map_err(|error| self.maybe_passing(error, candidate))?;
        self.record.store(candidate).await?;
        self.own.replace(candidate.secret.duplicate())?;
        Ok(PushReceipt::new("a sign-in with the new secret succeeded, and it is stored and in use"))
    }

    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        let is_kept = match self.record.load().await {
            Ok(Some(held)) => held.same_as(candidate.secret),
            Ok(None) => self.own.holds(candidate.secret),
            Err(error) => return Assessment::inconclusive(&error.in_operation("own_credential.verify")),
        };
        if !is_kept {
            return Assessment::new(CredentialVerdict::Rejected, "this program signs in with another secret")
                .with_advice("push the secret again");
        }
        let assessment = self.verifier.verify(candidate).await;
        // Pushed by another process, or before a restart of this one. What the record holds and Entra ID accepts is what
        // this program signs in with; it fails only for a text that no verifier accepts.
        if assessment.is_accepted() && !self.own.holds(candidate.secret) {
            let _ = self.own.replace(candidate.secret.duplicate());
        }
        assessment
    }
}

impl fmt::Debug for OwnCredentialSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnCredentialSink").field("id", &self.id).field("own", &self.own).finish_non_exhaustive()
    }
}
