//! What the path, the permissions and the header of a file say, before SQLite opens it.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use azconnect_core::{Effect, Error, ErrorKind};

use super::schema::APPLICATION_ID;
use crate::draft::with_suffix;

/// The length of the header of a SQLite file (SQLite's *Database File Format*, section 1.3).
const HEADER: usize = 100;

/// Makes a path independent of the working folder, and of what SQLite would read into it, such as `:memory:`.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|error| wrong(path, "is not a path").with_source(error))
}

/// Whether there is a file, which then is a whole database of ours as far as its header tells.
pub(super) fn exists_and_is_ours(path: &Path) -> Result<bool, Error> {
    match path.metadata() {
        Ok(metadata) => check_kind(path, &metadata).and_then(|()| check_content(path, metadata.len())).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => check_absent(path),
        Err(error) => Err(wrong(path, "cannot be reached").with_source(error)),
    }
}

/// Refuses to take a database for new whose log is still there: the log would be read into the new one.
fn check_absent(path: &Path) -> Result<bool, Error> {
    check_folder(path)?;
    let log = ["-wal", "-journal"].map(|suffix| with_suffix(path, suffix)).into_iter().find(|log| log.exists());
    match log {
        // Unless another process has put both there since.
        Some(_) if path.exists() => exists_and_is_ours(path),
        Some(log) => Err(not_ours(path, &format!("is missing, while its log {} is there", log.display())).with_advice(
            "put the database back beside its log, or restore both from a backup; to begin anew, move the log away",
        )),
        None => Ok(false),
    }
}

fn check_folder(path: &Path) -> Result<(), Error> {
    if path.is_symlink() {
        return Err(wrong(path, "is a symbolic link to a file that does not exist"));
    }
    match path.parent() {
        Some(folder) if folder.is_dir() => Ok(()),
        _ => Err(wrong(path, "is in a folder that does not exist").with_advice("create the folder first")),
    }
}

fn check_kind(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if metadata.is_dir() {
        return Err(wrong(path, "is a folder").with_advice("name a file in it"));
    }
    if !metadata.is_file() {
        return Err(wrong(path, "is not a regular file"));
    }
    if metadata.permissions().readonly() {
        return Err(wrong(path, "is read-only").with_advice("let this process write the file and its folder"));
    }
    Ok(())
}

fn check_content(path: &Path, length: u64) -> Result<(), Error> {
    let mut header = Vec::with_capacity(HEADER);
    File::open(path)
        .and_then(|file| file.take(HEADER as u64).read_to_end(&mut header))
        .map_err(|error| wrong(path, "cannot be read by this process").with_source(error))?;
    if header.is_empty() {
        return Err(not_ours(path, "is empty"));
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(not_ours(path, "is not a SQLite database"));
    }
    let field = |at: usize| header.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_be_bytes(*bytes));
    let Some((application, sizes)) = field(68).zip(field(16)) else {
        return Err(not_ours(path, "is cut off within its header"));
    };
    if application != APPLICATION_ID {
        return Err(not_ours(path, "is a SQLite database of something else"));
    }
    // Two bytes, in which 1 stands for the size that does not fit.
    let page = match sizes >> 16 {
        1 => 65_536,
        size => u64::from(size),
    };
    // SQLite itself misses whole pages, but takes a torn one for a page of zeros. With a log beside the file a checkpoint
    // may have been torn, which the log repairs.
    let torn = page == 0 || !length.is_multiple_of(page);
    if torn && !has_log(path) {
        return Err(not_ours(path, "is cut off"));
    }
    Ok(())
}

/// Whether a write-ahead log with content lies beside the file.
pub(super) fn has_log(path: &Path) -> bool {
    with_suffix(path, "-wal").metadata().is_ok_and(|metadata| metadata.len() > 0)
}

/// Closes a database and its companions to everyone else, however it came to be open to them.
pub(super) fn close_to_others(path: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    for file in ["", "-wal", "-shm"].map(|suffix| with_suffix(path, suffix)) {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt as _;
        let is_open = file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
        if is_open {
            std::fs::set_permissions(&file, Permissions::from_mode(0o600))
                .map_err(|error| wrong(&file, "is open to others, and is not ours to close").with_source(error))?;
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// A path that cannot be used.
pub(super) fn wrong(path: &Path, why: &str) -> Error {
    Error::invalid("database_path", format!("{} {why}", path.display()))
        .with_advice("name a file in an existing folder that this process may write")
}

/// A file that is damaged, or is not a store of ours.
pub(super) fn not_ours(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the database {} {why}", path.display()))
        .with_effect(Effect::None)
        .with_advice(format!("nothing was changed: restore {} from a backup, or name another file", path.display()))
}
