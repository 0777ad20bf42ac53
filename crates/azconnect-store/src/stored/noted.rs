//! With which keys a store is sealed, as it notes them, and what a process may do that knows some of them.

use azconnect_core::{Effect, Error, ErrorKind};

use crate::seal::SealingKeys;

/// Whether the current key is still to be noted, before anything is sealed or marked with it.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) if the store was sealed with other keys since this process opened it: what it writes could be
/// read by nobody who has the new ones.
pub(crate) fn is_new<'a>(keys: &SealingKeys, noted: impl Iterator<Item = &'a str> + Clone) -> Result<bool, Error> {
    let current = keys.current().id().to_string();
    if noted.clone().any(|id| id == current) {
        return Ok(false);
    }
    match unknown(keys, noted) {
        Some(other) => Err(Error::new(
            ErrorKind::Corrupt,
            format!("the database is sealed with another key by now ({other}) than this process has ({current})"),
        )
        .with_effect(Effect::None)
        .with_advice("open it again with the key that it is sealed with; nothing was changed")),
        None => Ok(true),
    }
}

/// Refuses to forget a key that another process has made meanwhile, and of which this one knows nothing.
///
/// # Errors
/// [`Conflict`](ErrorKind::Conflict).
pub(crate) fn check_forgets<'a>(keys: &SealingKeys, noted: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    unknown(keys, noted).map_or(Ok(()), |other| {
        Err(Error::new(ErrorKind::Conflict, format!("another process has begun a change to another key ({other})"))
            .with_effect(Effect::None)
            .with_advice("open the store again with that key, and call `reseal` then"))
    })
}

fn unknown<'a>(keys: &SealingKeys, mut noted: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    noted.find(|id| !keys.has_named(id))
}
