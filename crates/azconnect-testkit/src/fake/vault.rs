//! A vault whose keys wrap other keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, KeyWrap, PlainKey, WrappedKey, WrappingKeyId};
use uuid::Uuid;

use super::Faults;

/// Keeps what it wrapped in memory, and gives a random name for it. Clones are the same vault.
///
/// A failure is scripted with [`Vault::faults`], whose kinds of call are those of [`VaultStep`].
#[derive(Clone, Debug, Default)]
pub struct Vault {
    contents: Arc<Mutex<Contents>>,
    faults: Faults<VaultStep>,
}

/// A call of a [`KeyWrap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VaultStep {
    /// [`KeyWrap::current`].
    Current,
    /// [`KeyWrap::wrap`].
    Wrap,
    /// [`KeyWrap::unwrap`].
    Unwrap,
}

#[derive(Debug, Default)]
struct Contents {
    /// The number of the current version, from 0 on.
    version: usize,
    deleted: Vec<usize>,
    wrapped: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    blob: Vec<u8>,
    version: usize,
    context: String,
    key: PlainKey,
}

impl Vault {
    /// A vault with one version of its key.
    pub fn new() -> Self {
        Self::default()
    }

    /// The failures of its calls, to script more or to end them.
    pub fn faults(&self) -> &Faults<VaultStep> {
        &self.faults
    }

    /// Makes a new version of the key, which wraps from now on.
    pub fn rotate(&self) {
        self.contents().version += 1;
    }

    /// Deletes the current version of the key and all before it.
    pub fn delete(&self) {
        let mut contents = self.contents();
        contents.deleted = (0..=contents.version).collect();
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn id(version: usize) -> Result<WrappingKeyId, Error> {
        WrappingKeyId::new(format!("fake/vault/key/{version}"))
    }

    fn require(&self, version: usize) -> Result<(), Error> {
        match self.deleted.contains(&version) {
            true => {
                Err(refused(ErrorKind::NotFound, "the wrapping key is gone").with_advice("recover the deleted key"))
            }
            false => Ok(()),
        }
    }

    fn find(&self, context: &str, wrapped: &WrappedKey) -> Result<PlainKey, Error> {
        let kept = self.wrapped.iter().find(|kept| {
            let is_its = Self::id(kept.version).is_ok_and(|id| id == wrapped.key);
            is_its && kept.blob == wrapped.blob && kept.context == context
        });
        let kept = kept.ok_or_else(|| {
            refused(ErrorKind::Corrupt, "the wrapped key was changed, or is of another context or key")
                .with_advice("restore it from a backup")
        })?;
        self.require(kept.version)?;
        PlainKey::from_bytes(kept.key.expose())
    }
}

#[async_trait]
impl KeyWrap for Vault {
    async fn current(&self) -> Result<WrappingKeyId, Error> {
        self.faults.read(&VaultStep::Current, || {
            let contents = self.contents();
            contents.require(contents.version)?;
            Contents::id(contents.version)
        })
    }

    async fn wrap(&self, context: &str, key: &PlainKey) -> Result<WrappedKey, Error> {
        self.faults.read(&VaultStep::Wrap, || {
            let mut contents = self.contents();
            let version = contents.version;
            contents.require(version)?;
            let blob = Uuid::new_v4().into_bytes().to_vec();
            let key = PlainKey::from_bytes(key.expose())?;
            contents.wrapped.push(Kept { blob: blob.clone(), version, context: context.to_owned(), key });
            Ok(WrappedKey::new(Contents::id(version)?, blob))
        })
    }

    async fn unwrap(&self, context: &str, wrapped: &WrappedKey) -> Result<PlainKey, Error> {
        self.faults.read(&VaultStep::Unwrap, || self.contents().find(context, wrapped))
    }
}

fn refused(kind: ErrorKind, message: &str) -> Error {
    Error::new(kind, message).with_effect(Effect::None).with_field("wrapping_key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[tokio::test]
    async fn it_wraps_as_every_wrap_does() {
        let vault = Vault::new();
        conformance::key_wrap::all(async || Arc::new(vault.clone()) as Arc<dyn KeyWrap>).await;
    }

    #[tokio::test]
    async fn an_earlier_version_unwraps_until_it_is_deleted() {
        let vault = Vault::new();
        let key = PlainKey::from_bytes(&[7; 32]).unwrap();
        let first = vault.wrap("a", &key).await.unwrap();
        vault.rotate();
        assert_ne!(vault.current().await.unwrap(), first.key);
        assert_eq!(vault.unwrap("a", &first).await.unwrap().expose(), &[7; 32]);
        vault.delete();
        assert_eq!(vault.unwrap("a", &first).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(vault.wrap("a", &key).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}
