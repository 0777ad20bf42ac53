//! The key file that the databases of one folder share. It lies beside them because the emulator's secrets open nothing: a
//! product keeps the key apart from the database, since both together open every secret.

use std::path::{Path, PathBuf};

use azconnect::core::Error;
use azconnect::store::seal::SealingKeyError;

/// The key file of a folder. The store makes it with the first database, and this refuses to let it make another one
/// while any database of the folder exists, since each of them may have been sealed with the lost one.
///
/// # Errors
/// [`Corrupt`](azconnect::core::ErrorKind::Corrupt) if the key file is missing while a database exists;
/// [`InvalidInput`](azconnect::core::ErrorKind::InvalidInput) if the folder cannot be read.
pub fn key_file(folder: &Path) -> Result<PathBuf, Error> {
    // Before the key: another program that starts in an empty folder makes the key before any database.
    let database = a_database_of(folder).map_err(|error| {
        Error::invalid("--state", format!("cannot read the folder {}: {}", folder.display(), error.kind()))
            .with_advice("name a folder that can be read and written")
    })?;
    let path = folder.join("sealing.key");
    match database {
        Some(database) if !path.exists() => Err(SealingKeyError::Lost { path, database }.into()),
        _ => Ok(path),
    }
}

fn a_database_of(folder: &Path) -> std::io::Result<Option<PathBuf>> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "db") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
