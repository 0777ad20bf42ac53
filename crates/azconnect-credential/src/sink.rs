//! The port through which a consumer receives a secret.

use async_trait::async_trait;
use azconnect_core::Error;
use serde::{Deserialize, Serialize};

use crate::assessment::Assessment;
use crate::candidate::Candidate;
use crate::check_report::CheckReport;

azconnect_core::name_id!(
    /// The stable name of one consumer of a secret, such as `devops:contoso/5e47a0d8-…`.
    SinkId,
    "sink id"
);

/// What an inspection of a consumer found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SinkReport {
    /// What it is and where, for a person: `service connection "deploy" (azurerm) in contoso/Web`.
    pub title: String,
    /// What was looked at. With a [failure](crate::CheckStatus::Failed) the consumer cannot take a secret.
    pub checks: CheckReport,
    /// Whether this consumer is the issuer's own credential.
    pub is_issuers_own: bool,
    /// The host that receives the secret, where somebody else names it: whoever may edit a service connection chooses its
    /// registry. A caller keeps it, gives it back in [`Candidate::destination`], and notices a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

impl SinkReport {
    /// A consumer of which nothing bad is known.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), checks: CheckReport::new(), is_issuers_own: false, destination: None }
    }

    /// Sets what was looked at.
    #[must_use]
    pub fn with_checks(mut self, checks: CheckReport) -> Self {
        self.checks = checks;
        self
    }

    /// Says whether it is the issuer's own credential.
    #[must_use]
    pub fn with_is_issuers_own(mut self, own: bool) -> Self {
        self.is_issuers_own = own;
        self
    }

    /// Sets the host that receives the secret, where somebody else names it.
    #[must_use]
    pub fn with_destination(mut self, destination: Option<String>) -> Self {
        self.destination = destination;
        self
    }

    /// Whether the consumer can take a secret.
    pub fn accepts(&self) -> bool {
        self.checks.is_clear()
    }
}

/// Proof that a consumer took a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PushReceipt {
    /// What was compared or answered, in one line for a person.
    pub evidence: String,
    /// What the consumer calls its state after the push, where it has a name for it, such as the time of its last change.
    /// [`CredentialSink::verify`] gets it back in [`Candidate::revision`], also in another process.
    #[serde(default)]
    pub revision: Option<String>,
}

impl PushReceipt {
    /// A receipt with its evidence.
    pub fn new(evidence: impl Into<String>) -> Self {
        Self { evidence: evidence.into(), revision: None }
    }

    /// Sets what the consumer calls its state after the push.
    #[must_use]
    pub fn with_revision(mut self, revision: Option<String>) -> Self {
        self.revision = revision;
        self
    }
}

/// One consumer of a secret: a service connection, a product's own record, a vault.
///
/// Every implementation passes `azconnect_testkit::conformance::credential_sink`.
#[async_trait]
pub trait CredentialSink: Send + Sync {
    /// The stable name of the consumer, the same in every process and run.
    fn id(&self) -> &SinkId;

    /// Looks at the consumer, without effect.
    async fn inspect(&self) -> Result<SinkReport, Error>;

    /// Gives the consumer a secret in place of the one it holds. Nothing else of the consumer changes.
    ///
    /// Idempotent: pushing what it holds already succeeds.
    ///
    /// A consumer that somebody else tells where to send the secret compares that with [`Candidate::destination`], and
    /// takes nothing, and sends nothing, once it differs.
    ///
    /// # Errors
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) if somebody else changed the consumer meanwhile. With effect
    /// [`None`](azconnect_core::Effect::None) only if the consumer provably still holds its former secret.
    ///
    /// # Cancel safety
    /// Not cancel safe: the consumer may hold either secret afterwards; push again.
    async fn push(&self, candidate: &Candidate<'_>) -> Result<PushReceipt, Error>;

    /// Checks that what the consumer holds now works, by the consumer's own means. Without effect.
    ///
    /// That *something* works is not enough while the former secret is alive too: an implementation that can tell that
    /// the consumer was changed since the push, by [`Candidate::revision`], answers
    /// [`Rejected`](crate::CredentialVerdict::Rejected), so that the secret is pushed again.
    ///
    /// It answers [`Inconclusive`](crate::CredentialVerdict::Inconclusive) wherever it cannot tell, errors included.
    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment;
}
