//! The words every azconnect crate shares: secrets, typed ids, clouds, errors, time, and the durable ports.
//!
//! A [`catalogue`] of error codes has one shape in all crates.
//!
//! Nothing here performs I/O or needs an async runtime. A crate that implements a port depends on this one
//! and on nothing else of azconnect.
//!
//! ```
//! use azconnect_core::{Cloud, Secret, TenantId};
//!
//! let tenant: TenantId = "1272a66f-e2e8-4e88-ab43-487409186c3f".parse()?;
//! let secret = Secret::new("never printed");
//! assert_eq!(format!("{secret:?}"), "Secret(***)");
//!
//! let cloud = Cloud::public();
//! assert_eq!(cloud.login().as_str(), "https://login.microsoftonline.com/");
//!
//! let error = "not-a-guid".parse::<TenantId>().unwrap_err();
//! assert_eq!(error.field(), Some("tenant_id"));
//! println!("{tenant}: {}", error.advice());
//! # Ok::<(), azconnect_core::Error>(())
//! ```

pub mod catalogue;
mod clock;
mod cloud;
mod diagnosis;
mod document;
mod effect;
mod error;
mod error_kind;
mod id;
mod journal;
mod key_wrap;
mod lease;
mod pause;
mod retry;
mod scope;
mod secret;
mod secret_store;

pub use clock::Clock;
pub use cloud::{Cloud, CustomCloud};
pub use diagnosis::Diagnosis;
pub use document::{
    CollectionId, Document, DocumentId, DocumentKey, DocumentPage, DocumentQuery, DocumentStore, Labels, Revision,
    StoredDocument,
};
pub use effect::{Effect, Retry};
pub use error::Error;
pub use error_kind::ErrorKind;
pub use id::{ApplicationObjectId, ClientId, KeyId, PrincipalObjectId, ResourceGroupName, SubscriptionId, TenantId};
pub use journal::{Append, Entry, Integrity, Journal, Record, Sequence, StreamId};
pub use key_wrap::{KeyWrap, PlainKey, WrappedKey, WrappingKeyId};
pub use lease::{Epoch, Grant, Lease, LeaseKey};
pub use pause::in_words;
pub use retry::{Attempt, ExponentialBackoff, NoRetry, RetryPolicy};
pub use scope::Scope;
pub use secret::Secret;
pub use secret_store::{MAX_LISTED, SecretId, SecretStore};

/// Builds the id types of other azconnect crates. Not part of the public contract.
#[doc(hidden)]
pub mod __private {
    pub use crate::id::{parse_guid, parse_name};
    pub use serde;
    pub use uuid;
}

/// Opts out of a protection. Every item here says what it gives up.
pub mod danger {
    pub use crate::cloud::allow_http_loopback;
}
