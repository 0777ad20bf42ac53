//! Secrets in SQLite.

use async_trait::async_trait;
use azconnect_core::{Error, Secret, SecretId, SecretStore};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::failure::{before_effect, damaged};
use super::{SqliteStore, keys};
use crate::seal::{SealingKeys, holds_another};

/// The purpose under which secrets are sealed.
pub(super) const PURPOSE: &str = "secret";

#[async_trait]
impl SecretStore for SqliteStore {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        let (id, secret) = (id.clone(), secret.duplicate());
        self.change("store.secret.put", move |transaction, shared| {
            if let Some(held) = find(transaction, &shared.keys, &id)? {
                return if held.same_as(&secret) { Ok(()) } else { Err(holds_another(&id)) };
            }
            let sealed = shared.keys.seal(PURPOSE, id.as_str(), &secret)?;
            keys::note_current(transaction, &shared.keys)?;
            let written = transaction
                .execute("INSERT INTO secret (id, sealed) VALUES (?1, ?2)", params![id.as_str(), sealed])
                .map_err(before_effect)?;
            // A table that was made anew behind our back could pass over what it is given.
            if written == 1 { Ok(()) } else { Err(damaged("a table that took no sealed secret")) }
        })
        .await
    }

    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        let id = id.clone();
        self.call("store.secret.get", move |connection, shared| find(connection, &shared.keys, &id)).await
    }

    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        let id = id.clone();
        self.change("store.secret.remove", move |transaction, _| {
            transaction
                .execute("DELETE FROM secret WHERE id = ?1", params![id.as_str()])
                .map(drop)
                .map_err(before_effect)
        })
        .await?;
        // Also when nothing was removed: an earlier call may have been cut off before this.
        self.forget().await
    }
}

fn find(connection: &Connection, keys: &SealingKeys, id: &SecretId) -> Result<Option<Secret>, Error> {
    let sealed: Option<Vec<u8>> = connection
        .query_row("SELECT sealed FROM secret WHERE id = ?1", params![id.as_str()], |row| row.get(0))
        .optional()
        .map_err(before_effect)?;
    sealed.map(|sealed| keys.open(PURPOSE, id.as_str(), &sealed)).transpose()
}
