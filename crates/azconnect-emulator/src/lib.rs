//! Microsoft Entra ID, Graph, Azure Resource Manager and Azure DevOps in one process: faults, replication lag,
//! throttling and the ground truth.
//!
//! For tests, demonstrations and development without a cloud. Clients that nobody here wrote should not be able to
//! tell it from the services; it shares no wire type with azconnect's own clients, so that one mistake cannot pass on
//! both sides. What it does not emulate it refuses with 501, and counts.
//!
//! ```
//! use std::sync::Arc;
//! use azconnect_core::Error;
//! use azconnect_emulator::{Emulator, Seed};
//! use azconnect_testkit::VirtualClock;
//! use bytes::Bytes;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let seed = Seed::from_json(r#"{"tenants": [{
//!     "id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
//!     "domain": "contoso.onmicrosoft.com",
//!     "applications": [{
//!         "displayName": "Deployer",
//!         "clientId": "10000000-0000-4000-8000-000000000002",
//!         "graphRoles": ["Application.Read.All"],
//!         "passwords": [{"secret": "from the seed"}]
//!     }]
//! }]}"#)?;
//! let emulator = Emulator::from_seed(seed, Arc::new(VirtualClock::new()))?;
//! let transport = emulator.transport();
//!
//! // A token, from the real address: in process, the real host names are routed.
//! let form = "grant_type=client_credentials&client_id=10000000-0000-4000-8000-000000000002\
//!             &client_secret=from+the+seed&scope=https://graph.microsoft.com/.default";
//! let request = http::Request::post("https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token")
//!     .body(Bytes::from(form))?;
//! let answer: serde_json::Value = serde_json::from_slice(transport.send(request).await?.body())?;
//! let token = answer["access_token"].as_str().ok_or("no token")?;
//!
//! // The applications of the tenant.
//! let request = http::Request::get("https://graph.microsoft.com/v1.0/applications")
//!     .header("authorization", format!("Bearer {token}"))
//!     .body(Bytes::new())?;
//! let answer: serde_json::Value = serde_json::from_slice(transport.send(request).await?.body())?;
//! assert_eq!(answer["value"][0]["displayName"], "Deployer");
//!
//! // What is really so.
//! assert!(emulator.truth().applications[0].passwords[0].accepted.everywhere);
//! assert_eq!(emulator.truth().unknown_routes, 0);
//! # Ok(())
//! # }
//! ```
//!
//! The world acts on its own as well: [`Emulator::person`] deletes, restores, renames and makes again what a test's subject
//! relies on, [`Emulator::throttle`] and [`Emulator::inflict`] last for a time, and a request may arrive when nobody waits
//! for it any more ([`FaultAction::ArriveLate`]).
//!
//! [`server::serve`] offers the same over HTTP on loopback, one origin for each service.
//!
//! The program `azconnect-emulator` (feature `cli`, on by default) serves clients in any language, over HTTPS and as a proxy
//! as well: `cargo install azconnect-emulator`. Who needs the library alone turns the default features off.

mod base;
mod model;
#[cfg(feature = "cli")]
pub mod program;
mod service;
mod setup;
mod shell;

pub use base::origins::{Origins, Service};
pub use base::settings::devops::DevOpsOutcome;
pub use base::settings::sign_in::{DevicePolling, RefreshRule, SignInSettings};
pub use base::settings::{BadAuthentication, RateLimit, ReplicaChoice, Settings, UnsentSecrets};
pub use model::directory::Hidden;
pub use setup::seed::{Seed, SeedFault};
pub use shell::emulator::{Emulator, Exchange, Intervention, Observer};
pub use shell::fault::{CannedAnswer, Fault, FaultAction, Faults};
pub use shell::person::Person;
pub use shell::server;
pub use shell::truth::{
    Acceptance, ApplicationTruth, CertificateTruth, ConnectionTruth, Held, PasswordHome, PasswordTruth, Truth,
};
pub use shell::visitor::{Conduct, Landing, Visitor};

/// Microsoft Graph: its budgets, and what it answers where neither a document nor an observation settles that.
pub mod graph {
    pub use crate::base::settings::graph::{
        BusyAnswer, FederatedDuplicate, ForbiddenCredential, GraphSettings, MissingPassword, TenantSize, YoungObject,
    };
}

/// Azure Resource Manager: subscriptions, groups, network, compute and roles.
///
/// Set it up with a seed, with [`ArmSettings`](arm::ArmSettings), and with [`ResourceManager`](arm::ResourceManager)
/// from [`Emulator::resource_manager`]; script what goes wrong with [`Failure`](arm::Failure) and
/// [`FaultAction::Fail`]; read what became of it in the [`LedgerEntry`](arm::LedgerEntry)s of the ground truth.
pub mod arm {
    pub use crate::base::refusal::ErrorShape;
    pub use crate::base::settings::resource_manager::{ArmSettings, OperationKind, RetryAfter};
    pub use crate::model::arm::agent::{AgentOutcome, AgentScript, CommandOutcome, CommandRun, Responder};
    pub use crate::model::arm::failure::Failure;
    pub use crate::model::arm::ledger::LedgerEntry;
    pub use crate::model::arm::policy::Policy;
    pub use crate::shell::resource_manager::ResourceManager;
}
