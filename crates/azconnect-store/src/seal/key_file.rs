//! A key in a file that only its owner may read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use azconnect_core::{Error, ErrorKind, Secret};
use zeroize::Zeroizing;

use super::SealingKey;
use super::key::wrong;

/// No key file is longer: 32 bytes, or their base64 and a line end.
const LONGEST: u64 = 64;

impl SealingKey {
    /// Reads a key from a file: its 32 bytes, or their base64.
    ///
    /// On Unix the file must be a regular one (no symbolic link), belong to the user of this process, and be closed to
    /// everyone else (mode 0600 or stricter).
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) saying which of these is not so, or that the file does not exist.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let unreadable = |error: io::Error| {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "does not exist",
                io::ErrorKind::PermissionDenied => "may not be read by this process",
                _ => "cannot be read, or is a symbolic link",
            };
            wrong(format!("the key file {} {why}", path.display()))
                .with_advice("give the path of a key file itself, or generate one")
                .with_source(error)
        };
        let file = open_itself(path).map_err(unreadable)?;
        check(path, &file.metadata().map_err(unreadable)?)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST as usize + 1));
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let key = match bytes.len() {
            Self::LENGTH => Self::from_bytes(&bytes),
            _ => std::str::from_utf8(&bytes)
                .map_err(|_| wrong("is neither 32 bytes nor base64"))
                .and_then(|text| Self::from_base64(&Secret::new(text))),
        };
        key.map_err(|error| {
            let message = format!("the key file {}: {}", path.display(), error.message());
            error.with_message(message)
        })
    }

    /// Makes a random key and a new file that holds it, as base64, closed to everyone else (mode 0600). The key is
    /// returned once the file and its folder are on the disk.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if the path exists: a key is never overwritten.
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the folder does not exist or may not be written.
    pub fn generate_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let key = Self::generate()?;
        let text = key.to_base64();
        let mut file = create_closed(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::new(ErrorKind::Conflict, format!("the key file {} exists already", path.display()))
                    .with_effect(azconnect_core::Effect::None)
                    .with_advice("read the existing key, or name another file: a lost key loses what it sealed")
            }
            _ => wrong(format!("the key file {} cannot be created", path.display()))
                .with_advice("create its folder, and let this process write there")
                .with_source(error),
        })?;
        let written = file
            .write_all(text.expose().as_bytes())
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_folder(path));
        written.map_err(|error| {
            // Ours, and incomplete: nothing was sealed with it.
            let _ = std::fs::remove_file(path);
            Error::new(ErrorKind::Unavailable, format!("the key file {} was not written", path.display()))
                .with_advice("check that the disk has room, then try again")
                .with_source(error)
        })?;
        Ok(key)
    }
}

/// Creates a file that only its owner may read; fails if the path exists.
pub(crate) fn create_closed(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a new name in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
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
fn check(path: &Path, metadata: &std::fs::Metadata) -> Result<(), Error> {
    let refuse =
        |why: String, advice: String| Err(wrong(format!("the key file {} {why}", path.display())).with_advice(advice));
    if !metadata.is_file() {
        return refuse("is not a regular file".into(), "give the path of a file".into());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let mode = metadata.mode() & 0o7777;
        if mode & !0o600 != 0 {
            let advice = format!("run `chmod 600 {}`, and change the key if others may have read it", path.display());
            return refuse(format!("has mode {mode:04o}, which opens it to others"), advice);
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return refuse("belongs to another user".into(), "let the user of this process own it".into());
        }
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

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
        assert_eq!(SealingKey::generate_file(&path).unwrap_err().kind(), ErrorKind::Conflict);
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        let link = folder.path().join("link");
        symlink(folder.path().join("nowhere"), &link).unwrap();
        assert_eq!(SealingKey::generate_file(&link).unwrap_err().kind(), ErrorKind::Conflict);
        assert!(SealingKey::generate_file(folder.path().join("no/such/key")).is_err());
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
            let error = SealingKey::from_file(&path).unwrap_err();
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
            assert_eq!(SealingKey::from_file(path).unwrap_err().kind(), ErrorKind::InvalidInput, "{}", path.display());
        }
    }

    #[test]
    fn a_file_without_a_key_is_refused_and_not_quoted() {
        let folder = folder();
        for (number, content) in [&b""[..], b"too short", &[b'x'; 5000], &[0xff; 40], &[0; 32]].into_iter().enumerate()
        {
            let path = folder.path().join(number.to_string());
            write(&path, content, 0o600);
            let error = SealingKey::from_file(&path).unwrap_err();
            assert_eq!(error.field(), Some("sealing_key"));
            assert!(!format!("{error:?}").contains("too short"), "{error:?}");
        }
    }
}
