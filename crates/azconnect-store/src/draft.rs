//! Files that appear whole or not at all, whoever is killed while making them.
//!
//! A file is made under a name of its own, written to the disk, and linked into place, where it never replaces another
//! unless that is asked for.
//! Whoever makes one holds an advisory lock on the folder meanwhile, which the operating system takes back from a process
//! that ends in any way. So a draft that is found under the lock has lost its maker, and is removed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use aws_lc_rs::rand;

/// How long a maker waits for another one, in pauses. The other writes a few pages and leaves.
const PATIENCE: u32 = 400;
const PAUSE: Duration = Duration::from_millis(25);

/// What SQLite appends to the name of a database for the files that it keeps beside it.
pub(crate) const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A file that is being made for a path. It is removed when it is dropped; what was published stays.
pub(crate) struct Draft {
    path: PathBuf,
    target: PathBuf,
    // Held until the draft has been removed.
    _hold: Option<Hold>,
}

impl Draft {
    /// Creates an empty file for a path, beside it, that only its owner may read. Waits until no other process makes a
    /// file in the folder, and removes what killed ones have left behind there.
    pub(crate) fn beside(target: &Path) -> io::Result<Self> {
        let hold = Hold::wait(folder_of(target))?;
        if hold.is_some() {
            remove_all(target)?;
        }
        let path = target.with_file_name(format!("{}{:016x}{SUFFIX}", prefix(target)?, random()?));
        create_closed(&path)?;
        Ok(Self { path, target: target.to_owned(), _hold: hold })
    }

    /// Where the file is made.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the file into place, as durable as the disk is. Fails with [`AlreadyExists`](io::ErrorKind::AlreadyExists)
    /// if there is another file by now: that one stays.
    pub(crate) fn publish(self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        fs::hard_link(&self.path, &self.target)?;
        sync(folder_of(&self.target))
    }

    /// Puts the file into place, as durable as the disk is, instead of the one that is there, if there is one.
    pub(crate) fn replace(self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        fs::rename(&self.path, &self.target)?;
        sync(folder_of(&self.target))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for suffix in [""].iter().chain(&COMPANIONS) {
            // Most do not exist. One that stays is removed by the next process that looks.
            let _ = fs::remove_file(with_suffix(&self.path, suffix));
        }
    }
}

/// Removes the drafts that killed processes have left behind for a path. What another process is making stays, and so
/// does everything if the folder cannot be read or written: an old draft is in nobody's way.
#[cfg(feature = "sqlite")]
pub(crate) fn sweep(target: &Path) {
    let is_littered = drafts_of(target).is_ok_and(|drafts| !drafts.is_empty());
    if is_littered && let Ok(Some(hold)) = Hold::attempt(folder_of(target)) {
        let _ = remove_all(target);
        drop(hold);
    }
}

/// The lock on a folder, given back when it is dropped.
struct Hold(#[expect(dead_code, reason = "closing it gives the lock back")] File);

impl Hold {
    /// Waits for the lock. `None` where the file system has no such locks: then nothing is ever swept there.
    fn wait(folder: &Path) -> io::Result<Option<Self>> {
        for _ in 0..PATIENCE {
            match Self::attempt(folder) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
                outcome => return outcome,
            }
        }
        Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process has locked the folder for too long"))
    }

    /// Takes the lock now, or fails with [`WouldBlock`](io::ErrorKind::WouldBlock).
    fn attempt(folder: &Path) -> io::Result<Option<Self>> {
        if !cfg!(unix) {
            // Windows opens no folder as a file.
            return Ok(None);
        }
        let file = File::open(folder)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(_)) => Ok(None),
        }
    }
}

const SUFFIX: &str = ".new";
const DIGITS: usize = 16;

/// How the drafts of a path begin. Hidden, and unlike any name that a person gives.
fn prefix(target: &Path) -> io::Result<String> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(format!(".{}.", name.display()))
}

fn remove_all(target: &Path) -> io::Result<()> {
    drafts_of(target)?.into_iter().try_for_each(|path| match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    })
}

/// The drafts of exactly this path, with what SQLite left beside them.
fn drafts_of(target: &Path) -> io::Result<Vec<PathBuf>> {
    let prefix = prefix(target)?;
    let mut found = Vec::new();
    for entry in folder_of(target).read_dir()? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| is_draft(name, &prefix)) && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn is_draft(name: &str, prefix: &str) -> bool {
    let rest = name.strip_prefix(prefix).and_then(|rest| rest.split_at_checked(DIGITS));
    rest.is_some_and(|(digits, rest)| {
        let end = rest.strip_prefix(SUFFIX);
        digits.bytes().all(|digit| digit.is_ascii_hexdigit())
            && end.is_some_and(|end| end.is_empty() || COMPANIONS.contains(&end))
    })
}

fn random() -> io::Result<u64> {
    let mut random = [0; 8];
    rand::fill(&mut random).map_err(|_| io::ErrorKind::Other)?;
    Ok(u64::from_ne_bytes(random))
}

/// Creates a file that only its owner may read; fails if the path exists.
fn create_closed(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a new name in a folder durable.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A path with something appended to its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
#[cfg(all(unix, feature = "sqlite"))]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_draft_leaves_only_what_was_published() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let draft = Draft::beside(&target).unwrap();
        fs::write(draft.path(), "whole").unwrap();
        for suffix in COMPANIONS {
            fs::write(with_suffix(draft.path(), suffix), "").unwrap();
        }
        draft.publish().unwrap();
        drop(Draft::beside(&target).unwrap());
        assert_eq!(names(folder.path()), ["file"]);
        assert_eq!(fs::read(&target).unwrap(), b"whole");
    }

    #[test]
    fn publishing_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let draft = Draft::beside(&target).unwrap();
        fs::write(&target, "theirs").unwrap();
        assert_eq!(draft.publish().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&target).unwrap(), b"theirs");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_draft_without_its_maker_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("store.db");
        let dead = [".store.db.0123456789abcdef.new", ".store.db.0123456789abcdef.new-wal"];
        let others = [
            ".other.db.0123456789abcdef.new",
            ".store.db.0123456789abcdef.new.bak",
            ".store.db.012345678.new",
            ".store.db.0123456789abcdeg.new",
            "store.db",
            "store.db-wal",
        ];
        for name in dead.iter().chain(&others) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join(".store.db.fedcba9876543210.new")).unwrap();
        sweep(&target);
        let mut left = others.map(str::to_owned).to_vec();
        left.push(".store.db.fedcba9876543210.new".into());
        left.sort();
        assert_eq!(names(folder.path()), left);
    }

    #[test]
    fn a_draft_in_the_making_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let draft = Draft::beside(&target).unwrap();
        sweep(&target);
        assert!(draft.path().exists());
    }

    #[test]
    fn makers_of_one_folder_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let draft = Draft::beside(&target).unwrap();
        thread::scope(|scope| {
            let other = scope.spawn(|| Draft::beside(&folder.path().join("another")).unwrap().publish());
            thread::sleep(PAUSE * 4);
            assert!(!other.is_finished(), "two drafts at once");
            drop(draft);
            other.join().unwrap().unwrap();
        });
        assert_eq!(names(folder.path()), ["another"]);
    }
}
