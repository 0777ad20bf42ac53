//! A key in a file that only its owner may read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use azconnect_core::Secret;
use zeroize::Zeroizing;

use super::{SealingKey, SealingKeyError};
use crate::draft::Draft;

/// No key file is longer: 32 bytes, or their base64 and a line end.
const LONGEST: u64 = 64;

impl SealingKey {
    /// Reads a key from a file: its 32 bytes, or their base64.
    ///
    /// On Unix the file must be a regular one (no symbolic link), belong to the user of this process, and be closed to
    /// everyone else (mode 0600 or stricter).
    ///
    /// # Errors
    /// A [`SealingKeyError`] saying which of these is not so, or that the file is [`Missing`](SealingKeyError::Missing).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, SealingKeyError> {
        let path = path.as_ref();
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => SealingKeyError::Missing { path: path.to_owned() },
            _ => SealingKeyError::Unreadable { path: path.to_owned(), source },
        };
        let file = open_itself(path).map_err(unreadable)?;
        check(path, &file.metadata().map_err(unreadable)?)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 1));
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let key = match bytes.len() {
            0 => return Err(SealingKeyError::Empty { path: path.to_owned() }),
            Self::LENGTH => Self::from_bytes(&bytes),
            _ => std::str::from_utf8(&bytes)
                .map_err(|_| SealingKeyError::NotBase64)
                .and_then(|text| Self::from_base64(&Secret::new(text))),
        };
        let key = key.map_err(|_| SealingKeyError::NotAKey { path: path.to_owned() })?;
        Ok(key.with_origin(format!("the key file {}", path.display())))
    }

    /// Makes a random key and a new file that holds it, as base64, closed to everyone else (mode 0600). The key is
    /// returned once the file and its folder are on the disk.
    ///
    /// The file appears whole or not at all: it is written under another name and linked into place, so that neither a
    /// crash nor a second process that does the same leaves half a key behind.
    ///
    /// # Errors
    /// [`Exists`](SealingKeyError::Exists): a key is never overwritten. [`NotCreated`](SealingKeyError::NotCreated) if the
    /// folder does not exist or may not be written.
    pub fn generate_file(path: impl AsRef<Path>) -> Result<Self, SealingKeyError> {
        let path = path.as_ref();
        let key = Self::generate()?;
        let not_created = |source| SealingKeyError::NotCreated { path: path.to_owned(), source };
        let draft = Draft::beside(path).map_err(not_created)?;
        let text = Zeroizing::new([key.to_base64().expose(), "\n"].concat());
        let written = std::fs::write(draft.path(), text.as_bytes()).and_then(|()| draft.publish());
        match written {
            Ok(()) => Ok(key.with_origin(format!("the key file {}", path.display()))),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
                Err(SealingKeyError::Exists { path: path.to_owned() })
            }
            Err(source) => Err(SealingKeyError::NotWritten { path: path.to_owned(), source }),
        }
    }
}

/// Opens a file itself, not what a symbolic link of its name leads to; nor does it wait for a pipe's other end.
#[cfg(unix)]
fn open_itself(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    Ok(File::from(rustix::fs::open(path, OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_itself(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Refuses a file that somebody else may read or owns.
fn check(path: &Path, metadata: &std::fs::Metadata) -> Result<(), SealingKeyError> {
    let path = || path.to_owned();
    if !metadata.is_file() {
        return Err(SealingKeyError::NotAFile { path: path() });
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let mode = metadata.mode() & 0o7777;
        if mode & !0o600 != 0 {
            return Err(SealingKeyError::OpenToOthers { path: path(), mode });
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(SealingKeyError::ForeignOwner { path: path() });
        }
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use azconnect_core::{Error, ErrorKind};

    use super::*;

    /// Why a file is refused, as every port tells it.
    fn refusal(path: &Path) -> Error {
        SealingKey::from_file(path).unwrap_err().into()
    }

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn write(path: &Path, bytes: &[u8], mode: u32) {
        fs::write(path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_generated_file_is_closed_and_read_back() {
        let folder = folder();
        let path = folder.path().join("key");
        let key = SealingKey::generate_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(SealingKey::from_file(&path).unwrap().id(), key.id());
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let folder = folder();
        let path = folder.path().join("key");
        fs::write(&path, "precious").unwrap();
        assert_eq!(Error::from(SealingKey::generate_file(&path).unwrap_err()).kind(), ErrorKind::Conflict);
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        let link = folder.path().join("link");
        symlink(folder.path().join("nowhere"), &link).unwrap();
        assert_eq!(Error::from(SealingKey::generate_file(&link).unwrap_err()).kind(), ErrorKind::Conflict);
        assert!(SealingKey::generate_file(folder.path().join("no/such/key")).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left behind");
    }

    #[test]
    fn raw_bytes_are_read_as_well() {
        let folder = folder();
        let path = folder.path().join("key");
        let bytes: Vec<u8> = (100..132).collect();
        write(&path, &bytes, 0o400);
        assert_eq!(SealingKey::from_file(&path).unwrap().id(), SealingKey::from_bytes(&bytes).unwrap().id());
    }

    #[test]
    fn a_file_open_to_others_is_refused() {
        let folder = folder();
        let path = folder.path().join("key");
        SealingKey::generate_file(&path).unwrap();
        for mode in [0o640, 0o604, 0o660, 0o700, 0o4600] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = refusal(&path);
            assert!(error.to_string().contains(&format!("mode {mode:04o}")), "{error}");
            assert!(error.advice().contains("chmod 600"));
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = folder();
        let (path, link) = (folder.path().join("key"), folder.path().join("link"));
        SealingKey::generate_file(&path).unwrap();
        symlink(&path, &link).unwrap();
        for path in [folder.path(), &folder.path().join("absent"), &link] {
            assert_eq!(refusal(path).kind(), ErrorKind::InvalidInput, "{}", path.display());
        }
    }

    #[test]
    fn an_empty_file_tells_what_it_may_be() {
        let folder = folder();
        let path = folder.path().join("key");
        write(&path, b"", 0o600);
        let error = refusal(&path);
        assert!(error.message().contains("is empty"), "{error}");
        assert!(error.advice().contains("backup") && error.advice().contains("remove"), "{}", error.advice());
    }

    #[test]
    fn a_file_without_a_key_is_refused_and_not_quoted() {
        let folder = folder();
        for (number, content) in [&b""[..], b"too short", &[b'x'; 5000], &[0xff; 40], &[0; 32]].into_iter().enumerate()
        {
            let path = folder.path().join(number.to_string());
            write(&path, content, 0o600);
            let error = refusal(&path);
            assert_eq!(error.field(), Some("sealing_key"));
            assert!(!format!("{error:?}").contains("too short"), "{error:?}");
        }
    }
}
