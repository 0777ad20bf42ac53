//! The parts that an application is given, and that are taken from it.

use async_trait::async_trait;
use azconnect_core::{Error, PrincipalObjectId};

use super::registry::Subject;
use crate::part::Part;

/// Whether a part is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Presence {
    /// It is not listed.
    Absent,
    /// It is there, and nothing says who made it.
    Present,
    /// It is there and carries the marker of the setup, or the name that only this very part has.
    Ours,
}

/// How a part was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Whether it is there.
    pub presence: Presence,
    /// The object id of the service principal, where the part is that one and is there.
    pub principal: Option<PrincipalObjectId>,
}

impl Found {
    /// A part that is there, or is not.
    pub fn new(presence: Presence) -> Self {
        Self { presence, principal: None }
    }

    /// Sets the object id of the service principal.
    #[must_use]
    pub fn with_principal(mut self, principal: PrincipalObjectId) -> Self {
        self.principal = Some(principal);
        self
    }
}

/// How a part was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Given {
    /// Whether the service said that it was there already.
    pub was_there: bool,
    /// The object id of the service principal, where the part is that one.
    pub principal: Option<PrincipalObjectId>,
}

impl Given {
    /// A part that this call gave, as far as the service tells.
    pub fn now() -> Self {
        Self { was_there: false, principal: None }
    }

    /// A part that was there already.
    pub fn before() -> Self {
        Self { was_there: true, principal: None }
    }

    /// Sets the object id of the service principal.
    #[must_use]
    pub fn with_principal(mut self, principal: PrincipalObjectId) -> Self {
        self.principal = Some(principal);
        self
    }
}

/// How a part was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Taken {
    /// It is gone, or was gone already.
    Gone,
    /// It stays, since somebody changed it or uses it.
    Left(String),
}

/// Gives an application its parts. [`Part::Secret`] is none of them: it is minted through
/// [`Credentials`](super::Credentials).
#[async_trait]
pub trait Grants: Send + Sync {
    /// Whether a part is there. Idempotent, without effect; reads lag behind writes.
    ///
    /// # Errors
    /// If it cannot be read.
    async fn look(&self, subject: &Subject, part: &Part) -> Result<Found, Error>;

    /// Sees to it that a part is there. Idempotent. What it makes that can carry a marker carries the subject's.
    ///
    /// # Errors
    /// With effect [`Unknown`](azconnect_core::Effect::Unknown) it may be there: do the same again.
    async fn give(&self, subject: &Subject, part: &Part) -> Result<Given, Error>;

    /// Takes a part back that the setup made, and nothing else. Idempotent: one that is gone is a success. What somebody
    /// changed or uses is left.
    ///
    /// # Errors
    /// If it is not gone for sure.
    async fn take(&self, subject: &Subject, part: &Part) -> Result<Taken, Error>;

    /// Whether the operator has the right to give a part, where that can be read: `None` if it cannot. Idempotent, without
    /// effect.
    ///
    /// # Errors
    /// If the service cannot be asked.
    async fn may_give(&self, part: &Part) -> Result<Option<bool>, Error>;
}
