//! Container registries.

use azconnect_core::Secret;
use uuid::Uuid;

/// A registry, and who may sign in to it.
pub(crate) struct Registry {
    pub(crate) host: String,
    /// The tenant whose service principals may sign in with client id and secret, as at Azure Container Registry.
    pub(crate) tenant: Option<Uuid>,
    pub(crate) users: Vec<(String, Secret)>,
    /// The tokens that were issued.
    pub(crate) tokens: Vec<String>,
}
