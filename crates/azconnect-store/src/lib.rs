//! Where azconnect keeps its journal, its secrets, its leases and its documents: in memory, in one SQLite file, or in PostgreSQL.
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use azconnect_core::{Append, Journal, Lease, Record, Secret, SecretStore, Sequence};
//! use azconnect_store::SqliteStore;
//! # use azconnect_testkit::ManualClock as SystemClock;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let (state, clock) = (folder.path(), Arc::new(SystemClock::new()));
//! # use azconnect_core::Clock;
//! // Both are made the first time. Keep them apart: whoever copies one alone has nothing.
//! let (database, key_file) = (state.join("azconnect.db"), state.join("seal.key"));
//! let store = SqliteStore::open_with_key_file(&database, &key_file, clock.clone()).await?;
//!
//! // One writer at a time, whose writes carry the epoch of its grant.
//! let grant = store.acquire(&"application/contoso".parse()?, "host-1", Duration::from_secs(60)).await?;
//!
//! // The secret is sealed before anything is recorded about it.
//! let id = "application/contoso/2".parse()?;
//! store.put(&id, &Secret::new("s3cr3t")).await?;
//! let minted = Record::new("minted", r#"{"secret":"application/contoso/2"}"#, clock.now());
//! let stream = "rotation/contoso".parse()?;
//! store.append(Append::new(stream, Sequence::START, grant.epoch, vec![minted])).await?;
//!
//! // Whatever happens now, another process finds it.
//! drop(store);
//! let store = SqliteStore::open_with_key_file(&database, &key_file, clock).await?;
//! assert_eq!(store.unfinished().await?, ["rotation/contoso".parse()?]);
//! assert_eq!(store.get(&id).await?.unwrap().expose(), "s3cr3t");
//! # Ok::<(), azconnect_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! A product of several machines keeps the same in PostgreSQL 12 or later (feature `postgres`), also behind a pooler in
//! transaction mode. The tables are made in a schema of their own, leases go by the server's clock, and a connection over a
//! network is encrypted, with the server's certificate and name checked:
//!
//! ```no_run
//! # #[cfg(feature = "postgres")]
//! # async fn open(clock: std::sync::Arc<dyn azconnect_core::Clock>) -> Result<(), azconnect_core::Error> {
//! use azconnect_core::Secret;
//! use azconnect_store::PostgresStore;
//! use azconnect_store::seal::SealingKey;
//!
//! let url = Secret::new("postgres://azconnect:…@db.contoso.com/products");
//! let store = PostgresStore::open(url, SealingKey::from_file("/run/keys/seal.key")?, clock).await?;
//! // Journal, secrets, leases and documents, as above.
//! # Ok(())
//! # }
//! ```
//!
//! The stores in memory serve tests and products without a need for durability:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use azconnect_core::{Secret, SecretStore};
//! use azconnect_store::MemorySecrets;
//!
//! let secrets = MemorySecrets::new();
//! let id = "connection/contoso/1".parse()?;
//! secrets.put(&id, &Secret::new("first")).await?;
//! assert!(secrets.put(&id, &Secret::new("second")).await.is_err(), "a name keeps its first secret");
//! # Ok::<(), azconnect_core::Error>(())
//! # }).unwrap();
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod draft;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod rules;
pub mod seal;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod stored;
mod witness;

pub use memory::{MemoryDocuments, MemoryJournal, MemoryLease, MemorySecrets};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use stored::resealed::Resealed;
pub use witness::{FileWitness, JournalWitness, Testimony};
