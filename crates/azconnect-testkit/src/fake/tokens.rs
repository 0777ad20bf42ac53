//! Access tokens without an identity service.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, ErrorKind, Scope, Secret};
use azconnect_credential::{AccessToken, TokenProvider};

use super::Faults;

/// How long a token lives.
const LIFE: Duration = Duration::from_secs(3600);

/// Gives counted tokens, each for an hour, and keeps one for each scope. Clones are the same provider.
///
/// A failure is scripted with [`Tokens::faults`], whose only kind of call is `()`: fetching a token.
#[derive(Clone)]
pub struct Tokens {
    clock: Arc<dyn Clock>,
    given: Arc<Mutex<Given>>,
    faults: Faults<()>,
}

#[derive(Default)]
struct Given {
    fetched: usize,
    held: HashMap<Scope, Arc<AccessToken>>,
}

impl Tokens {
    /// A provider that has given no token yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, given: Arc::default(), faults: Faults::new() }
    }

    /// The failures of fetching a token, to script more or to end them.
    pub fn faults(&self) -> &Faults<()> {
        &self.faults
    }

    /// How many tokens were fetched, for any scope.
    pub fn fetched(&self) -> usize {
        self.given().fetched
    }

    fn fetch(&self, scope: &Scope) -> Result<Arc<AccessToken>, Error> {
        let fetched = self.faults.read(&(), || {
            let mut given = self.given();
            given.fetched += 1;
            let secret = Secret::new(format!("fake-access-token~{:08}", given.fetched));
            let now = self.clock.now();
            Ok(Arc::new(AccessToken::new(secret, now + LIFE, now + LIFE / 2)))
        });
        let token = fetched.map_err(|error| match error.kind() {
            // A product shows code and advice of a refused credential, so a scripted refusal has them too.
            ErrorKind::Unauthenticated => {
                error.with_service_code("AADSTS7000215").with_advice("check the secret of the application")
            }
            _ => error,
        })?;
        self.given().held.insert(scope.clone(), Arc::clone(&token));
        Ok(token)
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, scope: &Scope) -> Result<Arc<AccessToken>, Error> {
        let now = self.clock.now();
        let held = self.given().held.get(scope).filter(|token| now < token.expires_at).cloned();
        held.map_or_else(|| self.fetch(scope), Ok)
    }

    async fn invalidate(&self, scope: &Scope, refused: &AccessToken) {
        let mut given = self.given();
        // A second caller may report an older token, which must not cost the newer one.
        if given.held.get(scope).is_some_and(|token| token.secret.same_as(&refused.secret)) {
            given.held.remove(scope);
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("fetched", &self.fetched()).finish_non_exhaustive()
    }
}
