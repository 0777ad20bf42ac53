//! The refresh tokens of people, in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, Revision, Secret};
use azconnect_credential::{KeptRefreshToken, LinkId};

use super::Faults;

/// Keeps refresh tokens in memory. Clones are the same store, as processes of one product have it.
///
/// A failure is scripted with [`RefreshTokens::faults`], whose kinds of call are those of [`RefreshTokensStep`].
#[derive(Clone, Debug, Default)]
pub struct RefreshTokens {
    kept: Arc<Mutex<Kept>>,
    faults: Faults<RefreshTokensStep>,
}

/// A call of [`azconnect_credential::RefreshTokens`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshTokensStep {
    /// `load`.
    Load,
    /// `store`.
    Store,
    /// `remove`.
    Remove,
}

#[derive(Debug, Default)]
struct Kept {
    tokens: HashMap<LinkId, (Secret, Revision)>,
    /// Of all links: a link that was removed and linked anew has a revision that it never had.
    last: u64,
}

impl RefreshTokens {
    /// A store that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The failures of its calls, to script more or to end them.
    pub fn faults(&self) -> &Faults<RefreshTokensStep> {
        &self.faults
    }

    /// The token that is kept, whatever fault a call would meet.
    pub fn kept(&self, link: &LinkId) -> Option<Secret> {
        self.lock().tokens.get(link).map(|(token, _)| token.duplicate())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl azconnect_credential::RefreshTokens for RefreshTokens {
    async fn load(&self, link: &LinkId) -> Result<Option<KeptRefreshToken>, Error> {
        self.faults.read(&RefreshTokensStep::Load, || {
            let kept = self.lock();
            let found = kept.tokens.get(link);
            Ok(found.map(|(token, revision)| KeptRefreshToken::new(token.duplicate(), *revision)))
        })
    }

    async fn store(&self, link: &LinkId, token: &Secret, after: Option<Revision>) -> Result<Revision, Error> {
        self.faults.write(&RefreshTokensStep::Store, || {
            let mut kept = self.lock();
            if kept.tokens.get(link).map(|(_, revision)| *revision) != after {
                return Err(Error::new(ErrorKind::Conflict, "another refresh token is kept, or none any more")
                    .with_effect(Effect::None));
            }
            kept.last += 1;
            let revision = Revision(kept.last);
            kept.tokens.insert(link.clone(), (token.duplicate(), revision));
            Ok(revision)
        })
    }

    async fn remove(&self, link: &LinkId) -> Result<(), Error> {
        self.faults.write(&RefreshTokensStep::Remove, || {
            self.lock().tokens.remove(link);
            Ok(())
        })
    }
}
