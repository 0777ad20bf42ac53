//! The port that mints and retires secrets.

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, KeyId, Secret};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::inventory::{Inventory, KeyHolder};
use crate::marker::Marker;

azconnect_core::name_id!(
    /// What an issuer mints for, such as `application/1272a66f-…`: the same in every process, since there is one writer
    /// per subject.
    SubjectId,
    "subject id"
);

impl SubjectId {
    /// The secrets of an application in Entra ID, which are one subject whoever uses them.
    ///
    /// # Errors
    /// Never, as things are: every client id fits.
    pub fn of_application(client: ClientId) -> Result<Self, Error> {
        Self::new(format!("application/{client}"))
    }
}

/// A request for a new secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MintRequest {
    /// The unique display name, recorded durably before this request is made.
    pub marker: Marker,
    /// When the secret shall end. It is always sent: without it the service chooses an end that a tenant's policy on the
    /// life of secrets may refuse.
    pub ends_at: OffsetDateTime,
}

impl MintRequest {
    /// A secret under a marker until a moment.
    pub fn new(marker: Marker, ends_at: OffsetDateTime) -> Self {
        Self { marker, ends_at }
    }
}

/// A new secret. The service shows its text this once and never again.
#[derive(Debug)]
#[non_exhaustive]
pub struct Minted {
    /// The public id, by which the secret is retired later.
    pub key: KeyId,
    /// The secret: seal it before anything else.
    pub secret: Secret,
    /// When it ends, as the service answered.
    pub ends_at: OffsetDateTime,
    /// The kind of object that holds it: only an inventory that [saw](Inventory::saw) this holder can miss the key.
    pub holder: KeyHolder,
}

impl Minted {
    /// A new secret of an application, with its id and end.
    pub fn new(key: KeyId, secret: Secret, ends_at: OffsetDateTime) -> Self {
        Self { key, secret, ends_at, holder: KeyHolder::Application }
    }

    /// Sets the kind of object that holds it.
    #[must_use]
    pub fn with_holder(mut self, holder: KeyHolder) -> Self {
        self.holder = holder;
        self
    }
}

/// How the service answered the removal of a key. Neither answer proves that the key stopped working.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retirement {
    /// The service accepted the removal.
    Accepted,
    /// No object that can hold the key lists it, and each was asked: it is gone, or a replica has not seen it yet.
    NotListed,
}

/// Mints and retires the secrets of one application, or of whatever else an implementation is bound to.
///
/// Every implementation passes `azconnect_testkit::conformance::credential_issuer`.
#[async_trait]
pub trait CredentialIssuer: Send + Sync {
    /// The stable name of what it mints for, the same in every process.
    fn subject(&self) -> &SubjectId;

    /// Reads what exists. Idempotent, without effect.
    ///
    /// A kind of object that may hold keys and may not be read, or is not found, is named in [`Inventory::unseen`].
    ///
    /// # Errors
    /// Where the objects that must be readable are not, and after every failure that may pass: an inventory is never
    /// shorter without saying so.
    async fn inventory(&self) -> Result<Inventory, Error>;

    /// Mints a secret. **Not idempotent**: an implementation sends the request once, and again only after an answer
    /// that proves that nothing was created.
    ///
    /// # Errors
    /// With effect [`None`](azconnect_core::Effect::None) only if provably no secret exists. With effect
    /// [`Unknown`](azconnect_core::Effect::Unknown) the caller looks for the marker in later inventories.
    ///
    /// # Cancel safety
    /// Not cancel safe: a secret may exist afterwards, findable by its marker.
    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error>;

    /// Removes exactly one key. Idempotent: a key that is not listed is a success of its own kind.
    ///
    /// # Errors
    /// Where the key is not listed by the objects that could be read and another may hold it:
    /// [`PermissionDenied`](azconnect_core::ErrorKind::PermissionDenied) if that one may not be read,
    /// [`Unavailable`](azconnect_core::ErrorKind::Unavailable) if it is not found, both with effect
    /// [`None`](azconnect_core::Effect::None). A caller that knows the key's holder asks an inventory that
    /// [saw](Inventory::saw) that holder whether the key is gone.
    async fn retire(&self, key: KeyId) -> Result<Retirement, Error>;
}
