//! Where secrets lie sealed.

use async_trait::async_trait;

use crate::error::Error;
use crate::secret::Secret;

crate::name_id!(
    /// The name under which one secret is sealed. A name is used for one secret only, ever.
    SecretId, "secret id"
);

/// Seals and opens secrets by name.
///
/// A sealed secret never changes: a new value takes a new name. So no crash between two writes can lose the old one.
/// Every implementation passes `azconnect_testkit::conformance::secret_store`.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Seals a secret. Sealing the same secret under the same name again succeeds.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if the name holds another secret, which stays as it was.
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error>;

    /// Opens a secret, or `None` if there is none of that name.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if it cannot be opened with the store's key. Nothing is changed then.
    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error>;

    /// Forgets a secret. Removing one that is not there succeeds.
    async fn remove(&self, id: &SecretId) -> Result<(), Error>;

    /// The names that begin with `prefix` and come after `after`, in order, byte by byte: at most [`MAX_LISTED`]. Nothing is
    /// opened. A list that is shorter than that is the end.
    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error>;
}

/// How many names of secrets [`SecretStore::list`] returns at once.
pub const MAX_LISTED: usize = 1000;
