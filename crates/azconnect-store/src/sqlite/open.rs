//! Opening: every check before the first write.

use std::path::Path;
use std::time::Duration;

use azconnect_core::{Error, ErrorKind};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::audit::audit;
use super::failure::{before_effect, damaged, failed};
use super::options::Consent;
use super::{create, file, keys, present, schema, sign, store_key, testimony};
use crate::draft::sweep;
use crate::rules::known::Known;
use crate::seal::SealingKeys;
use crate::seal::store_key::StoreKeys;
use crate::stored::present::Present;
use crate::witness::{Testimony, older};

/// How long a call waits for other processes' transactions, which are all short.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// What a database is opened with.
pub(super) struct Opening<'a> {
    pub(super) path: &'a Path,
    pub(super) keys: &'a SealingKeys,
    pub(super) consent: Consent,
    pub(super) remembered: Option<&'a Testimony>,
    /// The wrapped keys of a store that has keys of its own.
    pub(super) own: Option<&'a StoreKeys>,
}

/// Opens the database at a path, after creating it where there is none, and says what its journal is.
pub(super) fn open(opening: &Opening<'_>) -> Result<(Connection, Known, Present), Error> {
    let Opening { path, keys, consent, remembered, own } = *opening;
    sweep(path);
    if !file::exists_and_is_ours(path)? {
        if remembered.is_some() {
            return Err(named(path, older("is gone, and its witness remembers it")));
        }
        create::create(path, keys, own)?;
        if !file::exists_and_is_ours(path)? {
            return Err(file::wrong(path, "vanished while it was opened"));
        }
    }
    let mut connection = connect(path).map_err(|error| named(path, error))?;
    // Until the checks have passed, closing the connection must not write the log into the file.
    checkpoint_on_close(&connection, false)?;
    check(&connection, keys)
        .and_then(|()| check_journal(&mut connection, keys, consent, remembered))
        .map_err(|error| named(path, error))?;
    checkpoint_on_close(&connection, true)?;
    file::close_to_others(path)?;
    set_durable(&connection).map_err(|error| named(path, error))?;
    let (known, present) = settle(&mut connection, keys, consent, own).map_err(|error| named(path, error))?;
    Ok((connection, known, present))
}

/// Refuses a journal that must not be gone on with, before anything is written.
fn check_journal(
    connection: &mut Connection,
    keys: &SealingKeys,
    consent: Consent,
    remembered: Option<&Testimony>,
) -> Result<(), Error> {
    let transaction = connection.transaction().map_err(before_effect)?;
    if schema::version(&transaction)? < schema::MARKED {
        if remembered.is_some() {
            return Err(older("has no marks, and its witness remembers them"));
        }
        return match consent.trusts_old || sign::is_empty(&transaction)? {
            true => Ok(()),
            false => Err(old()),
        };
    }
    let found = audit(&transaction, keys)?;
    remembered.map_or(Ok(()), |remembered| remembered.check(&testimony(found.known())))?;
    if schema::version(&transaction)? >= schema::COUNTED && !consent.accepts_loss {
        present::load(&transaction, keys, found.known().totals())?;
    }
    if consent.accepts_loss { Ok(()) } else { found.complete().map(drop) }
}

/// Brings the tables to the newest version and does what was consented to.
fn settle(
    connection: &mut Connection,
    keys: &SealingKeys,
    consent: Consent,
    own: Option<&StoreKeys>,
) -> Result<(Known, Present), Error> {
    schema::migrate(connection, |transaction, from| {
        if from < schema::MARKED {
            keys::note_marked(transaction, keys)?;
            // Looked at once more: somebody may have written since the check.
            if !consent.trusts_old && !sign::is_empty(transaction)? {
                return Err(old());
            }
            sign::trust(transaction, keys)?;
        }
        if from < schema::COUNTED {
            present::begin(transaction, keys)?;
        }
        own.map_or(Ok(()), |own| store_key::note(transaction, keys, own))?;
        if consent.accepts_loss { sign::accept(transaction, keys) } else { Ok(()) }
    })?;
    let transaction = connection.transaction().map_err(before_effect)?;
    let known = audit(&transaction, keys)?.complete()?;
    let present = present::load(&transaction, keys, known.totals())?;
    Ok((known, present))
}

/// The refusal to mark, unasked, what anybody may have written.
fn old() -> Error {
    Error::invalid(
        "trusting_old_journal",
        "the journal is of a version that did not mark its entries, so anybody who could write the file may have written them",
    )
    .with_advice(
        "if nobody else could write the file, open it once with `SqliteOptions::trusting_old_journal`, which marks what is \
         there; if it had been opened by this version before, find out who replaced it, and restore a backup",
    )
}

/// Connects to a file that exists.
pub(super) fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(before_effect)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(before_effect)?;
    // We make neither. Whoever can write the file can plant one at any time, and it would run within our transactions.
    for foreign in [DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW] {
        connection.set_db_config(foreign, false).map_err(before_effect)?;
    }
    Ok(connection)
}

/// Sets what makes a commit survive the loss of power, and a removal thorough.
pub(super) fn set_durable(connection: &Connection) -> Result<(), Error> {
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0)).map_err(before_effect)?;
    if mode != "wal" {
        return Err(Error::new(ErrorKind::Unsupported, "the file system does not support SQLite's write-ahead log")
            .with_advice("put the database on a local disk"));
    }
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
             PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;",
        )
        .map_err(failed)
}

/// Checks the whole content, without writing.
pub(super) fn check(connection: &Connection, keys: &SealingKeys) -> Result<(), Error> {
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON").map_err(before_effect)?;
    let finding: String = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0)).map_err(before_effect)?;
    if finding != "ok" {
        return Err(damaged("pages that are damaged").with_source(finding));
    }
    // As it is at one moment: another process may bring the tables to a newer version meanwhile.
    let moment = connection.unchecked_transaction().map_err(before_effect)?;
    schema::check_version(&moment)?;
    keys::check(&moment, keys, schema::version(&moment)? >= schema::MARKED)?;
    schema::check_objects(&moment)
}

/// Sets whether closing the connection writes the log into the file.
pub(super) fn checkpoint_on_close(connection: &Connection, checkpoint: bool) -> Result<(), Error> {
    let skip = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection.set_db_config(skip, !checkpoint).map(drop).map_err(before_effect)
}

/// Names the file in an error.
pub(super) fn named(path: &Path, error: Error) -> Error {
    let message = format!("{}: {}", path.display(), error.message());
    error.with_message(message)
}
