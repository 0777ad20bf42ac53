//! The product's own record of the secret it signs in with.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use azconnect_core::{Error, Secret};
use azconnect_credential::Candidate;
use azconnect_identity::OwnRecord;

use super::Faults;

/// Keeps one secret in memory. Clones are the same record.
///
/// A failure is scripted with [`SignInRecord::faults`], whose kinds of call are those of [`SignInStep`].
#[derive(Clone, Debug, Default)]
pub struct SignInRecord {
    stored: Arc<Mutex<Option<Secret>>>,
    faults: Faults<SignInStep>,
}

/// A call of an [`OwnRecord`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignInStep {
    /// [`OwnRecord::load`].
    Load,
    /// [`OwnRecord::store`].
    Store,
}

impl SignInRecord {
    /// A record in which nothing was stored yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The failures of its calls, to script more or to end them.
    pub fn faults(&self) -> &Faults<SignInStep> {
        &self.faults
    }

    /// The secret that was stored last.
    pub fn stored(&self) -> Option<Secret> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Secret::duplicate)
    }
}

#[async_trait]
impl OwnRecord for SignInRecord {
    async fn load(&self) -> Result<Option<Secret>, Error> {
        self.faults.read(&SignInStep::Load, || Ok(self.stored()))
    }

    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        self.faults.write(&SignInStep::Store, || {
            *self.stored.lock().unwrap_or_else(PoisonError::into_inner) = Some(candidate.secret.duplicate());
            Ok(())
        })
    }
}
