//! The port to the place where a product keeps the secret it signs in with.

use async_trait::async_trait;
use azconnect_core::{Error, Secret};
use azconnect_credential::Candidate;

/// Where the product keeps the secret it signs in with. All processes of the product share it.
///
/// What the suite `azconnect_testkit::conformance::own_record` enforces: a restart signs in with the secret that was stored
/// last, whatever its characters, and another process loads that one; storing the same again succeeds; a failure leaves the
/// former secret or the new one, and with effect [`None`](azconnect_core::Effect::None) the former; no secret is shown or
/// logged.
#[async_trait]
pub trait OwnRecord: Send + Sync {
    /// The secret to sign in with now, read from where it is kept and not from this process's memory: another process may
    /// have stored it. `None` if none was ever stored. It is asked when the secret in use is refused, so seldom.
    ///
    /// # Errors
    /// If the record cannot be read.
    async fn load(&self) -> Result<Option<Secret>, Error>;

    /// Stores durably that this secret is the one to sign in with after a restart. The former one still works, and so
    /// does this one: it has just signed in. Idempotent.
    ///
    /// # Errors
    /// With effect [`None`](azconnect_core::Effect::None) only if the record provably still names the former secret.
    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error>;
}
