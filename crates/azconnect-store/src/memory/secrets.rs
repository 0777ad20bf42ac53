//! Secrets in memory.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{Error, MAX_LISTED, Secret, SecretId, SecretStore};

use super::lock;
use crate::seal::holds_another;

/// A [`SecretStore`] that lasts as long as the process. Clones share what they hold.
///
/// Nothing is sealed: each secret lies in memory as a [`Secret`], which overwrites itself when it is dropped.
#[derive(Clone, Default)]
pub struct MemorySecrets(Arc<Mutex<BTreeMap<SecretId, Secret>>>);

impl MemorySecrets {
    /// A store without secrets, which lives as long as its last clone.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemorySecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySecrets").field("secrets", &lock(&self.0).len()).finish()
    }
}

#[async_trait]
impl SecretStore for MemorySecrets {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        match lock(&self.0).entry(id.clone()) {
            Entry::Occupied(held) if held.get().same_as(secret) => Ok(()),
            Entry::Occupied(_) => Err(holds_another(id)),
            Entry::Vacant(place) => {
                place.insert(secret.duplicate());
                Ok(())
            }
        }
    }

    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        Ok(lock(&self.0).get(id).map(Secret::duplicate))
    }

    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        lock(&self.0).remove(id);
        Ok(())
    }

    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        let held = lock(&self.0);
        let later = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let names = held.range::<SecretId, _>(later).map(|(id, _)| id).filter(|id| id.as_str().starts_with(prefix));
        Ok(names.take(MAX_LISTED).cloned().collect())
    }
}
