//! Leases in SQLite.

use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Epoch, Error, Grant, Lease, LeaseKey};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteStore;
use super::failure::{before_effect, damaged};
use super::moment::{from_column, from_text, to_column, to_text};
use crate::rules::lease::{Holding, LeaseRequest, LeaseState};

/// Processes that share the file must agree on the time to within a small part of a term: a clock that runs ahead
/// takes a key early. The journal's epochs still refuse the writer who lost it.
#[async_trait]
impl Lease for SqliteStore {
    async fn acquire(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Error> {
        let (key, holder) = (key.clone(), holder.to_owned());
        self.change("store.lease.acquire", move |transaction, shared| {
            let request = LeaseRequest { key: &key, holder: &holder, term, now: shared.clock.now() };
            let grant = find(transaction, &key)?.acquire(&request)?;
            write(transaction, &key, &LeaseState::taken(&grant))?;
            Ok(grant)
        })
        .await
    }

    async fn renew(&self, grant: &Grant, term: Duration) -> Result<Grant, Error> {
        let grant = grant.clone();
        self.change("store.lease.renew", move |transaction, shared| {
            let request = LeaseRequest { key: &grant.key, holder: &grant.holder, term, now: shared.clock.now() };
            let renewed = find(transaction, &grant.key)?.renew(&grant, &request)?;
            write(transaction, &grant.key, &LeaseState::taken(&renewed))?;
            Ok(renewed)
        })
        .await
    }

    async fn release(&self, grant: &Grant) -> Result<(), Error> {
        let grant = grant.clone();
        self.change("store.lease.release", move |transaction, _| {
            let state = find(transaction, &grant.key)?;
            if state.is_of(&grant) {
                write(transaction, &grant.key, &LeaseState { holding: None, ..state })?;
            }
            Ok(())
        })
        .await
    }
}

/// What is known of a key; an unknown one is free.
fn find(connection: &Connection, key: &LeaseKey) -> Result<LeaseState, Error> {
    type Row = (i64, Option<String>, Option<String>);
    let found: Option<Row> = connection
        .query_row("SELECT epoch, holder, expires_at FROM lease WHERE key = ?1", params![key.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()
        .map_err(before_effect)?;
    let Some((epoch, holder, expires_at)) = found else {
        return Ok(LeaseState::default());
    };
    let holding = match (holder, expires_at) {
        (Some(holder), Some(expires_at)) => Some(Holding { holder, expires_at: from_text(&expires_at)? }),
        (None, None) => None,
        _ => return Err(damaged("a lease with a holder and no end, or an end and no holder")),
    };
    Ok(LeaseState { epoch: Epoch(from_column(epoch)?), holding })
}

fn write(connection: &Connection, key: &LeaseKey, state: &LeaseState) -> Result<(), Error> {
    let epoch = to_column("epoch", state.epoch.0)?;
    let holder = state.holding.as_ref().map(|holding| holding.holder.as_str());
    let expires_at = state.holding.as_ref().map(|holding| to_text("term", holding.expires_at)).transpose()?;
    connection
        .execute(
            "INSERT INTO lease (key, epoch, holder, expires_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (key) DO UPDATE SET epoch = ?2, holder = ?3, expires_at = ?4",
            params![key.as_str(), epoch, holder, expires_at],
        )
        .map(drop)
        .map_err(before_effect)
}
