//! The secret that a running process signs in with, and the record that it is kept in.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use azconnect_core::{Error, Secret};
use azconnect_credential::check_client_secret;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::own_record::OwnRecord;
use crate::shared_error::share;

/// Whether a text may be a secret of the kind that is in use.
type Check = fn(&Secret) -> Result<(), Error>;

type Read = Result<Option<Arc<Secret>>, Arc<Error>>;

/// The secret in use. Whoever shares it sees a replacement at once.
pub(crate) struct LiveSecret {
    /// Refuses what cannot be such a secret, before it is tried.
    check: Check,
    // The inner `Arc` lets a sign-in under way keep the secret it began with, without a copy of the text.
    secret: RwLock<Arc<Secret>>,
    record: RwLock<Option<Arc<dyn OwnRecord>>>,
    /// A reading of the record, alive only as long as somebody waits for it.
    reading: Mutex<Option<WeakShared<BoxFuture<'static, Read>>>>,
}

impl LiveSecret {
    /// A client secret.
    pub(crate) fn new(secret: Secret) -> Self {
        Self::of(Arc::new(secret), check_client_secret)
    }

    /// A secret of a kind that has a check of its own.
    pub(crate) fn of(secret: Arc<Secret>, check: Check) -> Self {
        Self { check, secret: RwLock::new(secret), record: RwLock::default(), reading: Mutex::default() }
    }

    pub(crate) fn current(&self) -> Arc<Secret> {
        Arc::clone(&self.secret.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, secret: Arc<Secret>) {
        *self.secret.write().unwrap_or_else(PoisonError::into_inner) = secret;
    }

    /// Replaces a secret that was refused, unless somebody has done so meanwhile.
    pub(crate) fn replace_refused(&self, refused: &Secret, next: Arc<Secret>) {
        let mut secret = self.secret.write().unwrap_or_else(PoisonError::into_inner);
        if secret.same_as(refused) {
            *secret = next;
        }
    }

    /// Looks into this record from now on when the secret in use is refused.
    pub(crate) fn follow(&self, record: Arc<dyn OwnRecord>) {
        *self.record.write().unwrap_or_else(PoisonError::into_inner) = Some(record);
    }

    /// Another secret to sign in with, after one was refused: the one in use if it was replaced meanwhile, else that of the
    /// record. `None` if nobody knows another one. Callers that are refused together share one reading of the record.
    pub(crate) async fn successor(&self, refused: &Secret) -> Result<Option<Arc<Secret>>, Error> {
        let current = self.current();
        if !current.same_as(refused) {
            return Ok(Some(current));
        }
        let record = self.record.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(record) = record else { return Ok(None) };
        let held = self.read(record).await.map_err(|error| share(&error))?;
        Ok(held.filter(|held| !held.same_as(refused)))
    }

    fn read(&self, record: Arc<dyn OwnRecord>) -> Shared<BoxFuture<'static, Read>> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        // One that has ended is not joined: it may have read before the record was written.
        if let Some(shared) = reading.as_ref().and_then(WeakShared::upgrade).filter(|shared| shared.peek().is_none()) {
            return shared;
        }
        let check = self.check;
        let shared = async move { load(&*record, check).await.map_err(Arc::new) }.boxed().shared();
        *reading = shared.downgrade();
        shared
    }
}

async fn load(record: &dyn OwnRecord, check: Check) -> Result<Option<Arc<Secret>>, Error> {
    let Some(held) = record.load().await? else { return Ok(None) };
    check(&held)?;
    Ok(Some(Arc::new(held)))
}
