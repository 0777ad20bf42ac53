//! The tables, and how older ones become newer ones.

use azconnect_core::{Effect, Error, ErrorKind};
use rusqlite::{Connection, Transaction};

use super::begin;
use super::failure::{before_effect, failed};

/// What stands in the file's header as its kind: `azcs`.
pub(super) const APPLICATION_ID: u32 = u32::from_be_bytes(*b"azcs");

/// What leads from each version to the next; the first from nothing to version 1. Never change one that was released.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql"), include_str!("schema/3.sql")];

/// The first version whose journal is marked.
pub(super) const MARKED: u32 = 3;

/// The version this code writes.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

/// The version of the tables in a database.
pub(super) fn version(connection: &Connection) -> Result<u32, Error> {
    connection.query_row("PRAGMA user_version", (), |row| row.get(0)).map_err(before_effect)
}

/// Refuses a database of a version this code does not know.
pub(super) fn check_version(connection: &Connection) -> Result<(), Error> {
    match version(connection)? {
        1..=VERSION => Ok(()),
        0 => Err(Error::new(ErrorKind::Corrupt, "the database has no tables of this store").with_effect(Effect::None)),
        newer => Err(Error::new(
            ErrorKind::Unsupported,
            format!("the database has version {newer}, and this program knows versions up to {VERSION}"),
        )
        .with_effect(Effect::None)
        .with_advice("use the newer version of the program that wrote it")),
    }
}

/// Brings the tables to the newest version, all or nothing. `fill` runs in the same transaction, and is told the version from
/// before it.
pub(super) fn migrate(
    connection: &mut Connection,
    fill: impl FnOnce(&Transaction<'_>, u32) -> Result<(), Error>,
) -> Result<(), Error> {
    apply(connection, MIGRATIONS, fill)
}

fn apply(
    connection: &mut Connection,
    migrations: &[&str],
    fill: impl FnOnce(&Transaction<'_>, u32) -> Result<(), Error>,
) -> Result<(), Error> {
    let transaction = begin(connection)?;
    // Read under the write lock: another process may have migrated meanwhile.
    let from = version(&transaction)?;
    for (number, sql) in (1_u32..).zip(migrations).filter(|(number, _)| *number > from) {
        transaction.execute_batch(sql).map_err(before_effect)?;
        transaction.pragma_update(None, "user_version", number).map_err(before_effect)?;
    }
    fill(&transaction, from)?;
    transaction.commit().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_missing_step_runs_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        let ladder = ["CREATE TABLE a (x TEXT) STRICT", "CREATE TABLE b (x TEXT) STRICT", "DROP TABLE a"];
        apply(&mut connection, &ladder[..1], |_, _| Ok(())).unwrap();
        assert_eq!(version(&connection).unwrap(), 1);
        apply(&mut connection, &ladder, |_, _| Ok(())).unwrap();
        apply(&mut connection, &ladder, |_, _| Ok(())).unwrap();
        assert_eq!(version(&connection).unwrap(), 3);
        assert!(connection.prepare("SELECT x FROM b").is_ok());
        assert!(connection.prepare("SELECT x FROM a").is_err());
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = ["CREATE TABLE a (x TEXT) STRICT", "CREATE TABLE nonsense"];
        let error = apply(&mut connection, &broken, |_, _| Ok(())).unwrap_err();
        assert_eq!(error.effect(), Effect::None);
        assert_eq!(version(&connection).unwrap(), 0);
        assert!(connection.prepare("SELECT x FROM a").is_err());
    }
}
