//! The port that keeps what a person has lent for headless work.

use std::fmt;

use async_trait::async_trait;
use azconnect_core::{Error, Revision, Secret, name_id};

name_id!(
    /// Whose refresh token is kept, such as `service-user` or `personal/{tenant}/{object}`.
    LinkId, "link id"
);

/// A refresh token as it is kept.
pub struct KeptRefreshToken {
    /// The token.
    pub token: Secret,
    /// Which one it is: each that is stored has a higher revision than all before it.
    pub revision: Revision,
}

impl KeptRefreshToken {
    /// A token that is kept with a revision.
    pub fn new(token: Secret, revision: Revision) -> Self {
        Self { token, revision }
    }
}

impl fmt::Debug for KeptRefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptRefreshToken").field("revision", &self.revision).finish_non_exhaustive()
    }
}

/// Where refresh tokens of people are kept, sealed and durable: one of each link. All processes of a product share it.
///
/// A refresh token is the person: whoever has it acts in their name for months. Each use of one gives the next, so that two
/// processes may come with one each; a store says which of them counts.
///
/// What the suite `azconnect_testkit::conformance::refresh_tokens` enforces: what was stored last is loaded, after a restart too;
/// a store after another one than the last is refused and changes nothing; after a removal nothing is stored but a new first one;
/// a failure leaves the former token or the new one, and with effect [`None`](azconnect_core::Effect::None) the former; links do
/// not meet; no token is shown or logged.
#[async_trait]
pub trait RefreshTokens: Send + Sync {
    /// The token that is kept now, or `None`. Read from where it is kept, not from this process's memory.
    ///
    /// # Errors
    /// If it cannot be read: that there is none is not said then.
    async fn load(&self, link: &LinkId) -> Result<Option<KeptRefreshToken>, Error>;

    /// Keeps a token durably in the place of the one with the revision `after`, or as the first of its link. When it returns,
    /// the token survives a crash.
    ///
    /// # Errors
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) with effect [`None`](azconnect_core::Effect::None) if another one is
    /// kept than that of `after`, or none any more: another process was faster, or the person was unlinked.
    async fn store(&self, link: &LinkId, token: &Secret, after: Option<Revision>) -> Result<Revision, Error>;

    /// Destroys the token of a link. Idempotent. A process that uses it at the time stores nothing in its place.
    ///
    /// # Errors
    /// If it may still be there.
    async fn remove(&self, link: &LinkId) -> Result<(), Error>;
}

impl fmt::Debug for dyn RefreshTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshTokens")
    }
}
