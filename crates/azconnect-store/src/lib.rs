//! Where azconnect keeps its journal, its secrets and its leases: in memory, or in one SQLite file.
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
mod rules;
pub mod seal;
#[cfg(feature = "sqlite")]
mod sqlite;
mod witness;

pub use memory::{MemoryJournal, MemoryLease, MemorySecrets};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
pub use witness::{FileWitness, JournalWitness, Testimony};
