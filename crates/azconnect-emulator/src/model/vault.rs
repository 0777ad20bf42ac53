//! Key vaults: secrets and keys, each with its versions.

use std::collections::BTreeMap;

use aws_lc_rs::rsa::PrivateDecryptingKey;
use azconnect_core::Secret;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::arm::budget::Buckets;

/// A key vault of a tenant.
pub(crate) struct Vault {
    pub(crate) name: String,
    pub(crate) tenant: Uuid,
    /// Who may do everything, by object ids.
    pub(crate) officers: Vec<Uuid>,
    /// Who may read secrets, by object ids.
    pub(crate) readers: Vec<Uuid>,
    /// By name in lower case.
    pub(crate) secrets: BTreeMap<String, Item<Secret>>,
    pub(crate) keys: BTreeMap<String, Item<PrivateDecryptingKey>>,
    pub(crate) buckets: Buckets,
}

/// A secret or a key: all of its versions, the latest one last.
pub(crate) struct Item<T> {
    /// As it was written first.
    pub(crate) name: String,
    pub(crate) versions: Vec<Version<T>>,
    /// When it was deleted; it can come back.
    pub(crate) deleted: Option<OffsetDateTime>,
}

/// One version. What it holds never changes.
pub(crate) struct Version<T> {
    pub(crate) id: String,
    pub(crate) content: T,
    pub(crate) enabled: bool,
    /// In seconds since 1970.
    pub(crate) begins: Option<i64>,
    pub(crate) ends: Option<i64>,
    pub(crate) created: OffsetDateTime,
    pub(crate) updated: OffsetDateTime,
    pub(crate) media_type: Option<String>,
    pub(crate) tags: Option<Map<String, Value>>,
}

impl Vault {
    pub(crate) fn new(name: String, tenant: Uuid) -> Self {
        let (secrets, keys) = (BTreeMap::new(), BTreeMap::new());
        let buckets = Buckets::default();
        Self { name, tenant, officers: Vec::new(), readers: Vec::new(), secrets, keys, buckets }
    }
}

impl<T> Item<T> {
    /// A version by its id, or the latest one.
    pub(crate) fn version(&self, id: &str) -> Option<&Version<T>> {
        if id.is_empty() { self.versions.last() } else { self.versions.iter().find(|version| version.id == id) }
    }

    pub(crate) fn version_mut(&mut self, id: &str) -> Option<&mut Version<T>> {
        self.versions.iter_mut().find(|version| version.id == id)
    }
}
