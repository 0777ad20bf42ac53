//! Leases in PostgreSQL, by the server's clock.

use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Epoch, Error, Grant, Lease, LeaseKey};
use time::OffsetDateTime;
use tokio_postgres::types::Type;

use super::PostgresStore;
use super::attempts::repeat;
use super::failure::Fault;
use super::rows::expect;
use super::transaction::{Lock, Mode, Transaction};
use crate::rules::lease::{Holding, LeaseRequest, LeaseState};
use crate::stored::damaged;
use crate::stored::moment::{from_column, to_column};

/// The clock of the server decides, for every process the same. A grant's end is by that clock.
#[async_trait]
impl Lease for PostgresStore {
    async fn acquire(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Error> {
        let term = check(holder, term)?;
        repeat!(self.clock(), "store.lease.acquire", self.acquire_once(key, holder, term))
    }

    async fn renew(&self, grant: &Grant, term: Duration) -> Result<Grant, Error> {
        let term = check(&grant.holder, term)?;
        repeat!(self.clock(), "store.lease.renew", self.renew_once(grant, term))
    }

    async fn release(&self, grant: &Grant) -> Result<(), Error> {
        repeat!(self.clock(), "store.lease.release", self.release_once(grant))
    }
}

impl PostgresStore {
    async fn acquire_once(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Fault> {
        let transaction = self.begin(Lock::Lease(key), Mode::Exclusive).await?;
        let (state, now) = find(&transaction, key).await?;
        match state.acquire(&LeaseRequest { key, holder, term, now }) {
            Ok(grant) => granted(transaction, grant).await,
            Err(refusal) => Err(transaction.refuse(refusal).await),
        }
    }

    async fn renew_once(&self, grant: &Grant, term: Duration) -> Result<Grant, Fault> {
        let transaction = self.begin(Lock::Lease(&grant.key), Mode::Exclusive).await?;
        let (state, now) = find(&transaction, &grant.key).await?;
        match state.renew(grant, &LeaseRequest { key: &grant.key, holder: &grant.holder, term, now }) {
            Ok(grant) => granted(transaction, grant).await,
            Err(refusal) => Err(transaction.refuse(refusal).await),
        }
    }

    async fn release_once(&self, grant: &Grant) -> Result<(), Fault> {
        let transaction = self.begin(Lock::Lease(&grant.key), Mode::Exclusive).await?;
        let (state, _) = find(&transaction, &grant.key).await?;
        if !state.is_of(grant) {
            return transaction.end().await;
        }
        write(&transaction, &grant.key, &LeaseState { holding: None, ..state }).await?;
        transaction.commit().await
    }
}

/// Refuses a holder that no row can name, and rounds a term up to what the server's clock can tell apart.
fn check(holder: &str, term: Duration) -> Result<Duration, Error> {
    if holder.contains('\0') {
        return Err(
            Error::invalid("holder", "holds a zero character").with_advice("give a plain name, such as a host's")
        );
    }
    let rest = term.subsec_nanos() % 1000;
    // Rounded down, another process could take the key before its holder believes that it ends.
    Ok(if rest == 0 { term } else { term.saturating_add(Duration::from_nanos(u64::from(1000 - rest))) })
}

/// What is known of a key, and the server's time; an unknown one is free.
async fn find(transaction: &Transaction<'_>, key: &LeaseKey) -> Result<(LeaseState, OffsetDateTime), Fault> {
    // The time is asked for once the key is locked: a wait must not make a lease longer.
    let sql = "SELECT pg_catalog.clock_timestamp(), epoch, holder, expires_at
               FROM (SELECT 1) AS one LEFT JOIN lease ON key = $1";
    let found = transaction.query_opt(sql, &[(&key.as_str(), Type::TEXT)]).await?;
    let row = found.ok_or_else(|| damaged("no time"))?;
    let now: OffsetDateTime = row.try_get(0)?;
    let Some(epoch) = row.try_get::<_, Option<i64>>(1)? else { return Ok((LeaseState::default(), now)) };
    let holding = match (row.try_get(2)?, row.try_get(3)?) {
        (Some(holder), Some(expires_at)) => Some(Holding { holder, expires_at }),
        (None, None) => None,
        _ => return Err(damaged("a lease with a holder and no end, or an end and no holder").into()),
    };
    Ok((LeaseState { epoch: Epoch(from_column(epoch)?), holding }, now))
}

async fn granted(transaction: Transaction<'_>, grant: Grant) -> Result<Grant, Fault> {
    write(&transaction, &grant.key, &LeaseState::taken(&grant)).await?;
    transaction.commit().await?;
    Ok(grant)
}

async fn write(transaction: &Transaction<'_>, key: &LeaseKey, state: &LeaseState) -> Result<(), Fault> {
    let epoch = to_column("epoch", state.epoch.0)?;
    let holder = state.holding.as_ref().map(|holding| holding.holder.as_str());
    let expires_at = state.holding.as_ref().map(|holding| holding.expires_at);
    let sql = "INSERT INTO lease (key, epoch, holder, expires_at) VALUES ($1, $2, $3, $4)
               ON CONFLICT (key) DO UPDATE SET epoch = $2, holder = $3, expires_at = $4";
    let written = transaction
        .execute(
            sql,
            &[
                (&key.as_str(), Type::TEXT),
                (&epoch, Type::INT8),
                (&holder, Type::TEXT),
                (&expires_at, Type::TIMESTAMPTZ),
            ],
        )
        .await?;
    Ok(expect(written, 1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_never_ends_for_others_before_its_holder_believes() {
        for (nanos, wanted) in [(1_000, 1_000), (1, 1_000), (999, 1_000), (1_001, 2_000), (0, 0)] {
            assert_eq!(check("a", Duration::from_nanos(nanos)).unwrap(), Duration::from_nanos(wanted));
        }
        assert_eq!(check("a", Duration::MAX).unwrap(), Duration::MAX);
        assert_eq!(check("a\0", Duration::MAX).unwrap_err().field(), Some("holder"));
    }
}
