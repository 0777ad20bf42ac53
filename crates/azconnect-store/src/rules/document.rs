//! When a write of a document is refused, wherever documents are kept.

use azconnect_core::{DocumentKey, Effect, Error, ErrorKind, Revision};

/// Refuses to insert where a document is.
pub(crate) fn check_insert(key: &DocumentKey, held: Option<Revision>) -> Result<(), Error> {
    let Some(_) = held else { return Ok(()) };
    Err(Error::new(ErrorKind::Conflict, format!("{key} is there already"))
        .with_field("id")
        .with_effect(Effect::None)
        .with_advice("choose another name, or read what is there and replace it"))
}

/// Refuses to replace a document that is not as it was read.
pub(crate) fn check_replace(key: &DocumentKey, held: Option<Revision>, expected: Revision) -> Result<(), Error> {
    match held {
        None => Err(Error::new(ErrorKind::NotFound, format!("{key} is gone"))
            .with_effect(Effect::None)
            .with_advice("somebody removed it meanwhile: make it anew if it is still wanted")),
        Some(held) => check_revision(key, held, expected),
    }
}

/// Refuses to remove a document that is not as it was read. One that is gone needs no removing.
pub(crate) fn check_remove(key: &DocumentKey, held: Option<Revision>, expected: Revision) -> Result<(), Error> {
    held.map_or(Ok(()), |held| check_revision(key, held, expected))
}

fn check_revision(key: &DocumentKey, held: Revision, expected: Revision) -> Result<(), Error> {
    if held == expected {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, format!("{key} has revision {held} by now, and {expected} was expected"))
        .with_field("revision")
        .with_effect(Effect::None)
        .with_advice("read it again, and repeat the change on what is there now"))
}
