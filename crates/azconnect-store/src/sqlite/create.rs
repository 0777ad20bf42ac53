//! A new database appears whole or not at all.

use std::io;
use std::path::Path;

use azconnect_core::{Effect, Error, ErrorKind};

use super::audit::audit;
use super::failure::{before_effect, failed};
use super::{file, keys, open, schema, sign, store_key};
use crate::draft::Draft;
use crate::seal::SealingKeys;
use crate::seal::store_key::StoreKeys;

/// Creates a database at a path, unless another process does so first: then theirs stays.
///
/// It is made under another name and linked into place. So no process sees a half-made one, and a crash or a full disk
/// leaves either nothing or a whole database: an empty file at the path is a damaged one.
pub(super) fn create(path: &Path, keys: &SealingKeys, own: Option<&StoreKeys>) -> Result<(), Error> {
    let draft = Draft::beside(path).map_err(|error| not_begun(path, error))?;
    // Whoever made one while this process waited for its turn was making the same.
    if path.exists() {
        return Ok(());
    }
    fill(draft.path(), keys, own).map_err(|error| open::named(path, error))?;
    check(draft.path(), keys).map_err(|error| open::named(path, error))?;
    match draft.publish() {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(not_published(path, error)),
        _ => Ok(()),
    }
}

fn fill(draft: &Path, keys: &SealingKeys, own: Option<&StoreKeys>) -> Result<(), Error> {
    let mut connection = open::connect(draft)?;
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID).map_err(before_effect)?;
    open::set_durable(&connection)?;
    schema::migrate(&mut connection, |transaction, _| {
        keys::note_current(transaction, keys)?;
        sign::begin(transaction, keys)?;
        own.map_or(Ok(()), |own| store_key::note(transaction, keys, own))
    })?;
    // Closing would write the log into the file as well, and keep to itself that it could not.
    let is_busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0)).map_err(before_effect)?;
    if is_busy {
        return Err(torn());
    }
    connection.close().map_err(|(_, error)| failed(error))
}

/// Reads back what was made, from end to end.
fn check(draft: &Path, keys: &SealingKeys) -> Result<(), Error> {
    if !file::exists_and_is_ours(draft)? || file::has_log(draft) {
        return Err(torn());
    }
    let connection = open::connect(draft)?;
    open::check(&connection, keys)?;
    audit(&connection, keys)?.complete()?;
    connection.close().map_err(|(_, error)| failed(error))
}

fn torn() -> Error {
    Error::new(ErrorKind::Unavailable, "the new database did not reach the disk whole, and was removed")
        .with_effect(Effect::None)
        .with_advice("check that the disk has room and no other program opens new files in the folder, then try again")
}

fn not_begun(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ResourceBusy => unavailable(path, "another process has locked its folder")
            .with_advice("wait until the other process is done, or end it if it hangs, then try again"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => not_published(path, error),
        _ => file::wrong(path, "cannot be created").with_advice("let this process write the folder").with_source(error),
    }
}

fn not_published(path: &Path, error: io::Error) -> Error {
    unavailable(path, "it was not put into place")
        .with_advice("check that the disk has room and supports hard links, then try again")
        .with_source(error)
}

fn unavailable(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the database {} was not made: {why}", path.display()))
        .with_effect(Effect::None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::SealingKey;

    #[test]
    fn what_did_not_reach_the_file_is_not_published() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SealingKeys::new(SealingKey::generate().unwrap());
        let draft = Draft::beside(&folder.path().join("store.db")).unwrap();
        fill(draft.path(), &keys, None).unwrap();
        check(draft.path(), &keys).unwrap();
        // What a disk leaves that was full when the log was to be written into the file.
        let unclosed = open::connect(draft.path()).unwrap();
        unclosed.execute_batch("CREATE TABLE another (x TEXT)").unwrap();
        let error = check(draft.path(), &keys).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }

    #[test]
    fn a_database_that_another_process_made_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        std::fs::write(&path, "theirs").unwrap();
        create(&path, &SealingKeys::new(SealingKey::generate().unwrap()), None).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
    }
}
