//! The secret that a product signs in with, sealed in its storage.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{
    Append, ClientId, Clock, Effect, Epoch, Error, ErrorKind, Journal, Record, Secret, SecretId, SecretStore, Sequence,
    StreamId,
};
use azconnect_credential::Candidate;
use azconnect_identity::OwnRecord;
use uuid::Uuid;

use crate::azure::Azure;
use crate::storage::Storage;

/// The kind of the records that name the secret to sign in with.
const KIND: &str = "own_secret.stored";

/// How often a reader or a writer begins again because another process wrote meanwhile.
const ATTEMPTS: u32 = 8;

/// An [`OwnRecord`] in a [`Storage`]: each secret lies sealed under a name of its own, and a stream of the journal says which
/// one counts. Every process of the product that shares the storage reads the same.
///
/// A secret that was replaced is destroyed. Processes that store at once take turns; the last one counts.
#[derive(Clone)]
pub struct SealedOwnRecord {
    journal: Arc<dyn Journal>,
    secrets: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    client: ClientId,
    stream: StreamId,
}

/// What the journal says counts now.
#[derive(Default)]
struct Current {
    last: Sequence,
    secret: Option<SecretId>,
}

impl Azure {
    /// The record, in a storage, of the secret that the product signs in with as an application.
    ///
    /// # Errors
    /// None in practice: a client id always makes the name of a stream.
    pub fn own_record(&self, storage: &Storage, client: ClientId) -> Result<SealedOwnRecord, Error> {
        Ok(SealedOwnRecord {
            journal: storage.journal(),
            secrets: storage.secrets(),
            clock: self.pipeline().clock().clone(),
            client,
            stream: StreamId::new(format!("own-secret/{client}"))?,
        })
    }
}

impl SealedOwnRecord {
    async fn current(&self) -> Result<Current, Error> {
        let Some(entry) = self.journal.latest(&self.stream).await?.pop() else { return Ok(Current::default()) };
        let secret = SecretId::new(entry.record.payload)?;
        if !self.is_own(&secret) {
            return Err(foreign(&self.stream, &secret));
        }
        Ok(Current { last: entry.sequence, secret: Some(secret) })
    }

    /// Where the secrets of this client are sealed, and nobody else's.
    fn prefix(&self) -> String {
        format!("own-secret/{}/", self.client)
    }

    fn is_own(&self, secret: &SecretId) -> bool {
        secret.as_str().strip_prefix(&self.prefix()).is_some_and(|unique| Uuid::try_parse(unique).is_ok())
    }

    /// Says in the journal that a sealed secret counts from now on, and returns what counted before. `None` if the very same
    /// secret counts already.
    async fn point_to(&self, id: &SecretId, secret: &Secret) -> Result<Option<Current>, Error> {
        for _ in 0..ATTEMPTS {
            let before = self.current().await.map_err(|error| error.with_effect(Effect::None))?;
            if self.is_held(&before, secret).await? {
                return Ok(None);
            }
            // A checkpoint, so that nobody ever reads what was before it.
            let record = Record::checkpoint(KIND, id.as_str(), self.clock.now());
            // Its writers need no lease: what is appended is the whole state, and the position excludes the others.
            let append = Append::new(self.stream.clone(), before.last, Epoch(1), vec![record]).with_at_rest(true);
            match self.journal.append(append).await {
                Ok(_) => return Ok(Some(before)),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(busy())
    }

    async fn is_held(&self, current: &Current, secret: &Secret) -> Result<bool, Error> {
        let Some(id) = &current.secret else { return Ok(false) };
        match self.secrets.get(id).await {
            Ok(held) => Ok(held.is_some_and(|held| held.same_as(secret))),
            // One that was damaged is to be replaced, like one that is gone.
            Err(error) if error.kind() == ErrorKind::Corrupt => Ok(false),
            Err(error) => Err(error.with_effect(Effect::None)),
        }
    }
}

#[async_trait]
impl OwnRecord for SealedOwnRecord {
    async fn load(&self) -> Result<Option<Secret>, Error> {
        let mut missing = None;
        for _ in 0..ATTEMPTS {
            let Some(id) = self.current().await?.secret else { return Ok(None) };
            if let Some(secret) = self.secrets.get(&id).await? {
                return Ok(Some(secret));
            }
            // Replaced and destroyed between the two reads, unless the journal still names it.
            if missing.as_ref() == Some(&id) {
                return Err(lost(self.client));
            }
            missing = Some(id);
        }
        Err(busy())
    }

    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        let id = SecretId::new(format!("{}{}", self.prefix(), Uuid::new_v4()))?;
        // Sealed before the journal names it: a crash in between leaves the former one, and a copy that nobody names.
        self.secrets.put(&id, candidate.secret).await.map_err(|error| error.with_effect(Effect::None))?;
        let outcome = self.point_to(&id, candidate.secret).await;
        let obsolete = match &outcome {
            Ok(Some(before)) => before.secret.as_ref(),
            Ok(None) => Some(&id),
            // Unless the journal may name it.
            Err(error) => Some(&id).filter(|_| error.effect() == Effect::None),
        };
        if let Some(obsolete) = obsolete {
            // The record says what it should; a copy that stays is sealed, and signs in for as long as it lives.
            let _ = self.secrets.remove(obsolete).await;
        }
        outcome.map(drop)
    }
}

impl fmt::Debug for SealedOwnRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedOwnRecord").field("client", &self.client).finish_non_exhaustive()
    }
}

fn foreign(stream: &StreamId, secret: &SecretId) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{stream} names the sealed secret {secret}, which is not its own"))
        .with_effect(Effect::None)
        .with_advice("somebody changed the journal: find out who can write to it, and restore it from a backup")
}

fn lost(client: ClientId) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the sealed secret that {client} signs in with is not in the store"))
        .with_effect(Effect::None)
        .with_advice("restore the journal and the secrets from one backup, or store a working secret anew")
}

fn busy() -> Error {
    Error::new(ErrorKind::Unavailable, "other processes keep replacing the secret that the product signs in with")
        .with_effect(Effect::None)
        .with_advice("let one process rotate it, and try again")
}
