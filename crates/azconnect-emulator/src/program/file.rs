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
        Error::invalid(option, format!("cannot read {}: {}", path.display(), why(&error)))
            .with_advice("give the path of a readable file")
    })
}

/// Writes a whole file: whoever reads it meets the former text or this one, never a part. One call at a time for each path.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the option and the file.
pub(crate) fn write(option: &'static str, path: &Path, text: &str, readers: Readers) -> Result<(), Error> {
    let beside = beside(path);
    let written = written(&beside, text, readers).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        drop(std::fs::remove_file(&beside));
        Error::invalid(option, format!("cannot write {}: {}", path.display(), why(&error)))
            .with_advice("name a file in a folder that can be written")
    })
}

/// What went wrong, without the path, which is named beside it.
fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".to_owned(),
        kind => kind.to_string(),
    }
}

/// Removes what runs that were killed while they wrote have left beside a file. It may hold secrets.
pub(crate) fn sweep(path: &Path) {
    let Some(folder) = path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
    else {
        return;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_left = |found: &str| {
        let process = found.strip_prefix(&name).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".new"));
        process.is_some_and(|process| process.parse::<u32>().is_ok())
    };
    let left = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in left.filter(|entry| is_left(&entry.file_name().to_string_lossy())) {
        // What cannot be removed does no harm but that it is there.
        drop(std::fs::remove_file(entry.path()));
    }
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

/// Makes a file that nobody else has opened: one that is left from before keeps its own mode, and its readers.
fn open(path: &Path, readers: Readers) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
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

#[cfg(all(test, unix))]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_stale_file_of_another_mode_never_gets_the_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let stale = beside(&path);
        std::fs::write(&stale, "stale").unwrap();
        std::fs::set_permissions(&stale, std::fs::Permissions::from_mode(0o644)).unwrap();
        let mut reader = File::open(&stale).unwrap();
        write("--state", &path, "secrets", Readers::Owner).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "secrets");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, "stale", "who had it open reads what it was");
        assert!(!stale.exists());
    }

    #[test]
    fn what_killed_runs_have_left_beside_a_file_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        for name in ["state.json", "state.json.12.new", "state.json.new", "state.json.a.new", "other.json.12.new"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        sweep(&path);
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["other.json.12.new", "state.json", "state.json.a.new", "state.json.new"]);
    }

    #[test]
    fn a_link_that_lies_in_the_way_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (folder.path().join("state.json"), folder.path().join("elsewhere"));
        std::fs::write(&elsewhere, "theirs").unwrap();
        std::os::unix::fs::symlink(&elsewhere, beside(&path)).unwrap();
        write("--state", &path, "secrets", Readers::Owner).unwrap();
        assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "theirs");
        assert!(std::fs::symlink_metadata(&path).unwrap().is_file());
    }
}
