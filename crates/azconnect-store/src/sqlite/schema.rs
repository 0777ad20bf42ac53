//! The tables, and how older ones become newer ones.

use std::collections::BTreeSet;

use azconnect_core::{Effect, Error, ErrorKind};
use rusqlite::{Connection, Transaction};

use super::begin;
use super::failure::{before_effect, failed};

/// What stands in the file's header as its kind: `azcs`.
pub(super) const APPLICATION_ID: u32 = u32::from_be_bytes(*b"azcs");

/// What leads from each version to the next; the first from nothing to version 1. Never change one that was released.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
];

/// The first version whose journal is marked.
pub(super) const MARKED: u32 = 3;

/// The first version whose secrets are counted.
pub(super) const COUNTED: u32 = 5;

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

/// Refuses a database with a table, an index, a trigger or a view that is not as the migrations make it, or without one that
/// they make. A table may hold a rule that drops what is written into it, and a trigger may do anything.
///
/// SQLite's own tables are no one's work: statistics, and the indexes behind keys.
pub(super) fn check_objects(connection: &Connection) -> Result<(), Error> {
    let mut own = Connection::open_in_memory().map_err(before_effect)?;
    let count = usize::try_from(version(connection)?).unwrap_or(usize::MAX);
    let migrations = MIGRATIONS.get(..count).unwrap_or(MIGRATIONS);
    apply(&mut own, migrations, |_, _| Ok(()))?;
    let (expected, found) = (objects(&own)?, objects(connection)?);
    let Some(other) = found.symmetric_difference(&expected).next() else { return Ok(()) };
    let what =
        if found.contains(other) { "that is not of this store" } else { "missing, or not as this store makes it" };
    Err(Error::new(ErrorKind::Corrupt, format!("the database has the {} {:?} {what}", other.kind, other.name))
        .with_effect(Effect::None)
        .with_advice(
            "find out who can write the database; if it was added on purpose, drop it and keep it in a file of its own; \
             else restore the database from a backup",
        ))
}

/// What a database is made of: its kind, its name, its table, and the text that made it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Object {
    kind: String,
    name: String,
    table: String,
    sql: Option<String>,
}

fn objects(connection: &Connection) -> Result<BTreeSet<Object>, Error> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT GLOB 'sqlite_stat[0-9]'";
    let mut rows = connection.prepare(sql).map_err(before_effect)?;
    let rows = rows
        .query_map((), |row| Ok(Object { kind: row.get(0)?, name: row.get(1)?, table: row.get(2)?, sql: row.get(3)? }));
    rows.map_err(before_effect)?.collect::<Result<_, _>>().map_err(before_effect)
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
