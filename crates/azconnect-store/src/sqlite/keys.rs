//! Which keys a database is sealed with, and the change to another.

use azconnect_core::{Effect, Error, ErrorKind, Secret};
use rusqlite::{Connection, Transaction, params};

use super::failure::{before_effect, damaged};
use super::{records, tampered};
use crate::seal::{SealingKeyId, SealingKeys, seal_with, sealed_with};
use crate::stored::noted::{check_forgets, is_new};

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
            if proves_current(connection, keys, purpose) {
                return unended(connection, keys, &id).with_source(error);
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

/// Whether the database is sealed with the current key, whatever else it is sealed with.
fn proves_current(connection: &Connection, keys: &SealingKeys, purpose: &str) -> bool {
    let current = keys.current().id().to_string();
    proofs(connection)
        .is_ok_and(|proofs| proofs.iter().any(|(id, proof)| *id == current && keys.open(purpose, id, proof).is_ok()))
}

/// The refusal of a database whose change to the given key was begun and not ended.
fn unended(connection: &Connection, keys: &SealingKeys, missing: &str) -> Error {
    let current = keys.current().id();
    // A database of an earlier version has no data keys.
    let left = records::count_not_under(connection, current.as_bytes()).unwrap_or_default();
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "the change of the key has not ended: {left} secrets, or what else was sealed with another key ({missing}), are \
             not under {current} yet"
        ),
    )
    .with_effect(Effect::None)
    .with_advice("give the other key as a previous one, and call `SqliteStore::reseal` to the end; nothing was changed")
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

/// Notes that something is sealed with the current key, before it is.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) if the database is sealed with another key by now, of which this process knows nothing.
pub(super) fn note_current(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Error> {
    if !is_new(keys, noted(transaction)?.iter().map(String::as_str))? {
        return Ok(());
    }
    let id = keys.current().id().to_string();
    let proof = keys.seal(PROOF, &id, &Secret::new(PROOF))?;
    transaction
        .execute("INSERT INTO sealing_key (id, proof) VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![id, proof])
        .map(drop)
        .map_err(before_effect)
}

/// The names of all keys with which something is sealed.
pub(super) fn noted(connection: &Connection) -> Result<Vec<String>, Error> {
    Ok(proofs(connection)?.into_iter().map(|(id, _)| id).collect())
}

/// Whether something may be sealed or marked with another key than the one of this id.
pub(super) fn has_others(transaction: &Transaction<'_>, current: SealingKeyId) -> Result<bool, Error> {
    let current = current.to_string();
    Ok(proofs(transaction)?.iter().any(|(id, _)| *id != current))
}

/// Notes that everything is sealed and marked with the current key.
pub(super) fn forget_others(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Error> {
    check_forgets(keys, noted(transaction)?.iter().map(String::as_str))?;
    note_current(transaction, keys)?;
    let current = keys.current().id().to_string();
    transaction.execute("DELETE FROM sealing_key WHERE id <> ?1", [&current]).map(drop).map_err(before_effect)
}
