//! The change of the key: data keys are sealed anew, in portions, and then everything is marked anew.

use azconnect_core::Error;
use rusqlite::Transaction;

use super::audit::sync;
use super::failure::failed;
use super::secrets::PURPOSE;
use super::{Shared, SqliteStore, begin, documents, keys, present, records, sign, store_key};
use crate::rules::known::Known;
use crate::stored::present::Present;
use crate::stored::record;
use crate::stored::resealed::{PORTION, Resealed};

impl SqliteStore {
    /// Brings everything under the current key that is under a previous one, and returns how many secrets that were. After it
    /// the previous keys are not needed any more, and no process that has only those can open the file.
    ///
    /// No secret is opened: its data key is sealed anew. The exceptions are secrets that an earlier version sealed without a
    /// data key: they are opened, and sealed with one. That is done for all of them, also where the key does not change.
    ///
    /// It is done in portions, each a transaction, and other calls go on between them. Stopped or killed at any point, it is
    /// ended by calling it again; until then both keys are needed. [`SqliteStore::reseal_some`] does one portion.
    ///
    /// # Errors
    /// [`Corrupt`](azconnect_core::ErrorKind::Corrupt) if a secret, its data key, or something of the journal is not as it was
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

    /// Brings up to `limit` secrets under the current key, or, where none is left, marks the journal and the documents with
    /// it and forgets the previous keys. Says how far it is: for whoever shows the progress of [`SqliteStore::reseal`].
    ///
    /// # Errors
    /// As [`SqliteStore::reseal`]; nothing of this portion was done then.
    pub async fn reseal_some(&self, limit: usize) -> Result<Resealed, Error> {
        let resealed = self
            .call("store.reseal", move |connection, shared| {
                let (mut known, mut present) = (shared.known(), shared.present());
                let transaction = begin(connection)?;
                sync(&transaction, &shared.keys, &mut known)?;
                shared.testify_before(&known)?;
                present::sync(&mut present, &transaction, &shared.keys, known.totals())?;
                let resealed = portion(&transaction, shared, &known, &present, limit.max(1))?;
                let ends = resealed.left == 0 && !is_under_current(&transaction, shared, &known)?;
                if ends {
                    sign::reseal(&transaction, &shared.keys, &mut known)?;
                    documents::reseal(&transaction, &shared.keys)?;
                    keys::forget_others(&transaction, &shared.keys)?;
                    store_key::forget_others(&transaction, &shared.keys)?;
                }
                transaction.commit().map_err(failed)?;
                if ends {
                    shared.follow(connection, &mut known)?;
                }
                Ok(Resealed { is_over: resealed.left == 0, ..resealed })
            })
            .await?;
        if resealed.done > 0 || resealed.is_over {
            // The former data keys, which lie in the log until then.
            self.forget().await?;
        }
        Ok(resealed)
    }
}

fn portion(
    transaction: &Transaction<'_>,
    shared: &Shared,
    known: &Known,
    present: &Present,
    limit: usize,
) -> Result<Resealed, Error> {
    let (keys, journal) = (&shared.keys, known.totals().id);
    let current = keys.current().id();
    let rows = records::not_under(transaction, current.as_bytes(), limit)?;
    let done = rows.len();
    for row in rows {
        let (id, change) = (row.id.clone(), row.change);
        let mut record = row.counted(keys, &journal, present.change_of(&id))?;
        if record.wrapped.is_empty() {
            record = keys.seal_record(PURPOSE, id.as_str(), &keys.open_record(PURPOSE, id.as_str(), &record)?)?;
        } else {
            record.wrapped = keys.rewrap(id.as_str(), &record.wrapped)?;
        }
        records::write(transaction, keys, &journal, (&id, change), &record)?;
    }
    if done > 0 {
        keys::note_current(transaction, keys)?;
    }
    let left = records::count_not_under(transaction, current.as_bytes())?;
    // A data key whose secret is gone is under no key that could be changed.
    if done == 0 && left > 0 {
        return Err(record::lost_some(left));
    }
    Ok(Resealed { done, left, is_over: false })
}

/// Whether nothing bears a mark or a seal of another key.
fn is_under_current(transaction: &Transaction<'_>, shared: &Shared, known: &Known) -> Result<bool, Error> {
    let current = shared.keys.current().id();
    Ok(known.mac().key_id() == Some(current) && !keys::has_others(transaction, current)?)
}
