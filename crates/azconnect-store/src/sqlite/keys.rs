//! Which keys a database is sealed with, and the change to another.

use azconnect_core::{Effect, Error, ErrorKind, Secret};
use rusqlite::{Connection, Transaction, params};

use super::failure::{before_effect, damaged};
use super::secrets::PURPOSE;
use super::tampered;
use crate::seal::{SealingKeys, seal_with, sealed_with};

/// The purpose under which a key's proof is sealed, and the text that is sealed.
///
/// It is another one than that of a database whose journal has no marks. So a database that never was without them
/// cannot be made to look like one that never had any.
const PROOF: &str = "key proof of a marked journal";

/// The same of a database whose journal has no marks.
const UNMARKED: &str = "key proof";

/// Refuses a database that is sealed with a key that is not given.
pub(super) fn check(connection: &Connection, keys: &SealingKeys, is_marked: bool) -> Result<(), Error> {
    let (purpose, other) = if is_marked { (PROOF, UNMARKED) } else { (UNMARKED, PROOF) };
    let proofs = proofs(connection)?;
    if proofs.is_empty() {
        return Err(damaged("no proof of the key it was sealed with"));
    }
    for (id, proof) in proofs {
        keys.open(purpose, &id, &proof).map_err(|error| {
            if keys.open(other, &id, &proof).is_ok() {
                return tampered::totals("was made to look like one of another version of the tables");
            }
            let given = keys.current().origin().map(|origin| format!(" than that of {origin}")).unwrap_or_default();
            Error::new(ErrorKind::Corrupt, format!("the database was sealed with another key ({id}){given}"))
                .with_effect(Effect::None)
                .with_advice(
                    "give the key it was sealed with, as the current key or as a previous one; nothing was changed",
                )
                .with_source(error)
        })?;
    }
    Ok(())
}

fn proofs(connection: &Connection) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut rows = connection.prepare("SELECT id, proof FROM sealing_key").map_err(before_effect)?;
    let rows = rows.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).map_err(before_effect)?;
    rows.collect::<Result<_, _>>().map_err(before_effect)
}

/// Proves the keys of a database whose journal is marked from now on.
pub(super) fn note_marked(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Error> {
    for (id, proof) in proofs(transaction)? {
        let key =
            sealed_with(&proof).and_then(|id| keys.key(id)).ok_or_else(|| damaged("a proof of an unknown key"))?;
        let proof = seal_with(key, PROOF, &id, &Secret::new(PROOF))?;
        transaction
            .execute("UPDATE sealing_key SET proof = ?2 WHERE id = ?1", params![id, proof])
            .map_err(before_effect)?;
    }
    note_current(transaction, keys)
}

/// Notes that something is sealed with the current key.
pub(super) fn note_current(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Error> {
    let id = keys.current().id().to_string();
    let proof = keys.seal(PROOF, &id, &Secret::new(PROOF))?;
    transaction
        .execute("INSERT INTO sealing_key (id, proof) VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![id, proof])
        .map(drop)
        .map_err(before_effect)
}

/// Seals everything with the current key, forgets the others, and returns how many secrets were sealed anew.
pub(super) fn reseal(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<usize, Error> {
    let current = keys.current().id();
    let mut rows = transaction.prepare("SELECT id, sealed FROM secret").map_err(before_effect)?;
    let rows = rows.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).map_err(before_effect)?;
    let all: Vec<(String, Vec<u8>)> = rows.collect::<Result<_, _>>().map_err(before_effect)?;
    let mut count = 0;
    for (id, sealed) in all.into_iter().filter(|(_, sealed)| sealed_with(sealed) != Some(current)) {
        let secret = keys.open(PURPOSE, &id, &sealed)?;
        let sealed = keys.seal(PURPOSE, &id, &secret)?;
        transaction
            .execute("UPDATE secret SET sealed = ?2 WHERE id = ?1", params![id, sealed])
            .map_err(before_effect)?;
        count += 1;
    }
    note_current(transaction, keys)?;
    transaction
        .execute("DELETE FROM sealing_key WHERE id <> ?1", params![current.to_string()])
        .map_err(before_effect)?;
    Ok(count)
}
