//! The credential model: what a product stores about a connection to a customer's Azure, and the ports through which a
//! secret is minted, proven, pushed and retired.
//!
//! [`entra`] judges what a code of Entra ID proves about a credential, for every client that meets one.
//!
//! Nothing here talks to a service. `azconnect-identity`, `azconnect-graph` and `azconnect-devops` implement the ports
//! for Microsoft's services; `azconnect-rotation` knows the ports only.
//!
//! ```
//! use azconnect_core::Secret;
//! use azconnect_credential::{ConnectionRecord, CredentialKind, Expiry, check_client_secret};
//! use std::time::Duration;
//! use time::macros::datetime;
//!
//! // A person pasted the secret's *ID* where its value belongs: refused before anything is stored.
//! let pasted = Secret::new("1272a66f-e2e8-4e88-ab43-487409186c3f");
//! let refused = check_client_secret(&pasted).unwrap_err();
//! assert!(refused.advice().contains("Value"));
//!
//! let record = ConnectionRecord::new(
//!     "contoso".parse()?,
//!     "d1b2c3d4-0000-4000-8000-000000000001".parse()?,
//!     "d1b2c3d4-0000-4000-8000-000000000002".parse()?,
//!     "d1b2c3d4-0000-4000-8000-000000000003".parse()?,
//!     CredentialKind::client_secret("connection/contoso/1".parse()?, Some(datetime!(2026-12-01 0:00 UTC))),
//! );
//! let expiry = record.expiry(datetime!(2026-11-21 0:00 UTC), Duration::from_secs(30 * 86_400));
//! assert!(matches!(expiry, Expiry::Due { .. }));
//! # Ok::<(), azconnect_core::Error>(())
//! ```

mod assessment;
mod candidate;
mod check;
mod check_report;
mod client_secret;
pub mod entra;
mod finder;
mod inventory;
mod issuer;
mod marker;
mod port;
mod record;
mod sink;
mod token;
mod verifier;

pub use assessment::{Assessment, CredentialVerdict};
pub use candidate::Candidate;
pub use check::{Check, CheckStatus};
pub use check_report::CheckReport;
pub use client_secret::check_client_secret;
pub use finder::{ConsumerFinder, FoundConsumer, FoundConsumers};
pub use inventory::{Inventory, IssuedKey, KeyHolder};
pub use issuer::{CredentialIssuer, MintRequest, Minted, Retirement, SubjectId};
pub use marker::Marker;
pub use port::{ConnectRequest, ConnectionKeeper};
pub use record::{ConnectionId, ConnectionRecord, CredentialKind, Expiry, Region};
pub use sink::{CredentialSink, PushReceipt, SinkId, SinkReport};
pub use token::{AccessToken, TokenProvider};
pub use verifier::CredentialVerifier;
