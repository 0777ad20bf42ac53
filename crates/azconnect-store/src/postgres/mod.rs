//! Everything in one schema of a PostgreSQL database.

mod address;
mod attempts;
mod documents;
mod failure;
mod journal;
mod keys;
mod lease;
mod options;
mod reader;
mod records;
mod reseal;
mod rows;
mod schema;
mod secrets;
mod server;
mod sign;
mod store_key;
mod transaction;

use std::fmt;
use std::sync::Arc;

use azconnect_core::{Clock, Error, Secret};
use tokio::sync::Mutex;

pub use self::options::PostgresOptions;

use self::attempts::repeat;
use self::failure::Fault;
use self::server::Server;
use self::transaction::{Lock, Mode, Transaction};
use crate::rules::known::Known;
use crate::seal::store_key::StoreKeys;
use crate::seal::{SealingKeyId, SealingKeys};
use crate::stored::present::Present;

/// A [`Journal`](azconnect_core::Journal), [`SecretStore`](azconnect_core::SecretStore), [`Lease`](azconnect_core::Lease) and
/// [`DocumentStore`](azconnect_core::DocumentStore) in PostgreSQL 12 or later, for products of several machines. Clones share one
/// pool of connections.
///
/// Its futures need a tokio runtime with its timers and sockets. Each connection is driven by a task there, which the pool
/// starts and ends; no call is.
///
/// # The server
///
/// - Whoever connects over a network does so by TLS, with the server's certificate and name checked: a url that says nothing
///   about it does not fall back to plaintext.
/// - A pooler in transaction mode (PgBouncer) may stand between: nothing is kept in a session.
/// - What returned `Ok` is as durable as the server makes it. A role or database that has turned `synchronous_commit` off is
///   not followed in that. A standby that copies asynchronously has lost what it had not received when it takes over: where the
///   loss of a recorded secret matters, let the server wait for its standby.
/// - Leases go by the server's clock alone, so the machines need not agree on the time. The clock that is given measures how long
///   the server is waited for.
/// - One append at a time is written in a whole schema: its transaction holds a lock to its end, and readers wait for it. A
///   process reads or appends one at a time too. To seal or remove a secret is such an append.
///
/// # Lost connections
///
/// A transaction that failed before it was to be committed was provably not applied, and is made again up to five times if another
/// one or the loss of the connection was the reason. When the connection is lost while it is being committed, the database is
/// asked whether it was: an append looks for its entries, a document for its revision, and everything else is done again, since
/// twice is the same as once. Only where the database cannot be asked the effect is [`Unknown`](azconnect_core::Effect).
///
/// # Who can write the tables and has no key
///
/// The journal, the documents and the secrets bear the same marks (HMAC-SHA256 under a key derived from the sealing key) as those
/// of `SqliteStore`, and protect as much: a changed, cut, moved, exchanged, added or missing entry is
/// [`Corrupt`](azconnect_core::ErrorKind::Corrupt), with nothing written; a stream that is gone or was taken back, and a secret
/// that was removed or put back, show in every process. There is no witness: a journal that is taken back as a whole, and its
/// secrets with it, shows in the processes that have seen more, and in no new one. There is no setting aside either: the way on
/// from a damaged stream is a backup.
///
/// Triggers, rules and tables of others in the schema are refused at the opening. Whoever owns the tables can add them later; they
/// see sealed secrets only, and what they change is noticed as any change is.
///
/// A secret that is removed is gone from the table, and its data key with it. Both stay in the server's files until they are
/// vacuumed, in its write-ahead log and in backups.
///
/// # Cancel safety
/// A call whose future is dropped was done entirely or not at all. What is read afterwards, by any process, shows which: a
/// read of the journal or of a collection waits for the transactions that write there.
#[derive(Clone)]
pub struct PostgresStore(Arc<Shared>);

struct Shared {
    server: Server,
    keys: SealingKeys,
    /// The journal as it was seen last. Held by one call at a time, also while it waits for the server: what another one
    /// learns meanwhile must not look like a journal that went back.
    known: Mutex<Known>,
    /// Which secrets there are, as was seen last. Locked after `known`, everywhere.
    present: Mutex<Present>,
}

impl PostgresStore {
    /// Opens the store at a url with the usual options, and makes its tables where there are none.
    ///
    /// Several processes may do so at once. Before anything is written, what is there is checked: that the tables are ours, of a
    /// version that is known, sealed with keys that are given, and that the journal lacks nothing.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `url` for one that cannot be used, or with the
    /// field `schema` if something else lies there; [`Corrupt`](azconnect_core::ErrorKind::Corrupt) if the tables are not as
    /// they were made, or were sealed with another key; [`Unsupported`](azconnect_core::ErrorKind::Unsupported) if a newer
    /// version wrote them, or the server is too old; [`Unauthenticated`](azconnect_core::ErrorKind::Unauthenticated) if the server
    /// or this program does not accept the other; [`Unavailable`](azconnect_core::ErrorKind::Unavailable) if the server cannot be
    /// reached, or takes no writes. Nothing was changed then.
    pub async fn open(url: Secret, keys: impl Into<SealingKeys>, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        PostgresOptions::new(url).open(keys, clock).await
    }

    /// `own` are the wrapped keys of a store that has keys of its own.
    async fn connect(server: Server, keys: SealingKeys, own: Option<&StoreKeys>) -> Result<Self, Error> {
        let (known, present) = repeat!(&*server.clock, "store.open", schema::open(&server, &keys, own))?;
        Ok(Self(Arc::new(Shared { server, keys, known: Mutex::new(known), present: Mutex::new(present) })))
    }

    /// The public name of the key that seals: of the key that was given, or of the store's own.
    pub fn key_id(&self) -> SealingKeyId {
        self.0.keys.current().id()
    }

    /// The schema in which the tables lie.
    pub fn schema(&self) -> &str {
        &self.0.server.schema
    }

    /// Begins a transaction of a call that locks one thing.
    async fn begin(&self, lock: Lock<'_>, mode: Mode) -> Result<Transaction<'_>, Fault> {
        // First of all the store, in this order everywhere: nobody waits for whoever waits for them.
        Transaction::begin(&self.0.server, &[(Lock::Store, Mode::Shared), (lock, mode)]).await
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.server.clock
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("schema", &self.schema()).finish_non_exhaustive()
    }
}
