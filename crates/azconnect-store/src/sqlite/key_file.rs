//! The key file of a database that may not exist yet.

use std::path::Path;

use azconnect_core::Error;

use super::file;
use crate::draft::sweep;
use crate::seal::{SealingKey, SealingKeyError};

/// Reads the key of a database, or makes one for a database that does not exist yet.
pub(super) fn read_or_generate(database: &Path, key_file: &Path) -> Result<SealingKey, Error> {
    // Looked at first: another process that creates both begins with the key, so a database without a key is one that
    // has lost it, never one that is just being created.
    let exists = file::exists_and_is_ours(database)?;
    sweep(key_file);
    match SealingKey::from_file(key_file) {
        Err(SealingKeyError::Missing { path }) if exists => {
            Err(SealingKeyError::Lost { path, database: database.to_owned() }.into())
        }
        Err(SealingKeyError::Missing { .. }) => generate(key_file),
        key => Ok(key?),
    }
}

fn generate(key_file: &Path) -> Result<SealingKey, Error> {
    match SealingKey::generate_file(key_file) {
        // Another process was faster. Its file appeared whole.
        Err(SealingKeyError::Exists { .. }) => Ok(SealingKey::from_file(key_file)?),
        key => Ok(key?),
    }
}
