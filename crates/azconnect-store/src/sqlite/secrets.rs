//! Secrets in SQLite.

use async_trait::async_trait;
use azconnect_core::{Error, Secret, SecretId, SecretStore};
use rusqlite::{Connection, Transaction};

use super::audit::sync;
use super::failure::{before_effect, failed};
use super::{Shared, SqliteStore, begin, keys, present, records, rows};
use crate::rules::known::Known;
use crate::seal::journal::Totals;
use crate::seal::{SealingKeys, holds_another};
use crate::stored::present::Present;
use crate::stored::record;

/// The purpose under which secrets are sealed.
pub(super) const PURPOSE: &str = "secret";

#[async_trait]
impl SecretStore for SqliteStore {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        let (id, secret) = (id.clone(), secret.duplicate());
        self.change_secrets("store.secret.put", move |transaction, shared, known, present| {
            let totals = known.totals();
            if let Some(held) = find(transaction, &shared.keys, known, present, &id)? {
                return if held.same_as(&secret) { Ok(None) } else { Err(holds_another(&id)) };
            }
            let record = shared.keys.seal_record(PURPOSE, id.as_str(), &secret)?;
            keys::note_current(transaction, &shared.keys)?;
            let change = totals.changes + 1;
            // Counted before it is written: the secrets are counted anew where the key has changed.
            let after = present::change(present, transaction, &shared.keys, totals, (&id, Some(change)))?;
            records::write(transaction, &shared.keys, &totals.id, (&id, change), &record)?;
            Ok(Some(after))
        })
        .await
    }

    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        let id = id.clone();
        self.look_at_secrets("store.secret.get", move |connection, shared, known, present| {
            find(connection, &shared.keys, known, present, &id)
        })
        .await
    }

    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        let id = id.clone();
        self.change_secrets("store.secret.remove", move |transaction, shared, known, present| {
            let mut after = None;
            if present.change_of(&id).is_some() {
                keys::note_current(transaction, &shared.keys)?;
                after = Some(present::change(present, transaction, &shared.keys, known.totals(), (&id, None))?);
            }
            // Also what does not count, which somebody has put back.
            records::remove(transaction, &id)?;
            Ok(after)
        })
        .await?;
        // Also when nothing was removed: an earlier call may have been cut off before this.
        self.forget().await
    }

    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.look_at_secrets("store.secret.list", move |_, _, _, present| Ok(present.names(&prefix, after.as_ref())))
            .await
    }
}

impl SqliteStore {
    /// Looks at the secrets as they are at one moment.
    async fn look_at_secrets<T, W>(&self, operation: &'static str, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: FnOnce(&Connection, &Shared, &Known, &Present) -> Result<T, Error> + Send + 'static,
    {
        self.call(operation, |connection, shared| {
            let (mut known, mut present) = (shared.known(), shared.present());
            let transaction = connection.transaction().map_err(before_effect)?;
            sync(&transaction, &shared.keys, &mut known)?;
            present::sync(&mut present, &transaction, &shared.keys, known.totals())?;
            work(&transaction, shared, &known, &present)
        })
        .await
    }

    /// Changes which secrets there are, if the work says what the totals are after that.
    async fn change_secrets<W>(&self, operation: &'static str, work: W) -> Result<(), Error>
    where
        W: FnOnce(&Transaction<'_>, &Shared, &Known, &mut Present) -> Result<Option<Totals>, Error> + Send + 'static,
    {
        self.call(operation, |connection, shared| {
            let (mut known, mut present) = (shared.known(), shared.present());
            let transaction = begin(connection)?;
            sync(&transaction, &shared.keys, &mut known)?;
            shared.testify_before(&known)?;
            present::sync(&mut present, &transaction, &shared.keys, known.totals())?;
            let after = work(&transaction, shared, &known, &mut present)?;
            let mac = after.as_ref().map(|after| rows::write_totals(&transaction, &shared.keys, after)).transpose()?;
            transaction.commit().map_err(failed)?;
            let Some((after, mac)) = after.zip(mac) else { return Ok(()) };
            known.changed(after, mac);
            present.stored(&after);
            shared.testify(&known)
        })
        .await
    }
}

fn find(
    connection: &Connection,
    keys: &SealingKeys,
    known: &Known,
    present: &Present,
    id: &SecretId,
) -> Result<Option<Secret>, Error> {
    let (row, counted) = (records::find(connection, id)?, present.change_of(id));
    let record = match row {
        Some(row) => row.counted(keys, &known.totals().id, counted)?,
        None if counted.is_some() => return Err(record::lost(id)),
        // It was removed, and somebody has put a part of it back.
        None if records::is_stray(connection, id)? => return Err(record::changed(id)),
        None => return Ok(None),
    };
    keys.open_record(PURPOSE, id.as_str(), &record).map(Some)
}
