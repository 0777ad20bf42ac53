//! Opening: every check before the first write.

use std::path::Path;
use std::time::Duration;

use azconnect_core::{Error, ErrorKind};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::failure::{before_effect, damaged, failed};
use super::{create, file, keys, schema};
use crate::draft::sweep;
use crate::seal::SealingKeys;

/// How long a call waits for other processes' transactions, which are all short.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the database at a path, after creating it where there is none.
pub(super) fn open(path: &Path, keys: &SealingKeys) -> Result<Connection, Error> {
    sweep(path);
    if !file::exists_and_is_ours(path)? {
        create::create(path, keys)?;
        if !file::exists_and_is_ours(path)? {
            return Err(file::wrong(path, "vanished while it was opened"));
        }
    }
    let mut connection = connect(path).map_err(|error| named(path, error))?;
    // Until the checks have passed, closing the connection must not write the log into the file.
    checkpoint_on_close(&connection, false)?;
    check(&connection, keys).map_err(|error| named(path, error))?;
    checkpoint_on_close(&connection, true)?;
    file::close_to_others(path)?;
    set_durable(&connection).map_err(|error| named(path, error))?;
    schema::migrate(&mut connection, |_| Ok(())).map_err(|error| named(path, error))?;
    Ok(connection)
}

/// Connects to a file that exists.
pub(super) fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(before_effect)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(before_effect)?;
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
    schema::check_version(connection)?;
    keys::check(connection, keys)
}

fn checkpoint_on_close(connection: &Connection, checkpoint: bool) -> Result<(), Error> {
    let skip = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection.set_db_config(skip, !checkpoint).map(drop).map_err(before_effect)
}

/// Names the file in an error.
pub(super) fn named(path: &Path, error: Error) -> Error {
    let message = format!("{}: {}", path.display(), error.message());
    error.with_message(message)
}
