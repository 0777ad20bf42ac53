//! One transaction on a connection of the pool, with the locks that it holds to its end.

use aws_lc_rs::digest::{SHA256, digest};
use azconnect_core::{Error, LeaseKey};
use deadpool_postgres::Object;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::failure::Fault;
use super::server::Server;

/// What a transaction keeps others from, until it ends.
///
/// The locks make the promise about dropped calls true: whoever changes something has locked it before the commit is sent, and
/// whoever reads it locks it too. So a read waits until a transaction that was left alone has come to its end.
pub(super) enum Lock<'a> {
    /// The tables and the keys, which hardly ever change.
    Store,
    Journal,
    Collection(&'a str),
    Lease(&'a LeaseKey),
}

/// Whether others may hold the same lock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Shared,
    Exclusive,
}

impl Lock<'_> {
    /// The number of the advisory lock: the same for every process that uses the schema, and for nobody else.
    fn number(&self, schema: &str) -> i64 {
        let (what, name) = match self {
            Self::Store => ("store", ""),
            Self::Journal => ("journal", ""),
            Self::Collection(name) => ("collection", *name),
            Self::Lease(key) => ("lease", key.as_str()),
        };
        let hash = digest(&SHA256, format!("azconnect lock\0{schema}\0{what}\0{name}").as_bytes());
        let first = hash.as_ref().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        first.cast_signed()
    }
}

/// A transaction that was begun. Dropped before its end, it takes its connection with it, and the server undoes it.
pub(super) struct Transaction<'a> {
    server: &'a Server,
    connection: Option<Object>,
}

impl<'a> Transaction<'a> {
    /// Begins one that holds locks. All that it needs is set for the transaction alone, so that a pooler between may give each
    /// transaction another session.
    pub(super) async fn begin(server: &'a Server, locks: &[(Lock<'_>, Mode)]) -> Result<Self, Fault> {
        let connection = server.within(server.limits.connect, server.pool.get()).await.ok_or(Fault::late(false))??;
        let transaction = Self { server, connection: Some(connection) };
        let mut sql = settings(server);
        for (lock, mode) in locks {
            let function = if *mode == Mode::Shared { "pg_advisory_xact_lock_shared" } else { "pg_advisory_xact_lock" };
            sql += &format!("SELECT pg_catalog.{function}({});", lock.number(&server.schema));
        }
        transaction.batch(&sql).await?;
        Ok(transaction)
    }

    pub(super) async fn query(&self, sql: &str, values: &[(&(dyn ToSql + Sync), Type)]) -> Result<Vec<Row>, Fault> {
        self.limited(self.client()?.query_typed(sql, values)).await
    }

    pub(super) async fn query_opt(
        &self,
        sql: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Option<Row>, Fault> {
        Ok(self.query(sql, values).await?.into_iter().next())
    }

    pub(super) async fn execute(&self, sql: &str, values: &[(&(dyn ToSql + Sync), Type)]) -> Result<u64, Fault> {
        self.limited(self.client()?.execute_typed(sql, values)).await
    }

    /// Runs statements without values.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Fault> {
        self.limited(self.client()?.batch_execute(sql)).await
    }

    /// Commits. A connection that is lost meanwhile leaves it open whether it was committed.
    pub(super) async fn commit(mut self) -> Result<(), Fault> {
        let committed = self.server.within(self.server.limits.answer(), self.client()?.batch_execute("COMMIT")).await;
        committed.ok_or(Fault::late(true))?.map_err(Fault::of_commit)?;
        // Only now may another call have the connection.
        drop(self.connection.take());
        Ok(())
    }

    /// Ends without having changed anything, and gives back the connection.
    pub(super) async fn end(mut self) -> Result<(), Fault> {
        self.batch("ROLLBACK").await?;
        drop(self.connection.take());
        Ok(())
    }

    /// Ends without having changed anything, since the call is refused.
    pub(super) async fn refuse(self, error: Error) -> Fault {
        // Whether the connection can be used again has nothing to do with the refusal.
        let _ = self.end().await;
        error.into()
    }

    fn client(&self) -> Result<&Object, Fault> {
        self.connection.as_ref().ok_or_else(|| Fault::late(false))
    }

    async fn limited<T>(&self, work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Fault> {
        let done = self.server.within(self.server.limits.answer(), work).await;
        Ok(done.ok_or(Fault::late(false))??)
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Out of the pool and closed, so that nobody gets a connection whose transaction is still open.
            drop(Object::take(connection));
        }
    }
}

/// Begins a transaction, with settings that end with it.
fn settings(server: &Server) -> String {
    let (schema, limits) = (&server.schema, &server.limits);
    let (lock, statement) = (limits.lock.as_millis(), limits.statement.as_millis());
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED;
         SET LOCAL search_path = \"{schema}\", pg_temp;
         SET LOCAL lock_timeout = {lock};
         SET LOCAL statement_timeout = {statement};
         SET LOCAL idle_in_transaction_session_timeout = {statement};
         SELECT pg_catalog.set_config('synchronous_commit', 'on', true)
         WHERE pg_catalog.current_setting('synchronous_commit') = 'off';"
    )
}
