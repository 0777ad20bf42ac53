//! What can be wrong with a sealing key, or with the file that holds it.

use std::io;
use std::path::PathBuf;

use azconnect_core::{Effect, Error, ErrorKind};

/// Why a sealing key cannot be used. It never quotes the key.
///
/// It converts into [`Error`], with the field `sealing_key` and advice, so `?` passes it on. A caller that can help
/// itself branches first:
///
/// ```
/// use azconnect_store::seal::{SealingKey, SealingKeyError};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("sealing.key");
/// let key = match SealingKey::from_file(&path) {
///     // Only right where nothing has been sealed yet.
///     Err(SealingKeyError::Missing { .. }) => SealingKey::generate_file(&path)?,
///     key => key?,
/// };
/// # let _ = key;
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealingKeyError {
    /// It does not have 32 bytes.
    #[error("the sealing key must be exactly 32 bytes")]
    WrongLength,
    /// Its bytes are all the same, as in a placeholder.
    #[error("the sealing key is one byte repeated, not random")]
    NotRandom,
    /// It is not the base64 of 32 bytes.
    #[error("the sealing key is not the base64 of 32 bytes")]
    NotBase64,
    /// The environment variable is set, and holds no key.
    #[error("the environment variable {name} holds no key: {fault}")]
    InEnvironment {
        /// The name of the environment variable.
        name: String,
        /// What is wrong with its value, which is not quoted.
        fault: Box<Self>,
    },
    /// The environment variable is not set.
    #[error("the environment variable {name} is not set")]
    NotInEnvironment {
        /// The name of the environment variable.
        name: String,
    },
    /// The file does not exist.
    #[error("the key file {} does not exist", path.display())]
    Missing {
        /// The path that was to be read.
        path: PathBuf,
    },
    /// The file does not exist, while a database that was sealed with a key does.
    #[error("the key file {} does not exist, and the database {} was sealed with a key", path.display(), database.display())]
    Lost {
        /// The path where the key is expected.
        path: PathBuf,
        /// The path of the database that the key has to open.
        database: PathBuf,
    },
    /// The file may not be read by this process, or is a symbolic link.
    #[error("the key file {} cannot be read, or is a symbolic link", path.display())]
    Unreadable {
        /// The path that was to be read.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The path names something other than a regular file.
    #[error("the key file {} is not a regular file", path.display())]
    NotAFile {
        /// The path, of a folder or a device for example.
        path: PathBuf,
    },
    /// Others may read or change the file.
    #[error("the key file {} has mode {mode:04o}, which opens it to others", path.display())]
    OpenToOthers {
        /// The path of the key file.
        path: PathBuf,
        /// The Unix permission bits of the file, such as `0o644`.
        mode: u32,
    },
    /// The file belongs to another user.
    #[error("the key file {} belongs to another user", path.display())]
    ForeignOwner {
        /// The path of the key file.
        path: PathBuf,
    },
    /// The file is empty, as one is that was being written when its program was killed or the disk was full.
    #[error("the key file {} is empty", path.display())]
    Empty {
        /// The path of the key file.
        path: PathBuf,
    },
    /// The file holds neither 32 bytes nor their base64.
    #[error("the key file {} holds no key: it must hold 32 bytes, or their base64", path.display())]
    NotAKey {
        /// The path of the file that holds something else.
        path: PathBuf,
    },
    /// A new key was to be written to a file that exists already.
    #[error("the key file {} exists already", path.display())]
    Exists {
        /// The path that was to be written.
        path: PathBuf,
    },
    /// The file cannot be created: its folder does not exist, or may not be written.
    #[error("the key file {} cannot be created", path.display())]
    NotCreated {
        /// The path that was to be written.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file was created, and could not be written to the disk; it was removed again.
    #[error("the key file {} was not written", path.display())]
    NotWritten {
        /// The path that was to be written.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The system gave no random bytes, or its cipher refused the key.
    #[error("the cryptographic library of the system refused to make or use a key")]
    Cryptography,
}

impl SealingKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Exists { .. } => ErrorKind::Conflict,
            Self::NotWritten { .. } => ErrorKind::Unavailable,
            Self::Lost { .. } => ErrorKind::Corrupt,
            Self::Cryptography => ErrorKind::Unexpected,
            _ => ErrorKind::InvalidInput,
        }
    }

    /// What a person should do about it; the advice of the [`Error`] that is made of it.
    fn advice(&self) -> String {
        match self {
            Self::WrongLength | Self::NotRandom | Self::NotBase64 => {
                "make a key with `openssl rand -base64 32`, or generate a key file".into()
            }
            Self::InEnvironment { name, .. } => format!(
                "set {name} to the base64 of the key that sealed what there is, or, if nothing has been sealed yet, to a \
                 new one: `openssl rand -base64 32`"
            ),
            Self::NotInEnvironment { name } => format!("set {name} to the base64 of a key, or use a key file"),
            Self::Missing { .. } | Self::Unreadable { .. } => {
                "give the path of the key file itself, which this process may read, or generate one".into()
            }
            Self::Lost { database, .. } => format!(
                "restore the key file from its backup: no new key opens {}. Nothing was changed",
                database.display()
            ),
            Self::NotAFile { .. } => "give the path of a file".into(),
            Self::OpenToOthers { path, .. } => {
                format!("run `chmod 600 {}`, and change the key if others may have read it", path.display())
            }
            Self::ForeignOwner { .. } => "let the user of this process own it".into(),
            Self::Empty { path } => format!(
                "restore the key file from its backup; if nothing has been sealed yet, remove {}, and start again with a \
                 new one",
                path.display()
            ),
            Self::NotAKey { .. } => "restore the file, or generate a new one if nothing has been sealed yet".into(),
            Self::Exists { .. } => {
                "read the existing key, or name another file: a lost key loses what it sealed".into()
            }
            Self::NotCreated { .. } => "create its folder, and let this process write there".into(),
            Self::NotWritten { .. } => "check that the disk has room and supports hard links, then try again".into(),
            Self::Cryptography => "report this with the cause".into(),
        }
    }
}

impl From<SealingKeyError> for Error {
    fn from(fault: SealingKeyError) -> Self {
        Self::new(fault.kind(), fault.to_string())
            .with_field("sealing_key")
            .with_effect(Effect::None)
            .with_advice(fault.advice())
            .with_source(fault)
    }
}
