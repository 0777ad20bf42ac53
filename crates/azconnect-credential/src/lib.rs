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
//! use azconnect_credential::{ConnectionRecord, CredentialKind, Expiry, ExpiryPolicy, check_client_secret};
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
//! let expiry = record.expiry(datetime!(2026-11-21 0:00 UTC), &ExpiryPolicy::default());
//! assert!(matches!(expiry, Expiry::Due { .. }));
//! # Ok::<(), azconnect_core::Error>(())
//! ```

mod assessment;
mod binding_state;
mod bindings;
mod bound_consumer;
mod candidate;
mod check;
mod check_report;
mod client_secret;
mod connection_check;
mod connection_form;
mod credential_kind;
mod crossing;
pub mod entra;
mod expiry;
mod expiry_end;
mod expiry_note;
mod expiry_note_format;
mod expiry_policy;
mod expiry_reached;
mod finder;
mod form_entry;
mod format_version;
mod inventory;
mod issuer;
mod kept_connection;
mod linked_account;
mod marker;
mod person;
mod port;
mod record;
mod record_format;
mod records;
mod refresh_tokens;
mod region;
mod sink;
mod tenant_settings;
mod tenant_settings_rules;
mod token;
mod verifier;

pub use assessment::{Assessment, CredentialVerdict};
pub use binding_state::{BindingSeen, BindingState};
pub use bindings::{ApplicationBindings, Binding};
pub use bound_consumer::{BoundConsumer, BoundServiceConnection, EndpointId, OtherConsumer};
pub use candidate::Candidate;
pub use check::{Check, CheckStatus};
pub use check_report::CheckReport;
pub use client_secret::check_client_secret;
pub use connection_check::ConnectionCheck;
pub use connection_form::ConnectionForm;
pub use credential_kind::CredentialKind;
pub use crossing::{Crossing, CrossingId};
pub use expiry::Expiry;
pub use expiry_end::{EndReader, EndReading, EndSource, ListedEnd};
pub use expiry_note::{ExpiryLook, ExpiryNote};
pub use expiry_policy::{ExpiryPolicy, ExpiryStep};
pub use finder::{ConsumerFinder, FoundConsumer, FoundConsumers};
pub use form_entry::{FormEntry, TenantEntry};
pub use inventory::{Inventory, IssuedKey, KeyHolder};
pub use issuer::{CredentialIssuer, MintRequest, Minted, Retirement, SubjectId};
pub use linked_account::{LinkRole, LinkedAccount, LinkedAs};
pub use marker::Marker;
pub use person::{Person, PersonId};
pub use port::{
    AccountLending, ActingChoice, BindingRecords, CheckedConnection, ConnectRequest, Connected, ConnectionChange,
    ConnectionChecks, ConnectionKeeper, ConnectionPage, ConnectionQuery, ConnectionRecords, CrossingPage, ExpirySurvey,
    ExpiryWatch, ExpiryWatchExt, FitRequest, Lent, Linked, LinkedAccounts, NewPersonalToken, NewSecret, OpenCrossing,
    SettingsOutcome, Standing, StandingPage, TenantSettingsKeeper, TenantSettingsRequest,
};
pub use record::{ConnectionId, ConnectionRecord, LastCheck};
pub use records::{Kept, RecordPage, RecordQuery, Records, Revised};
pub use refresh_tokens::{KeptRefreshToken, LinkId, RefreshTokens};
pub use region::Region;
pub use sink::{CredentialSink, PushReceipt, SinkId, SinkReport};
pub use tenant_settings::{ActingAs, TenantSettings};
pub use tenant_settings_rules::check_personal_token;
pub use token::{AccessToken, TokenProvider};
pub use verifier::CredentialVerifier;
