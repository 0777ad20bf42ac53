//! One writer at a time.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::error::Error;

crate::name_id!(
    /// What is leased, such as `application/1272a66f-…`.
    LeaseKey, "lease key"
);

/// The count of grants of one key. Whatever a holder writes carries it, so that a writer who lost the lease without
/// noticing is refused (a *fencing token*).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// Proof that a key was granted to a holder until a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The key that was granted.
    pub key: LeaseKey,
    /// Higher than every earlier grant's of this key.
    pub epoch: Epoch,
    /// The holder's name, which no other process has.
    pub holder: String,
    /// When it ends, by the lease's clock.
    pub expires_at: OffsetDateTime,
}

impl Grant {
    /// A grant, for implementations of [`Lease`].
    pub fn new(key: LeaseKey, epoch: Epoch, holder: impl Into<String>, expires_at: OffsetDateTime) -> Self {
        Self { key, epoch, holder: holder.into(), expires_at }
    }
}

/// Exclusive leases with epochs that only grow.
///
/// Every implementation passes `azconnect_testkit::conformance::lease`.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Takes a key that is free or expired. Every success has a higher epoch than all before, also for a holder that
    /// asks again while it holds the key.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) with [`Retry::After`](crate::Retry) the rest of the term while another
    /// holder has it.
    async fn acquire(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Error>;

    /// Extends a grant from now by `term`, with the same epoch.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if it was superseded or released.
    async fn renew(&self, grant: &Grant, term: Duration) -> Result<Grant, Error>;

    /// Gives a key back. Releasing a superseded grant succeeds and changes nothing.
    async fn release(&self, grant: &Grant) -> Result<(), Error>;
}
