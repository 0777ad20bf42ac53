//! Which keys a store in PostgreSQL is sealed with.

use azconnect_core::{Effect, Error, ErrorKind, Secret};
use tokio_postgres::types::Type;

use super::failure::Fault;
use super::records;
use super::transaction::Transaction;
use crate::seal::{SealingKeyId, SealingKeys};
use crate::stored::damaged;
use crate::stored::noted::{check_forgets, is_new};

/// The purpose under which a key's proof is sealed, and the text that is sealed.
const PROOF: &str = "key proof of a PostgreSQL store";

/// Refuses a store that is sealed with a key that is not given.
pub(super) async fn check(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Fault> {
    let proofs = proofs(transaction).await?;
    if proofs.is_empty() {
        return Err(damaged("no proof of the key it was sealed with").into());
    }
    let opens = |(id, proof): &(String, Vec<u8>)| keys.open(PROOF, id, proof);
    let current = keys.current().id().to_string();
    for proof in &proofs {
        let Err(cause) = opens(proof) else { continue };
        let is_begun = proofs.iter().any(|proof| proof.0 == current && opens(proof).is_ok());
        let error = if is_begun { unended(transaction, keys, &proof.0).await? } else { another(keys, &proof.0) };
        return Err(error.with_source(cause).into());
    }
    Ok(())
}

fn another(keys: &SealingKeys, id: &str) -> Error {
    let given = keys.current().origin().map(|origin| format!(" than that of {origin}")).unwrap_or_default();
    Error::new(ErrorKind::Corrupt, format!("the database was sealed with another key ({id}){given}"))
        .with_effect(Effect::None)
        .with_advice("give the key it was sealed with, as the current key or as a previous one; nothing was changed")
}

/// The refusal of a store whose change to the given key was begun and not ended.
async fn unended(transaction: &Transaction<'_>, keys: &SealingKeys, missing: &str) -> Result<Error, Fault> {
    let current = keys.current().id();
    let left = records::count_not_under(transaction, current.as_bytes()).await?;
    let message = format!(
        "the change of the key has not ended: {left} secrets, or what else was sealed with another key ({missing}), are not \
         under {current} yet"
    );
    Ok(Error::new(ErrorKind::Corrupt, message).with_effect(Effect::None).with_advice(
        "give the other key as a previous one, and call `PostgresStore::reseal` to the end; nothing was changed",
    ))
}

async fn proofs(transaction: &Transaction<'_>) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let rows = transaction.query("SELECT id, proof FROM sealing_key", &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Notes that something is sealed with the current key, before it is.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) if the store is sealed with another key by now, of which this process knows nothing.
pub(super) async fn note_current(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Fault> {
    if !is_new(keys, noted(transaction).await?.iter().map(String::as_str))? {
        return Ok(());
    }
    let id = keys.current().id().to_string();
    let proof = keys.seal(PROOF, &id, &Secret::new(PROOF))?;
    let sql = "INSERT INTO sealing_key (id, proof) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
    transaction.execute(sql, &[(&id, Type::TEXT), (&proof, Type::BYTEA)]).await.map(drop)
}

/// The names of all keys with which something is sealed.
pub(super) async fn noted(transaction: &Transaction<'_>) -> Result<Vec<String>, Fault> {
    Ok(proofs(transaction).await?.into_iter().map(|(id, _)| id).collect())
}

/// Whether something may be sealed or marked with another key than the one of this id.
pub(super) async fn has_others(transaction: &Transaction<'_>, current: SealingKeyId) -> Result<bool, Fault> {
    let current = current.to_string();
    Ok(proofs(transaction).await?.iter().any(|(id, _)| *id != current))
}

/// Notes that everything is sealed and marked with the current key.
pub(super) async fn forget_others(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Fault> {
    check_forgets(keys, noted(transaction).await?.iter().map(String::as_str))?;
    note_current(transaction, keys).await?;
    let current = keys.current().id().to_string();
    let sql = "DELETE FROM sealing_key WHERE id <> $1";
    transaction.execute(sql, &[(&current, Type::TEXT)]).await.map(drop)
}
