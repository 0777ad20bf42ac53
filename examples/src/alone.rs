//! One process at a time with the emulator of a folder.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::Path;

use azconnect::core::{Effect, Error, ErrorKind};

/// The right to run the emulator that a folder keeps: two would each answer from a world of their own, and write into one
/// record. The operating system takes it back when the process ends, in whatever way.
#[derive(Debug)]
pub struct Alone(#[expect(dead_code, reason = "closing it gives the lock back")] File);

impl Alone {
    /// Takes the right, or says at once who has it.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if another process has it; [`InvalidInput`](ErrorKind::InvalidInput) if the folder
    /// cannot be written.
    pub fn in_folder(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("emulator.lock");
        let unusable = |error: std::io::Error| {
            Error::invalid("--state", format!("cannot lock {}: {}", path.display(), error.kind()))
                .with_advice("name a folder on a local disk that can be written")
        };
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(folder, &mut file)),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        // For the message of the next one only, who reads it whether it is whole or not.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self(file))
    }
}

fn taken(folder: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    let who = match file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok()) {
        Some(process) => format!("process {process}"),
        None => "another process".into(),
    };
    Error::new(ErrorKind::Conflict, format!("{who} is running with the emulator of {} already", folder.display()))
        .with_effect(Effect::None)
        .with_advice(
            "wait until it has ended, or name another folder with --state; for several processes on one emulator, start \
             `cargo run --example emulator -- --http 127.0.0.1:8001` and give each of them --emulator",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_of_the_first_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let first = Alone::in_folder(folder.path()).unwrap();
        let error = Alone::in_folder(folder.path()).unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None));
        assert!(error.message().contains(&format!("process {}", std::process::id())), "{error}");
        assert!(error.advice().contains("--state") && error.advice().contains("--emulator"), "{}", error.advice());
        drop(first);
        Alone::in_folder(folder.path()).unwrap();
    }
}
