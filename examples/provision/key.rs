//! The private key: written to a file that only its owner reads, then forgotten where it was sealed.

use std::fs::OpenOptions;
use std::io::{ErrorKind as Io, Write};
use std::path::{Path, PathBuf};

use azconnect::arm::{ProvisionId, Provisioner, SshKey};
use azconnect::core::{Error, ErrorKind, Secret};

/// Hands the private key over to a file. It is forgotten only once the file is on the disk, so that a crash in between leaves
/// two copies and never none. A key that an earlier run handed over is left where it is.
///
/// # Errors
/// Why the file cannot be written; a file that holds something else is never written over.
pub(crate) async fn hand_over(provisioner: &Provisioner, id: &ProvisionId, path: PathBuf) -> Result<PathBuf, Error> {
    let key = match provisioner.private_key(id).await {
        Ok(key) => SshKey::read(key)?,
        Err(error) if error.kind() == ErrorKind::NotFound && path.exists() => return Ok(path),
        Err(error) => return Err(error),
    };
    write(&path, &key.private)?;
    // Of the very key that is on the disk: a machine that was built anew under this name has another one.
    provisioner.forget_private_key(id, &key.fingerprint).await?;
    Ok(path)
}

/// Writes the key under another name first, and gives it its own when it is whole and on the disk: a run that is killed
/// leaves no half of one in the way.
fn write(path: &Path, key: &Secret) -> Result<(), Error> {
    let refused = |error: std::io::Error| {
        Error::invalid("--key-file", format!("cannot write {}: {}", path.display(), error.kind()))
            .with_advice("name a file in a folder that can be written; the key stays sealed until then")
    };
    let draft = draft_of(path);
    write_draft(&draft, key).map_err(refused)?;
    // A link is refused where a file is already, and a renaming is not.
    let linked = std::fs::hard_link(&draft, path);
    let _ = std::fs::remove_file(&draft);
    match linked {
        Ok(()) => sync_folder(path).map_err(refused),
        // An earlier run may have been killed before it could forget the key.
        Err(error) if error.kind() == Io::AlreadyExists => match std::fs::read(path).map_err(refused)? {
            there if there == key.expose().as_bytes() => Ok(()),
            _ => {
                Err(Error::invalid("--key-file", format!("{} exists already and holds something else", path.display()))
                    .with_advice("move it away, or name another file; the key stays sealed until then"))
            }
        },
        Err(error) => Err(refused(error)),
    }
}

fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".draft");
    path.with_file_name(name)
}

fn write_draft(draft: &Path, key: &Secret) -> std::io::Result<()> {
    // Left by a run that was killed, whole or not.
    let _ = std::fs::remove_file(draft);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(draft)?;
    let written = file.write_all(key.expose().as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = std::fs::remove_file(draft);
    }
    written
}

/// Makes the file's name durable, where the system lets a folder be opened.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        std::fs::File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
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
        let other = folder.join("other.key");
        std::fs::write(draft_of(&other), "half a k").unwrap();
        write(&other, &key).expect("what a killed run left half written is in nobody's way");
        let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "the two keys and no draft: {left:?}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
