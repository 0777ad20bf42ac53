//! A store with a key of its own, which is kept in its tables, wrapped by a key that is kept elsewhere.

use std::sync::Arc;

use azconnect_core::{Clock, Error, ErrorKind, KeyWrap, WrappedKey, WrappingKeyId};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::attempts::repeat;
use super::failure::Fault;
use super::rows::expect;
use super::server::Server;
use super::transaction::{Lock, Mode, Transaction};
use super::{PostgresOptions, PostgresStore, keys, schema};
use crate::seal::SealingKeys;
use crate::seal::store_key::{MOST_READINGS, StoreKey, StoreKeys, WrappedAnew, current_alone, require_expected};
use crate::stored::damaged;
use crate::stored::noted::check_forgets;

impl PostgresOptions {
    /// Opens a store with a random key of its own, which lies in its tables, wrapped by a key that is kept elsewhere, such as in
    /// a vault: or makes the tables where there are none. The key is unwrapped once, here, and is held in memory.
    ///
    /// With a vault's key, give [`with_expected_key`](Self::with_expected_key): see there why.
    ///
    /// # Errors
    /// As [`KeyWrap::unwrap`], with the field `wrapping_key`: where the vault is out of reach, nothing was opened or changed.
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the store is sealed with a key that was given; besides, as
    /// [`PostgresOptions::open`].
    pub async fn open_wrapped(self, wrap: &dyn KeyWrap, clock: Arc<dyn Clock>) -> Result<PostgresStore, Error> {
        let mut readings = 1;
        loop {
            match self.try_open_wrapped(wrap, clock.clone()).await {
                // Another process made the tables, or a new key, since the keys were read.
                Err(error) if error.kind() == ErrorKind::Conflict && readings < MOST_READINGS => readings += 1,
                opened => return opened.map_err(|error| error.in_operation("store.open")),
            }
        }
    }

    async fn try_open_wrapped(&self, wrap: &dyn KeyWrap, clock: Arc<dyn Clock>) -> Result<PostgresStore, Error> {
        let server = self.server(clock)?;
        let found = repeat!(&*server.clock, "store.open", read(&server))?;
        let exists = found.is_some();
        let (keys, own) = StoreKeys::open(wrap, found, self.renews).await?.ok_or_else(given)?;
        require_expected(self.expected, &keys, exists)?;
        PostgresStore::connect(server, keys, Some(&own)).await
    }
}

impl PostgresStore {
    /// Wraps the key of the store with another wrapping key, or with the current version of the same, and keeps that in the
    /// place of what was kept before. Returns the wrapping key. After it the former wrapping key is not needed any more.
    ///
    /// A store that was opened with a key that was given becomes one with a key of its own by this: from then on
    /// [`PostgresOptions::open_wrapped`] opens it too. The given key opens it still, until it is
    /// [renewed](PostgresOptions::renewing_key).
    ///
    /// All or nothing; idempotent; other processes go on. What was wrapped is unwrapped again before it takes the place of what
    /// was there, so a key that cannot unwrap is noticed in time.
    ///
    /// # Errors
    /// As [`KeyWrap::wrap`] and [`KeyWrap::unwrap`]; [`Conflict`](ErrorKind::Conflict) if another process has made a new key
    /// that this one has not opened. Nothing was changed then.
    pub async fn wrap_key(&self, wrap: &dyn KeyWrap) -> Result<WrappingKeyId, Error> {
        let anew = WrappedAnew::of(wrap, &self.0.keys).await?;
        repeat!(self.clock(), "store.wrap_key", self.wrap_once(&anew))?;
        Ok(anew.wrapper())
    }

    async fn wrap_once(&self, anew: &WrappedAnew) -> Result<(), Fault> {
        let transaction = Transaction::begin(&self.0.server, &[(Lock::Store, Mode::Exclusive)]).await?;
        let (former, noted) = (rows(&transaction).await?, keys::noted(&transaction).await?);
        let keys = match anew.in_place_of(&self.0.keys, &former, noted.iter().map(String::as_str)) {
            Ok(keys) => keys,
            Err(refusal) => return Err(transaction.refuse(refusal).await),
        };
        write(&transaction, &keys).await?;
        transaction.commit().await
    }
}

/// Adds the key that is to be added, unless another process was faster.
pub(super) async fn note(transaction: &Transaction<'_>, sealing: &SealingKeys, own: &StoreKeys) -> Result<(), Fault> {
    if let Some(all) = own.admit(sealing, &rows(transaction).await?)? {
        keys::note_current(transaction, sealing).await?;
        write(transaction, &all).await?;
    }
    Ok(())
}

/// Forgets all keys of the store but the current one.
pub(super) async fn forget_others(transaction: &Transaction<'_>, sealing: &SealingKeys) -> Result<(), Fault> {
    let former = rows(transaction).await?;
    check_forgets(sealing, former.iter().map(|key| key.id.as_str()))?;
    write(transaction, &current_alone(sealing, &former)?).await
}

/// The keys of the store, the last of which is the current one; none if there are no tables.
async fn read(server: &Server) -> Result<Option<Vec<StoreKey>>, Fault> {
    let transaction = Transaction::begin(server, &[(Lock::Store, Mode::Shared)]).await?;
    let found = match schema::version(&transaction, server).await? {
        Some(_) => Some(rows(&transaction).await?),
        None => None,
    };
    transaction.end().await?;
    Ok(found)
}

pub(super) async fn rows(transaction: &Transaction<'_>) -> Result<Vec<StoreKey>, Fault> {
    let read = |row: &Row| {
        let wrapper: String = row.try_get(1)?;
        let wrapper = WrappingKeyId::new(wrapper).map_err(|_| damaged("a wrapping key without a name"))?;
        let wrapped = WrappedKey::new(wrapper, row.try_get::<_, Vec<u8>>(2)?);
        Ok(StoreKey { id: row.try_get(0)?, wrapped, mark: row.try_get(3)? })
    };
    let found = transaction.query("SELECT id, wrapper, wrapped, mac FROM store_key ORDER BY number", &[]).await?;
    found.iter().map(read).collect()
}

/// Writes all keys of the store, in the place of what was there.
async fn write(transaction: &Transaction<'_>, keys: &[StoreKey]) -> Result<(), Fault> {
    transaction.batch("DELETE FROM store_key").await?;
    for (number, key) in (1_i64..).zip(keys) {
        let sql = "INSERT INTO store_key (number, id, wrapper, wrapped, mac) VALUES ($1, $2, $3, $4, $5)";
        let values: &[(&(dyn ToSql + Sync), Type)] = &[
            (&number, Type::INT8),
            (&key.id, Type::TEXT),
            (&key.wrapped.key.as_str(), Type::TEXT),
            (&key.wrapped.blob, Type::BYTEA),
            (&key.mark, Type::BYTEA),
        ];
        expect(transaction.execute(sql, values).await?, 1)?;
    }
    Ok(())
}

/// The refusal of a store that has no key of its own.
fn given() -> Error {
    Error::invalid("wrapping_key", "the store is sealed with a key that was given, and has none of its own").with_advice(
        "open it with `PostgresOptions::open` and that key, call `PostgresStore::wrap_key` once, and open it as this \
         afterwards",
    )
}
