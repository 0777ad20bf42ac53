//! The private key: written to a file that only its owner reads, then forgotten where it was sealed.

use std::fs::OpenOptions;
use std::io::{ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use azconnect::arm::{ProvisionId, Provisioner};
use azconnect::core::{Error, ErrorKind, Secret};

/// Hands the private key over to a file. It is forgotten only once the file is on the disk, so that a crash in between leaves
/// two copies and never none. A key that an earlier run handed over is left where it is.
///
/// # Errors
/// Why the file cannot be written; a file that holds something else is never written over.
pub(crate) async fn hand_over(provisioner: &Provisioner, id: &ProvisionId, path: PathBuf) -> Result<PathBuf, Error> {
    let key = match provisioner.private_key(id).await {
        Ok(key) => key,
        Err(error) if error.kind() == ErrorKind::NotFound && path.exists() => return Ok(path),
        Err(error) => return Err(error),
    };
    write(&path, &key)?;
    provisioner.forget_private_key(id).await?;
    Ok(path)
}

fn write(path: &Path, key: &Secret) -> Result<(), Error> {
    let refused = |error: &std::io::Error| {
        Error::invalid("--key-file", format!("cannot write {}: {}", path.display(), error.kind()))
            .with_advice("name a file in a folder that can be written; the key stays sealed until then")
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = match options.open(path) {
        Ok(file) => file,
        // An earlier run may have been killed before it could forget the key, or in the midst of writing it.
        Err(error) if error.kind() == Io::AlreadyExists => {
            let there = std::fs::read(path).map_err(|error| refused(&error))?;
            if there == key.expose().as_bytes() {
                return Ok(());
            }
            return Err(Error::invalid(
                "--key-file",
                format!("{} exists already and holds something else", path.display()),
            )
            .with_advice("move it away, or name another file; the key stays sealed until then"));
        }
        Err(error) => return Err(refused(&error)),
    };
    let written = file.write_all(key.expose().as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a key is of no use, and would stand in the way of the next run.
        let _ = std::fs::remove_file(path);
        refused(&error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_for_its_owner_alone_and_over_nothing_else() {
        let folder = std::env::temp_dir().join(format!("azconnect-key-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("web.key");
        let key = Secret::new("-----BEGIN OPENSSH PRIVATE KEY-----\n");
        write(&path, &key).unwrap();
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap()) & 0o777, 0o600);
        write(&path, &key).expect("the same key again, after a crash");
        let error = write(&path, &Secret::new("another")).unwrap_err();
        assert_eq!(error.field(), Some("--key-file"));
        assert_eq!(std::fs::read(&path).unwrap(), key.expose().as_bytes());
        assert!(write(&folder.join("absent/web.key"), &key).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
