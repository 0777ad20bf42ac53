//! A new database appears whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use azconnect_core::{Effect, Error, ErrorKind};

use super::failure::failed;
use super::{file, keys, open, schema};
use crate::seal::{SealingKeys, create_closed, draft_of, sync_folder};

/// Creates a database at a path, unless another process does so first: then theirs stays.
///
/// It is made under another name and linked into place. So no process sees a half-made one, and a crash leaves either
/// nothing or a whole database: an empty file at the path is a damaged one.
pub(super) fn create(path: &Path, keys: &SealingKeys) -> Result<(), Error> {
    let draft = Draft::beside(path)?;
    create_closed(&draft.0).map_err(|error| {
        file::wrong(path, "cannot be created").with_advice("let this process write the folder").with_source(error)
    })?;
    fill(&draft.0, keys)?;
    let unavailable = |error: io::Error| {
        Error::new(ErrorKind::Unavailable, format!("the database {} was not put into place", path.display()))
            .with_effect(Effect::None)
            .with_advice("check that the disk has room and supports hard links, then try again")
            .with_source(error)
    };
    File::open(&draft.0).and_then(|file| file.sync_all()).map_err(unavailable)?;
    match fs::hard_link(&draft.0, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(unavailable(error)),
        _ => sync_folder(path).map_err(unavailable),
    }
}

fn fill(draft: &Path, keys: &SealingKeys) -> Result<(), Error> {
    let mut connection = open::connect(draft)?;
    connection.pragma_update(None, "application_id", schema::APPLICATION_ID).map_err(failed)?;
    open::set_durable(&connection)?;
    schema::migrate(&mut connection, |transaction| keys::note_current(transaction, keys))?;
    // Closing writes the log into the file, and removes it.
    connection.close().map_err(|(_, error)| failed(error))
}

/// A file that is removed when it has served.
struct Draft(PathBuf);

impl Draft {
    fn beside(path: &Path) -> Result<Self, Error> {
        draft_of(path).map(Self).map_err(|error| file::wrong(path, "cannot be created").with_source(error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            // Most do not exist. One that stays is harmless: it holds nothing yet.
            let _ = fs::remove_file(file::companion(&self.0, suffix));
        }
    }
}
