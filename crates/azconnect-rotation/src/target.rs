//! What is rotated, and who receives it.

use std::sync::Arc;

use azconnect_core::{Error, KeyId, StreamId};
use azconnect_credential::{ConsumerFinder, CredentialIssuer, CredentialSink, CredentialVerifier, SubjectId};

use crate::policy::Policy;
use crate::saga::stream_of;

/// A consumer, and how much depends on it.
#[derive(Clone)]
#[non_exhaustive]
pub struct SinkBinding {
    /// The port through which the consumer is looked at, given a secret and asked for proof.
    pub sink: Arc<dyn CredentialSink>,
    /// Whether the old secret must stay while this consumer has no proof for the new one.
    pub required: bool,
    /// Whether the receipt of a push counts as proof where the consumer cannot verify.
    pub accept_receipt: bool,
    /// The host that receives the secret, where the consumer is told that by somebody else. Without, the first one that
    /// a rotation finds is held to.
    pub destination: Option<String>,
}

impl SinkBinding {
    /// A consumer that must prove the new secret.
    pub fn new(sink: Arc<dyn CredentialSink>) -> Self {
        Self { sink, required: true, accept_receipt: false, destination: None }
    }

    /// Says that the rotation may finish without it. The consumer may then be left with a removed secret.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// Takes the receipt of a push as proof where verification is inconclusive, as for a private registry that cannot
    /// be reached from here. A *rejection* is still a rejection.
    #[must_use]
    pub fn with_receipt_as_proof(mut self) -> Self {
        self.accept_receipt = true;
        self
    }

    /// Says by name which host receives the secret, such as a service connection's registry: as
    /// [`SinkReport::destination`](azconnect_credential::SinkReport::destination) spells it, in any case. It replaces the
    /// one that was held to before.
    #[must_use]
    pub fn with_destination(mut self, destination: impl Into<String>) -> Self {
        self.destination = Some(destination.into());
        self
    }
}

/// One credential with its issuer, its proof and its consumers.
#[derive(Clone)]
#[non_exhaustive]
pub struct Target {
    /// The port that mints and retires its keys.
    pub issuer: Arc<dyn CredentialIssuer>,
    /// The port that says whether a secret is accepted.
    pub verifier: Arc<dyn CredentialVerifier>,
    /// The consumers of the secret, each bound once.
    pub sinks: Vec<SinkBinding>,
    /// The terms on which the next rotation begins.
    pub policy: Policy,
    /// Keys that were minted by hand and may be removed once the new secret is in place.
    pub adopted: Vec<KeyId>,
    /// Finds everybody who uses the secret, bound or not, where that can be found out.
    pub finder: Option<Arc<dyn ConsumerFinder>>,
    /// Whether the old secret may go although no consumer took the new one.
    pub without_consumers: bool,
}

impl Target {
    /// A credential without consumers, under the default policy.
    pub fn new(issuer: Arc<dyn CredentialIssuer>, verifier: Arc<dyn CredentialVerifier>) -> Self {
        Self {
            issuer,
            verifier,
            sinks: Vec::new(),
            policy: Policy::default(),
            adopted: Vec::new(),
            finder: None,
            without_consumers: false,
        }
    }

    /// Binds a consumer of the secret.
    #[must_use]
    pub fn with_sink(mut self, binding: SinkBinding) -> Self {
        self.sinks.push(binding);
        self
    }

    /// Sets the terms; a rotation under way keeps those it began with.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Lets a plan find the consumers of the secret that are not bound, and warn of each.
    #[must_use]
    pub fn with_finder(mut self, finder: Arc<dyn ConsumerFinder>) -> Self {
        self.finder = Some(finder);
        self
    }

    /// Says that nobody known here uses the secret, so that the old one may go although no consumer took the new one.
    /// Whoever uses it all the same is left with a secret that is removed.
    #[must_use]
    pub fn without_consumers(mut self) -> Self {
        self.without_consumers = true;
        self
    }

    /// Hands a key that was minted by hand over to the orchestrator: it is removed when the new secret is in place. Taken
    /// back by leaving it out of a later run, as long as its removal was not asked for.
    #[must_use]
    pub fn with_adopted(mut self, key: KeyId) -> Self {
        self.adopted.push(key);
        self
    }

    /// The name of the credential, as its issuer gives it.
    pub fn subject(&self) -> &SubjectId {
        self.issuer.subject()
    }

    /// The stream of the journal that holds its history.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if the subject's name is too long for a stream.
    pub fn stream(&self) -> Result<StreamId, Error> {
        stream_of(self.subject())
    }

    /// Checks the terms, and that every consumer is bound once.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the field, with the remedy.
    pub fn check(&self) -> Result<(), Error> {
        self.policy.check()?;
        let mut ids = std::collections::BTreeSet::new();
        match self.sinks.iter().find(|binding| !ids.insert(binding.sink.id().as_str())) {
            Some(twice) => {
                Err(Error::invalid("target.sinks", format!("the consumer {} is bound twice", twice.sink.id()))
                    .with_advice("bind each consumer once"))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn sink(&self, id: &azconnect_credential::SinkId) -> Option<&SinkBinding> {
        self.sinks.iter().find(|binding| binding.sink.id() == id)
    }
}
