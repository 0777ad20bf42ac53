//! The change of the key: data keys are sealed anew, in portions, and then everything is marked anew.

use azconnect_core::Error;

use super::attempts::repeat;
use super::failure::Fault;
use super::secrets::sync_secrets;
use super::transaction::{Lock, Mode, Transaction};
use super::{PostgresStore, documents, keys, records, sign, store_key};
use crate::rules::known::Known;
use crate::seal::SealingKeys;
use crate::stored::present::Present;
use crate::stored::resealed::{PORTION, Resealed};

impl PostgresStore {
    /// Brings everything under the current key that is under a previous one, and returns how many secrets that were. After it
    /// the previous keys are not needed any more, and no process that has only those can open the store.
    ///
    /// No secret is opened: its data key is sealed anew. It is done in portions, each a transaction for which everything else
    /// waits. Stopped or killed at any point, it is ended by calling it again; until then both keys are needed.
    /// [`PostgresStore::reseal_some`] does one portion.
    ///
    /// # Errors
    /// [`Corrupt`](azconnect_core::ErrorKind::Corrupt) if a secret, its data key, an entry or a document is not as it was
    /// written. What was brought under the current key before stays so, and both keys are needed.
    pub async fn reseal(&self) -> Result<usize, Error> {
        let mut count = 0;
        loop {
            let resealed = self.reseal_some(PORTION).await?;
            count += resealed.done;
            if resealed.is_over {
                return Ok(count);
            }
        }
    }

    /// Brings up to `limit` secrets under the current key, or, where none is left, marks the journal and the documents with it
    /// and forgets the previous keys. Says how far it is: for whoever shows the progress of [`PostgresStore::reseal`].
    ///
    /// # Errors
    /// As [`PostgresStore::reseal`]; nothing of this portion was done then.
    pub async fn reseal_some(&self, limit: usize) -> Result<Resealed, Error> {
        repeat!(self.clock(), "store.reseal", self.reseal_once(limit.max(1)))
    }

    async fn reseal_once(&self, limit: usize) -> Result<Resealed, Fault> {
        let keys = &self.0.keys;
        let (mut known, mut present) = (self.0.known.lock().await, self.0.present.lock().await);
        let locks = [(Lock::Store, Mode::Exclusive), (Lock::Journal, Mode::Exclusive)];
        let transaction = Transaction::begin(&self.0.server, &locks).await?;
        sync_secrets(&transaction, keys, &mut known, &mut present).await?;
        let resealed = portion(&transaction, keys, &known, &present, limit).await?;
        if resealed.is_over && !is_under_current(&transaction, keys, &known).await? {
            let secrets = present.marked_anew(keys)?;
            sign::reseal(&transaction, keys, &known, secrets).await?;
            documents::reseal(&transaction, keys).await?;
            keys::forget_others(&transaction, keys).await?;
            store_key::forget_others(&transaction, keys).await?;
        }
        transaction.commit().await?;
        Ok(resealed)
    }
}

async fn portion(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    known: &Known,
    present: &Present,
    limit: usize,
) -> Result<Resealed, Fault> {
    let journal = known.totals().id;
    let current = keys.current().id();
    let rows = records::not_under(transaction, current.as_bytes(), limit).await?;
    let done = rows.len();
    for row in rows {
        let (id, change) = (row.id.clone(), row.change);
        let mut record = row.counted(keys, &journal, present.change_of(&id))?;
        record.wrapped = keys.rewrap(id.as_str(), &record.wrapped)?;
        records::write(transaction, keys, &journal, (&id, change), &record).await?;
    }
    if done > 0 {
        keys::note_current(transaction, keys).await?;
    }
    let left = records::count_not_under(transaction, current.as_bytes()).await?;
    Ok(Resealed { done, left, is_over: left == 0 })
}

/// Whether nothing bears a mark or a seal of another key.
async fn is_under_current(transaction: &Transaction<'_>, keys: &SealingKeys, known: &Known) -> Result<bool, Fault> {
    let current = keys.current().id();
    Ok(known.mac().key_id() == Some(current) && !keys::has_others(transaction, current).await?)
}
