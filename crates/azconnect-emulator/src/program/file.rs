//! Files that the program reads and writes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use azconnect_core::Error;

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// It holds nothing secret.
    Everybody,
    /// It holds secrets.
    Owner,
}

/// Reads a text file that an option names.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the option and the file.
pub(crate) fn read(option: &'static str, path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| {
        Error::invalid(option, format!("cannot read {}: {}", path.display(), error.kind()))
            .with_advice("give the path of a readable file")
    })
}

/// Writes a whole file: whoever reads it meets the former text or this one, never a part.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the option and the file.
pub(crate) fn write(option: &'static str, path: &Path, text: &str, readers: Readers) -> Result<(), Error> {
    let beside = beside(path);
    let written = written(&beside, text, readers).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        drop(std::fs::remove_file(&beside));
        Error::invalid(option, format!("cannot write {}: {}", path.display(), error.kind()))
            .with_advice("name a file in a folder that can be written")
    })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

fn written(path: &Path, text: &str, readers: Readers) -> io::Result<()> {
    let mut file = open(path, readers)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn open(path: &Path, readers: Readers) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(match readers {
            Readers::Everybody => 0o644,
            Readers::Owner => 0o600,
        });
    }
    #[cfg(not(unix))]
    let _ = readers;
    options.open(path)
}
