//! A witness in a file.

use std::io::{self, ErrorKind as IoErrorKind};
use std::path::{Path, PathBuf};

use azconnect_core::{Effect, Error, ErrorKind};

use super::{JournalWitness, Testimony};
use crate::draft::Draft;

/// What the file begins with.
const FIRST_LINE: &str = "azconnect journal witness 1";

/// A [`JournalWitness`] in a file that only its owner may read and write (0600).
///
/// The file is replaced as a whole, so that a crash leaves the old one or the new one. It serves one database. It protects
/// from whoever can write the database and cannot write the file: keep it on another volume, such as beside the sealing key,
/// and out of the database's backups.
#[derive(Clone, Debug)]
pub struct FileWitness {
    path: PathBuf,
}

impl FileWitness {
    /// A witness that remembers in a file, which is made when there is something to remember.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Forgets everything: the next database that is opened is taken as it is.
    ///
    /// This is for a person who has restored a backup on purpose. Forgetting what is not remembered succeeds.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the file cannot be removed.
    pub fn forget(&self) -> Result<(), Error> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != IoErrorKind::NotFound => Err(self.wrong("cannot be removed", error)),
            _ => Ok(()),
        }
    }

    fn read(&self) -> Result<Option<Testimony>, Error> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.wrong("cannot be read", error)),
        };
        let rest = text.strip_prefix(FIRST_LINE).and_then(|rest| rest.strip_prefix('\n'));
        let line = rest.and_then(|rest| rest.strip_suffix('\n')).unwrap_or_default();
        line.parse().map(Some).map_err(|error: Error| {
            let path = self.path.display();
            error.with_message(format!("the witness file {path} holds nothing that a witness has written")).with_advice(
                format!(
                    "find out who changed {path}; restore it, or remove it if you know that the database is the latest"
                ),
            )
        })
    }

    fn write(&self, testimony: &Testimony) -> io::Result<()> {
        let draft = Draft::beside(&self.path)?;
        // Looked at under the lock that the draft holds: another process may have told of a later change.
        if self.read().ok().flatten().is_some_and(|remembered| remembered.covers(testimony)) {
            return Ok(());
        }
        std::fs::write(draft.path(), format!("{FIRST_LINE}\n{testimony}\n"))?;
        draft.replace()
    }

    fn wrong(&self, what: &str, error: io::Error) -> Error {
        Error::invalid("witness", format!("the witness file {} {what}", self.path.display()))
            .with_advice("name a file in an existing folder, which this process may read and write")
            .with_source(error)
    }
}

impl JournalWitness for FileWitness {
    fn recall(&self) -> Result<Option<Testimony>, Error> {
        self.read()
    }

    fn remember(&self, testimony: &Testimony) -> Result<(), Error> {
        self.write(testimony).map_err(|error| {
            let message = format!("the witness file {} was not written", self.path.display());
            Error::new(ErrorKind::Unavailable, message)
                .with_effect(Effect::Unknown)
                .with_advice(
                    "check that its folder exists, can be written and has room; the change itself may be there: read",
                )
                .with_source(error)
        })
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use super::*;

    fn testimony(journal: u8, changes: u64) -> Testimony {
        Testimony::new(&[journal], changes, &[7])
    }

    #[test]
    fn what_is_remembered_is_the_latest_of_one_journal() {
        let folder = tempfile::tempdir().unwrap();
        let witness = FileWitness::new(folder.path().join("witness"));
        assert_eq!(witness.recall().unwrap(), None);
        for (told, remembered) in [((1, 5), (1, 5)), ((1, 6), (1, 6)), ((1, 5), (1, 6)), ((2, 1), (2, 1))] {
            witness.remember(&testimony(told.0, told.1)).unwrap();
            assert_eq!(witness.recall().unwrap(), Some(testimony(remembered.0, remembered.1)));
        }
        witness.forget().unwrap();
        witness.forget().unwrap();
        assert_eq!(witness.recall().unwrap(), None);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "something was left behind");
    }

    #[test]
    fn a_file_that_no_witness_wrote_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let witness = FileWitness::new(folder.path().join("witness"));
        for text in ["", "azconnect journal witness 1\n", "azconnect journal witness 2\n0a 7 ff\n", "0a 7 ff\n"] {
            std::fs::write(witness.path(), text).unwrap();
            let error = witness.recall().unwrap_err();
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{text:?}");
            assert!(error.message().contains("witness"), "{error}");
        }
    }

    #[test]
    fn a_witness_that_cannot_write_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let witness = FileWitness::new(folder.path().join("no/such/witness"));
        let error = witness.remember(&testimony(1, 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("no/such"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let witness = FileWitness::new(folder.path().join("witness"));
        for changes in 1..3 {
            witness.remember(&testimony(1, changes)).unwrap();
            assert_eq!(std::fs::metadata(witness.path()).unwrap().permissions().mode() & 0o7777, 0o600);
        }
    }
}
