//! The port to small files of this machine, and the real one.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, Secret};

/// Small files of this machine that hold a token or a key: those of a projected service account, or of an agent.
///
/// A port, so that a test needs no rights on the machine, and a product may keep them elsewhere.
#[async_trait]
pub trait LocalFiles: Send + Sync {
    /// The path that a path stands for: absolute, and without links and `..`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is nothing; effect [`None`](Effect::None).
    async fn resolve(&self, path: &Path) -> Result<PathBuf, Error>;

    /// The text of a regular file, read now.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) or [`PermissionDenied`](ErrorKind::PermissionDenied) as the system says, and
    /// [`Corrupt`](ErrorKind::Corrupt) for one that is larger than `limit` bytes, is no text or no regular file; effect
    /// [`None`](Effect::None). Nothing of what it holds is shown.
    async fn read(&self, path: &Path, limit: usize) -> Result<Secret, Error>;
}

/// The files of the operating system, read in place: they are small, and lie in memory or on a local disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFiles;

#[async_trait]
impl LocalFiles for SystemFiles {
    async fn resolve(&self, path: &Path) -> Result<PathBuf, Error> {
        path.canonicalize().map_err(|error| unreadable(path, error))
    }

    async fn read(&self, path: &Path, limit: usize) -> Result<Secret, Error> {
        let failed = |error| unreadable(path, error);
        // Looked at before it is opened: opening a pipe waits for whoever writes to it.
        if !path.metadata().map_err(failed)?.is_file() {
            return Err(corrupt(path, "is no regular file"));
        }
        // One byte more than is allowed, so that a longer file is noticed; and no growth, which would leave copies behind.
        let mut bytes = Vec::with_capacity(limit.saturating_add(1));
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        File::open(path).map_err(failed)?.take(most).read_to_end(&mut bytes).map_err(failed)?;
        let is_long = bytes.len() > limit;
        let text = String::from_utf8(bytes).map(Secret::new).map_err(|_| corrupt(path, "is no text"))?;
        if is_long { Err(corrupt(path, &format!("is larger than {limit} bytes"))) } else { Ok(text) }
    }
}

impl fmt::Debug for dyn LocalFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalFiles")
    }
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    let (kind, why) = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => (ErrorKind::NotFound, "does not exist"),
        io::ErrorKind::PermissionDenied => (ErrorKind::PermissionDenied, "may not be read by this process"),
        _ => (ErrorKind::Unavailable, "cannot be read"),
    };
    Error::new(kind, format!("the file {} {why}", path.display())).with_effect(Effect::None).with_source(error)
}

fn corrupt(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the file {} {why}", path.display())).with_effect(Effect::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_read_up_to_its_limit_and_nothing_else_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(SystemFiles.read(&path, 5).await.unwrap().expose(), "12345");
        for (path, limit, kind, why) in [
            (path.clone(), 4, ErrorKind::Corrupt, "larger than 4 bytes"),
            (folder.path().to_owned(), 5, ErrorKind::Corrupt, "no regular file"),
            (folder.path().join("other"), 5, ErrorKind::NotFound, "does not exist"),
            (path.join("below"), 5, ErrorKind::NotFound, "does not exist"),
        ] {
            let error = SystemFiles.read(&path, limit).await.unwrap_err();
            assert_eq!((error.kind(), error.effect()), (kind, Effect::None), "{error}");
            assert!(error.message().contains(why), "{error}");
        }
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(SystemFiles.read(&path, 5).await.unwrap_err().message().contains("no text"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_stands_for_what_it_leads_to() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().canonicalize().unwrap();
        std::fs::write(inside.join("real"), "x").unwrap();
        std::os::unix::fs::symlink(inside.join("real"), inside.join("link")).unwrap();
        let found = SystemFiles.resolve(&inside.join("gone/../link")).await;
        assert_eq!(found.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(SystemFiles.resolve(&inside.join("link")).await.unwrap(), inside.join("real"));
    }
}
