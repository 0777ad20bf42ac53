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
//! [`server::serve`] offers the same over HTTP on loopback, one origin for each service.

mod answer;
pub mod arm;
mod call;
mod control;
mod devops;
mod dice;
mod directory;
mod emulator;
mod entra;
mod fault;
mod graph;
mod populate;
mod registry;
mod replica;
mod seed;
pub mod server;
mod service;
mod settings;
mod token;
mod transport;
mod truth;
mod world;

pub use emulator::{Emulator, Exchange, Intervention, Observer};
pub use fault::{CannedAnswer, Fault, FaultAction, Faults};
pub use seed::Seed;
pub use service::{Origins, Service};
pub use settings::{BadAuthentication, RateLimit, ReplicaChoice, Settings};
pub use truth::{Acceptance, ApplicationTruth, ConnectionTruth, Held, PasswordHome, PasswordTruth, Truth};
