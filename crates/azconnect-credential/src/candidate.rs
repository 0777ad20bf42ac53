//! A secret that is to be proven or pushed.

use azconnect_core::{KeyId, Secret};
use time::OffsetDateTime;

/// A secret to be proven or pushed, with what is known of it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// The secret's text, borrowed from whoever keeps it.
    pub secret: &'a Secret,
    /// The public id of the secret (the portal's *Secret ID*), where it is known.
    pub key: Option<KeyId>,
    /// When it was minted, where that is known: a refusal soon after may only mean *not replicated yet*.
    pub minted_at: Option<OffsetDateTime>,
    /// When the secret ends, where that is known.
    pub ends_at: Option<OffsetDateTime>,
    /// The consumer's own name for its state after it took this secret, such as the time of its last change, where
    /// that is known: [`PushReceipt::revision`](crate::PushReceipt::revision).
    pub revision: Option<&'a str>,
    /// Where it was agreed that the consumer sends secrets, where the consumer is told that by somebody else:
    /// [`SinkReport::destination`](crate::SinkReport::destination).
    pub destination: Option<&'a str>,
}

impl<'a> Candidate<'a> {
    /// A secret of which nothing else is known.
    pub fn new(secret: &'a Secret) -> Self {
        Self { secret, key: None, minted_at: None, ends_at: None, revision: None, destination: None }
    }

    /// Sets the public id of the secret.
    #[must_use]
    pub fn with_key(mut self, key: KeyId) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets when the secret was minted.
    #[must_use]
    pub fn with_minted_at(mut self, at: OffsetDateTime) -> Self {
        self.minted_at = Some(at);
        self
    }

    /// Sets when the secret ends.
    #[must_use]
    pub fn with_ends_at(mut self, at: OffsetDateTime) -> Self {
        self.ends_at = Some(at);
        self
    }

    /// Sets the consumer's own name for its state after it took this secret.
    #[must_use]
    pub fn with_revision(mut self, revision: Option<&'a str>) -> Self {
        self.revision = revision;
        self
    }

    /// Sets where it was agreed that the consumer sends secrets.
    #[must_use]
    pub fn with_destination(mut self, destination: Option<&'a str>) -> Self {
        self.destination = destination;
        self
    }
}
