//! What every implementation of a port must do, as suites of named behaviours.
//!
//! A suite runs every behaviour on a subject of its own and panics once, naming all that failed. It takes a factory;
//! names of streams, secrets and leases are fresh in every run, so a factory may give the same shared store each time.
//! Where a behaviour needs more than the port itself, such as a service that breaks down, the suite has a trait called a
//! harness, by which the test says how.
//!
//! ```
//! # use azconnect_core::{Append, Entry, Error, Journal, Sequence, StreamId};
//! # use std::sync::Arc;
//! # struct Forgetful;
//! # #[async_trait::async_trait]
//! # impl Journal for Forgetful {
//! #     async fn append(&self, append: Append) -> Result<Sequence, Error> {
//! #         Ok(Sequence(append.expected.0 + append.records.len() as u64))
//! #     }
//! #     async fn read(&self, _: &StreamId, _: Sequence) -> Result<Vec<Entry>, Error> { Ok(Vec::new()) }
//! #     async fn unfinished(&self) -> Result<Vec<StreamId>, Error> { Ok(Vec::new()) }
//! # }
//! # let caught = std::panic::catch_unwind(|| {
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use azconnect_testkit::conformance;
//!
//! conformance::journal::all(async || Arc::new(Forgetful) as Arc<dyn Journal>).await;
//! # })});
//! # assert!(caught.unwrap_err().downcast::<String>().unwrap().contains("what is appended is read back"));
//! ```

pub mod account_links;
pub mod agent_probe;
pub mod application_trust;
pub mod applications;
pub mod binding_flow;
pub mod bindings;
pub mod choices;
pub mod clock;
pub mod connection_checks;
pub mod connection_keeper;
pub mod consumer_finder;
pub mod credential_issuer;
pub mod credential_sink;
pub mod credential_verifier;
pub mod devops;
pub mod document_store;
pub mod end_reader;
pub mod expiry_watch;
pub mod federated_credentials;
pub mod fleets;
pub mod journal;
pub mod key_wrap;
pub mod lease;
pub mod machines;
pub mod own_record;
pub mod provisioning;
pub mod refresh_tokens;
pub mod registration;
mod report;
pub mod roles;
pub mod rotations;
pub mod secret_store;
pub mod setup;
pub mod tenant_settings;
pub mod token_provider;
pub mod transport;
