//! A store with a key of its own, which is kept in the database, wrapped by a key that is kept elsewhere.
//!
//! The wrapping key is asked once at the opening, and when the key is wrapped anew: never within a transaction, and never for a
//! secret. So a vault that is out of reach stops no store that is open.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use azconnect_core::{Clock, Error, ErrorKind, KeyWrap, WrappedKey, WrappingKeyId};
use rusqlite::{Connection, Transaction, params};

use super::failure::{before_effect, damaged};
use super::{SqliteOptions, SqliteStore, blocking, file, open, schema};
use crate::seal::SealingKeys;
use crate::seal::store_key::{MOST_READINGS, StoreKey, StoreKeys, WrappedAnew, current_alone, require_expected};
use crate::stored::noted::check_forgets;
use crate::witness::older;

/// Adds the key that is to be added, unless another process was faster.
pub(super) fn note(transaction: &Transaction<'_>, keys: &SealingKeys, own: &StoreKeys) -> Result<(), Error> {
    match own.admit(keys, &rows(transaction)?)? {
        Some(all) => {
            super::keys::note_current(transaction, keys)?;
            write(transaction, &all)
        }
        None => Ok(()),
    }
}

/// Forgets all keys of the store but the current one.
pub(super) fn forget_others(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Error> {
    let former = rows(transaction)?;
    check_forgets(keys, former.iter().map(|key| key.id.as_str()))?;
    write(transaction, &current_alone(keys, &former)?)
}

impl SqliteOptions {
    /// Opens a store with a random key of its own, which lies in the database, wrapped by a key that is kept elsewhere, such as
    /// in a vault: or creates it where there is no file. The key is unwrapped once, here, and is held in memory.
    ///
    /// With a vault's key, give [`with_expected_key`](Self::with_expected_key) or a witness: see there why.
    ///
    /// # Errors
    /// As [`KeyWrap::unwrap`], with the field `wrapping_key`: where the vault is out of reach, nothing was opened or changed.
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the database is sealed with a key that was given; besides, as
    /// [`SqliteOptions::open`].
    pub async fn open_wrapped(
        self,
        path: impl AsRef<Path>,
        wrap: &dyn KeyWrap,
        clock: Arc<dyn Clock>,
    ) -> Result<SqliteStore, Error> {
        let path = file::absolute(path.as_ref())?;
        let mut readings = 1;
        loop {
            match self.clone().try_open_wrapped(&path, wrap, clock.clone()).await {
                // Another process made the database, or a new key, since the keys were read.
                Err(error) if error.kind() == ErrorKind::Conflict && readings < MOST_READINGS => readings += 1,
                opened => return opened.map_err(|error| error.in_operation("store.open")),
            }
        }
    }

    async fn try_open_wrapped(
        self,
        path: &Path,
        wrap: &dyn KeyWrap,
        clock: Arc<dyn Clock>,
    ) -> Result<SqliteStore, Error> {
        let found = blocking({
            let path = path.to_owned();
            move || read(&path)
        })
        .await?;
        let exists = found.is_some();
        let (keys, own) = StoreKeys::open(wrap, found, self.renews).await?.ok_or_else(|| given(path))?;
        let path = path.to_owned();
        blocking(move || {
            self.require_expected(&keys, exists)?;
            open_or_yield(path, keys, clock, self, &own)
        })
        .await
    }

    /// Refuses a database whose key, which its writer may have made and wrapped, is not the one that is known elsewhere.
    fn require_expected(&self, keys: &SealingKeys, exists: bool) -> Result<(), Error> {
        require_expected(self.expected, keys, exists)?;
        let remembered = self.witness.as_ref().map(|witness| witness.recall()).transpose()?.flatten();
        match remembered.is_some_and(|remembered| !remembered.is_marked_with(|id| keys.has_named(id))) {
            true => Err(older("is marked with another key than its witness remembers")),
            false => Ok(()),
        }
    }
}

impl SqliteStore {
    /// Wraps the key of the store with another wrapping key, or with the current version of the same, and keeps that in the
    /// place of what was kept before. Returns the wrapping key. After it the former wrapping key is not needed any more.
    ///
    /// A store that was opened with a key that was given becomes one with a key of its own by this: from then on
    /// [`SqliteOptions::open_wrapped`] opens it too. The given key opens it still, until it is
    /// [renewed](SqliteOptions::renewing_key).
    ///
    /// All or nothing; idempotent; other processes go on. What was wrapped is unwrapped again before it takes the place of what
    /// was there, so a key that cannot unwrap is noticed in time.
    ///
    /// # Errors
    /// As [`KeyWrap::wrap`] and [`KeyWrap::unwrap`]; [`Conflict`](ErrorKind::Conflict) if another process has changed the key of
    /// the store, and this one has not opened the new one. Nothing was changed then.
    pub async fn wrap_key(&self, wrap: &dyn KeyWrap) -> Result<WrappingKeyId, Error> {
        let anew = WrappedAnew::of(wrap, &self.0.keys).await?;
        let wrapper = anew.wrapper();
        self.change("store.wrap_key", move |transaction, shared| {
            let noted = super::keys::noted(transaction)?;
            let noted = noted.iter().map(String::as_str);
            write(transaction, &anew.in_place_of(&shared.keys, &rows(transaction)?, noted)?)
        })
        .await?;
        self.forget().await?;
        Ok(wrapper)
    }
}

/// Opens a database with keys. Where another process created it with other ones meanwhile, that is a conflict.
fn open_or_yield(
    path: PathBuf,
    keys: SealingKeys,
    clock: Arc<dyn Clock>,
    options: SqliteOptions,
    own: &StoreKeys,
) -> Result<SqliteStore, Error> {
    let creates = own.former.is_empty();
    let opened = SqliteStore::open_absolute(path.clone(), keys, clock, options, Some(own));
    match (opened, &own.added) {
        (Err(error), Some(added))
            if creates && read(&path)?.is_some_and(|found| !found.iter().any(|key| key.is_same(added))) =>
        {
            Err(error.with_kind(ErrorKind::Conflict))
        }
        (opened, _) => opened,
    }
}

/// The keys of the store, the last of which is the current one; none if there is no database.
fn read(path: &Path) -> Result<Option<Vec<StoreKey>>, Error> {
    if !file::exists_and_is_ours(path)? {
        return Ok(None);
    }
    let connection = open::connect(path).map_err(|error| open::named(path, error))?;
    open::checkpoint_on_close(&connection, false)?;
    let found = match schema::version(&connection)? {
        ..schema::COUNTED => Ok(Vec::new()),
        _ => rows(&connection),
    };
    found.map(Some).map_err(|error| open::named(path, error))
}

fn rows(connection: &Connection) -> Result<Vec<StoreKey>, Error> {
    let sql = "SELECT id, wrapper, wrapped, mac FROM store_key ORDER BY number";
    let mut rows = connection.prepare(sql).map_err(before_effect)?;
    let rows = rows
        .query_map((), |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?)))
        .map_err(before_effect)?;
    rows.map(|row| {
        let (id, wrapper, blob, mark) = row.map_err(before_effect)?;
        let wrapper = WrappingKeyId::new(wrapper).map_err(|_| damaged("a wrapping key without a name"))?;
        Ok(StoreKey { id, wrapped: WrappedKey::new(wrapper, blob), mark })
    })
    .collect()
}

/// Writes all keys of the store, in the place of what was there.
fn write(transaction: &Transaction<'_>, keys: &[StoreKey]) -> Result<(), Error> {
    transaction.execute("DELETE FROM store_key", ()).map_err(before_effect)?;
    for (number, key) in (1_i64..).zip(keys) {
        let sql = "INSERT INTO store_key (number, id, wrapper, wrapped, mac) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![number, key.id, key.wrapped.key.as_str(), key.wrapped.blob, key.mark];
        let written = transaction.execute(sql, values).map_err(before_effect)?;
        if written != 1 {
            return Err(damaged("a table that took no store key"));
        }
    }
    Ok(())
}

/// The refusal of a database that has no key of its own.
fn given(path: &Path) -> Error {
    let message =
        format!("the database {} is sealed with a key that was given, and has none of its own", path.display());
    Error::invalid("wrapping_key", message).with_advice(
        "open it with `SqliteStore::open` and that key, call `SqliteStore::wrap_key` once, and open it as this afterwards",
    )
}
