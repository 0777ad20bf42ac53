//! How a database is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, Error, Secret};

use super::server::{Limits, Server, pool};
use super::{PostgresStore, address};
use crate::seal::{SealingKeyId, SealingKeys};

/// How to open a [`PostgresStore`]: where the server is, how it proves itself, and how long a step may take.
///
/// ```no_run
/// # async fn open(url: azconnect_core::Secret, clock: std::sync::Arc<dyn azconnect_core::Clock>) -> Result<(), azconnect_core::Error> {
/// use azconnect_store::PostgresOptions;
/// use azconnect_store::seal::SealingKey;
///
/// let store = PostgresOptions::new(url) // postgres://user:password@db.contoso.com/azconnect
///     .with_schema("azconnect")
///     .with_root_certificates(std::fs::read("/etc/ssl/db-root.pem").unwrap_or_default())
///     .open(SealingKey::from_file("/run/keys/seal.key")?, clock)
///     .await?;
/// # Ok(()) }
/// ```
#[must_use]
pub struct PostgresOptions {
    url: Secret,
    schema: String,
    pool_size: usize,
    limits: Limits,
    roots: Option<Vec<u8>>,
    allows_plaintext: bool,
    /// The key that a store with a key of its own must have.
    pub(super) expected: Option<SealingKeyId>,
    /// Whether a store with a key of its own makes itself a new one.
    pub(super) renews: bool,
}

impl PostgresOptions {
    /// The usual way: the schema `azconnect`, up to 8 connections, the system's root certificates.
    ///
    /// The url is `postgres://user:password@host:port/database`, or libpq's form of names and values. Several hosts may be named;
    /// the one that takes writes is chosen. `sslmode=require` and the default check the server's certificate and name.
    pub fn new(url: Secret) -> Self {
        let limits = Limits {
            connect: Duration::from_secs(10),
            statement: Duration::from_secs(30),
            lock: Duration::from_secs(20),
        };
        let (roots, allows_plaintext, expected, renews) = (None, false, None, false);
        Self { url, schema: "azconnect".into(), pool_size: 8, limits, roots, allows_plaintext, expected, renews }
    }

    /// Sets the schema in which the tables lie. It is made where there is none; one with anything else in it is refused.
    pub fn with_schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Sets how many connections there are at most.
    pub fn with_pool_size(mut self, size: usize) -> Self {
        self.pool_size = size;
        self
    }

    /// Sets how long a connection may take, and how long one of the pool is waited for. 10 seconds unless set.
    pub fn with_connect_limit(mut self, limit: Duration) -> Self {
        self.limits.connect = limit;
        self
    }

    /// Sets how long one statement may take. 30 seconds unless set.
    pub fn with_statement_limit(mut self, limit: Duration) -> Self {
        self.limits.statement = limit;
        self
    }

    /// Sets how long another process is waited for that has locked the same. 20 seconds unless set.
    pub fn with_lock_limit(mut self, limit: Duration) -> Self {
        self.limits.lock = limit;
        self
    }

    /// Trusts these certificates (PEM) to sign the server's, and not the system's.
    pub fn with_root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// Lets a url that says `sslmode=disable` do so for a server on another machine. Whoever listens there reads the password's
    /// proof and all rows, and whoever answers in the server's place is believed.
    pub fn danger_allow_plaintext(mut self) -> Self {
        self.allows_plaintext = true;
        self
    }

    /// Refuses a store with a key of its own ([`open_wrapped`](Self::open_wrapped)) that is not sealed with the key of this
    /// name, which [`PostgresStore::key_id`] tells once it was made. Keep the name where those who can write the database
    /// cannot.
    ///
    /// Who can write the database and has the *public* key of a vault's key can otherwise put tables of their own making into
    /// its place, with a key of their own that they wrapped: wrapping takes no permission.
    pub fn with_expected_key(mut self, id: SealingKeyId) -> Self {
        self.expected = Some(id);
        self
    }

    /// Lets a store with a key of its own make itself a new one at the opening. The former one stays until
    /// [`PostgresStore::reseal`] has ended. Other processes that have the store open must open it again.
    pub fn renewing_key(mut self) -> Self {
        self.renews = true;
        self
    }

    /// Opens the store, and makes its tables where there are none.
    ///
    /// # Errors
    /// As [`PostgresStore::open`]; [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for an option that cannot be used,
    /// with the name of its field.
    pub async fn open(self, keys: impl Into<SealingKeys>, clock: Arc<dyn Clock>) -> Result<PostgresStore, Error> {
        let keys = keys.into();
        let opened = async { PostgresStore::connect(self.server(clock)?, keys, None).await };
        opened.await.map_err(|error| error.in_operation("store.open"))
    }

    /// The server, to which no connection is made yet.
    pub(super) fn server(&self, clock: Arc<dyn Clock>) -> Result<Server, Error> {
        self.check()?;
        let config = address::config(&self.url, self.allows_plaintext, self.limits.connect)?;
        let tls = address::tls(self.roots.as_deref())?;
        let pool = pool(config, tls, self.pool_size)?;
        Ok(Server { pool, schema: self.schema.clone(), limits: self.limits, clock })
    }

    fn check(&self) -> Result<(), Error> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let starts_well = self.schema.starts_with(|c: char| c.is_ascii_lowercase()) && !self.schema.starts_with("pg_");
        if self.schema.len() > 63 || !starts_well || !self.schema.chars().all(is_plain) {
            return Err(Error::invalid(
                "schema",
                "must be 1 to 63 of a-z, 0-9 and _, and begin with a letter other than in pg_",
            )
            .with_advice("choose a plain name for the schema, such as azconnect"));
        }
        if self.pool_size == 0 {
            return Err(Error::invalid("pool_size", "must be at least 1").with_advice("give a number such as 8"));
        }
        let limits = [
            ("connect_limit", self.limits.connect),
            ("statement_limit", self.limits.statement),
            ("lock_limit", self.limits.lock),
        ];
        // To the server, nothing means no limit.
        for (field, limit) in limits {
            if limit < Duration::from_millis(1) || limit > Duration::from_secs(24 * 3600) {
                return Err(Error::invalid(field, "must be from a millisecond to a day")
                    .with_advice("give a limit such as 30 s"));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("pool_size", &self.pool_size)
            .field("limits", &self.limits)
            .field("root_certificates", &self.roots.is_some())
            .field("allows_plaintext", &self.allows_plaintext)
            .finish_non_exhaustive()
    }
}
