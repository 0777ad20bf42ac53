//! A secret that is to be proven or pushed.

use azconnect_core::{KeyId, Secret};
use time::OffsetDateTime;

/// A secret to be proven or pushed, with what is known of it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// The secret.
    pub secret: &'a Secret,
    /// Its public id, where it is known.
    pub key: Option<KeyId>,
    /// When it was minted, where that is known: a refusal soon after may only mean *not replicated yet*.
    pub minted_at: Option<OffsetDateTime>,
    /// When it ends, where that is known.
    pub ends_at: Option<OffsetDateTime>,
    /// What the consumer called its state after it took this secret, where that is known.
    pub revision: Option<&'a str>,
}

impl<'a> Candidate<'a> {
    /// A secret of which nothing else is known.
    pub fn new(secret: &'a Secret) -> Self {
        Self { secret, key: None, minted_at: None, ends_at: None, revision: None }
    }

    /// Sets its public id.
    #[must_use]
    pub fn with_key(mut self, key: KeyId) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets when it was minted.
    #[must_use]
    pub fn with_minted_at(mut self, at: OffsetDateTime) -> Self {
        self.minted_at = Some(at);
        self
    }

    /// Sets when it ends.
    #[must_use]
    pub fn with_ends_at(mut self, at: OffsetDateTime) -> Self {
        self.ends_at = Some(at);
        self
    }

    /// Sets what the consumer called its state after it took this secret.
    #[must_use]
    pub fn with_revision(mut self, revision: Option<&'a str>) -> Self {
        self.revision = revision;
        self
    }
}
