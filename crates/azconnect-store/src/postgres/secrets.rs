//! Secrets in PostgreSQL, each sealed with a data key of its own, and counted.

use async_trait::async_trait;
use azconnect_core::{Error, Secret, SecretId, SecretStore};

use super::attempts::repeat;
use super::failure::Fault;
use super::reader::sync;
use super::transaction::{Lock, Mode, Transaction};
use super::{PostgresStore, keys, records, rows};
use crate::rules::known::Known;
use crate::seal::journal::Totals;
use crate::seal::{SealingKeys, holds_another};
use crate::stored::present::Present;
use crate::stored::record;

/// The purpose under which secrets are sealed.
pub(super) const PURPOSE: &str = "secret";

#[async_trait]
impl SecretStore for PostgresStore {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        repeat!(self.clock(), "store.secret.put", self.put_once(id, secret))
    }

    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        repeat!(self.clock(), "store.secret.get", self.get_once(id))
    }

    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        repeat!(self.clock(), "store.secret.remove", self.remove_once(id))
    }

    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        repeat!(self.clock(), "store.secret.list", self.list_once(prefix, after))
    }
}

impl PostgresStore {
    async fn put_once(&self, id: &SecretId, secret: &Secret) -> Result<(), Fault> {
        let keys = &self.0.keys;
        let (mut known, mut present) = (self.0.known.lock().await, self.0.present.lock().await);
        let transaction = self.begin(Lock::Journal, Mode::Exclusive).await?;
        sync_secrets(&transaction, keys, &mut known, &mut present).await?;
        match find(&transaction, keys, &known, &present, id).await? {
            Some(held) if held.same_as(secret) => return transaction.end().await,
            Some(_) => return Err(transaction.refuse(holds_another(id)).await),
            None => {}
        }
        let record = keys.seal_record(PURPOSE, id.as_str(), secret)?;
        let change = known.totals().changes + 1;
        let after = count(&transaction, keys, &known, &mut present, (id, Some(change))).await?;
        records::write(&transaction, keys, &after.id, (id, change), &record).await?;
        settle(transaction, keys, &mut known, &mut present, after).await
    }

    async fn get_once(&self, id: &SecretId) -> Result<Option<Secret>, Fault> {
        let (mut known, mut present) = (self.0.known.lock().await, self.0.present.lock().await);
        let transaction = self.begin(Lock::Journal, Mode::Shared).await?;
        sync_secrets(&transaction, &self.0.keys, &mut known, &mut present).await?;
        let found = find(&transaction, &self.0.keys, &known, &present, id).await?;
        transaction.end().await?;
        Ok(found)
    }

    async fn remove_once(&self, id: &SecretId) -> Result<(), Fault> {
        let keys = &self.0.keys;
        let (mut known, mut present) = (self.0.known.lock().await, self.0.present.lock().await);
        let transaction = self.begin(Lock::Journal, Mode::Exclusive).await?;
        sync_secrets(&transaction, keys, &mut known, &mut present).await?;
        if present.change_of(id).is_none() {
            // Also what does not count, which somebody has put back.
            records::remove(&transaction, id).await?;
            return transaction.commit().await;
        }
        let after = count(&transaction, keys, &known, &mut present, (id, None)).await?;
        records::remove(&transaction, id).await?;
        settle(transaction, keys, &mut known, &mut present, after).await
    }

    async fn list_once(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Fault> {
        let (mut known, mut present) = (self.0.known.lock().await, self.0.present.lock().await);
        let transaction = self.begin(Lock::Journal, Mode::Shared).await?;
        sync_secrets(&transaction, &self.0.keys, &mut known, &mut present).await?;
        transaction.end().await?;
        Ok(present.names(prefix, after))
    }
}

/// The secrets that lie in the store, if they are those that its totals speak of.
pub(super) async fn load(transaction: &Transaction<'_>, keys: &SealingKeys, totals: &Totals) -> Result<Present, Fault> {
    Ok(Present::of(keys, totals, records::counted(transaction).await?)?)
}

/// Brings what is known of journal and secrets up to what there is now. What this process wrote itself costs one row.
pub(super) async fn sync_secrets(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    known: &mut Known,
    present: &mut Present,
) -> Result<(), Fault> {
    sync(transaction, keys, known).await?;
    if !present.is_at(known.totals()) {
        *present = load(transaction, keys, known.totals()).await?;
    }
    Ok(())
}

/// Counts a secret in, or out, before its row is written or removed, and returns the totals after that.
async fn count(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    known: &Known,
    present: &mut Present,
    (id, change): (&SecretId, Option<u64>),
) -> Result<Totals, Fault> {
    keys::note_current(transaction, keys).await?;
    if !present.is_under_current(keys) {
        *present = load(transaction, keys, known.totals()).await?;
    }
    Ok(present.change(keys, known.totals(), id, change)?)
}

/// Writes the totals after a change of the secrets, and commits.
async fn settle(
    transaction: Transaction<'_>,
    keys: &SealingKeys,
    known: &mut Known,
    present: &mut Present,
    after: Totals,
) -> Result<(), Fault> {
    let mac = keys.mark(&after.message())?;
    rows::write_totals(&transaction, known.totals(), &after, &mac).await?;
    transaction.commit().await?;
    known.changed(after, mac);
    present.stored(&after);
    Ok(())
}

async fn find(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    known: &Known,
    present: &Present,
    id: &SecretId,
) -> Result<Option<Secret>, Fault> {
    let (row, counted) = (records::find(transaction, id).await?, present.change_of(id));
    let record = match row {
        Some(row) => row.counted(keys, &known.totals().id, counted)?,
        None if counted.is_some() => return Err(record::lost(id).into()),
        None => return Ok(None),
    };
    Ok(Some(keys.open_record(PURPOSE, id.as_str(), &record)?))
}
