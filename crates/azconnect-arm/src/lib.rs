//! Azure Resource Manager: a product hands over a connection and a specification, and gets a running virtual machine with
//! its agent online, or one clear report of everything that stands in the way. Never a leaked resource.
//!
//! ```
//! use std::sync::Arc;
//!
//! use azconnect_arm::{Arm, GroupChoice, InboundRule, ProvisionId, Provisioner, SshKey, VmSpec, preflight};
//! use azconnect_core::ResourceGroupName;
//! use azconnect_http::Pipeline;
//! use azconnect_store::{MemoryJournal, MemoryLease, MemorySecrets};
//! # use azconnect_emulator::{Emulator, Seed};
//! # use azconnect_testkit::VirtualClock;
//! # struct SignIn(Emulator);
//! # #[async_trait::async_trait]
//! # impl azconnect_credential::TokenProvider for SignIn {
//! #     async fn token(&self, scope: &azconnect_core::Scope)
//! #     -> Result<Arc<azconnect_credential::AccessToken>, azconnect_core::Error> {
//! #         let form = format!("grant_type=client_credentials&client_id=10000000-0000-4000-8000-000000000002\
//! #             &client_secret=from+the+seed&scope={scope}");
//! #         let request = http::Request::post("https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token")
//! #             .body(form.into()).expect("a request");
//! #         let answer = self.0.transport().send(request).await?;
//! #         let answer: serde_json::Value = azconnect_http::json(&answer)?;
//! #         let secret = azconnect_core::Secret::new(answer["access_token"].as_str().unwrap_or_default());
//! #         let later = time::macros::datetime!(2026-01-01 01:00 UTC);
//! #         Ok(Arc::new(azconnect_credential::AccessToken::new(secret, later, later)))
//! #     }
//! #     async fn invalidate(&self, _: &azconnect_core::Scope, _: &azconnect_credential::AccessToken) {}
//! # }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), azconnect_core::Error> {
//! # let seed = Seed::from_json(r#"{
//! #     "tenants": [{"id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "domain": "contoso.onmicrosoft.com", "applications": [{
//! #         "displayName": "Deployer", "clientId": "10000000-0000-4000-8000-000000000002",
//! #         "passwords": [{"secret": "from the seed"}]}]}],
//! #     "subscriptions": [{"id": "20000000-0000-4000-8000-000000000001", "name": "Contoso",
//! #         "tenant": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
//! #         "roleAssignments": [{"principal": "10000000-0000-4000-8000-000000000002", "role": "Contributor"}]}]}"#)?;
//! # let clock = VirtualClock::new();
//! # let emulator = Emulator::from_seed(seed, Arc::new(clock.clone()))?;
//! # let (transport, cloud) = (emulator.transport(), emulator.cloud());
//! # let tokens = Arc::new(SignIn(emulator.clone()));
//! // A transport, a clock, a cloud and tokens come in; here they are an emulator's.
//! let arm = Arm::new(Pipeline::new(transport, Arc::new(clock.clone())), &cloud, tokens);
//! let subscription = arm.subscription("20000000-0000-4000-8000-000000000001".parse()?);
//!
//! let group = GroupChoice::Create(ResourceGroupName::new("rg-web")?);
//! let spec = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse()?, group)?
//!     .with_rule(InboundRule::ssh(vec!["203.0.113.7/32".parse()?]))
//!     .with_fallback_size("Standard_D2s_v5");
//!
//! // Everything that stands in the way, at once and without effect.
//! let report = preflight(&subscription, &spec).await;
//! assert!(report.is_clear(), "{:?}", report.failures().collect::<Vec<_>>());
//!
//! let provisioner = Provisioner::new(
//!     subscription,
//!     Arc::new(MemoryJournal::new()),
//!     Arc::new(MemorySecrets::new()),
//!     Arc::new(MemoryLease::new(Arc::new(clock))),
//! );
//! let plan = provisioner.plan(ProvisionId::new("contoso/web")?, spec).await?;
//! println!("{plan}");
//! let machine = provisioner.run(&plan).await?;
//! println!("{} at {:?}", machine.machine.name(), machine.address);
//! let key = SshKey::read(provisioner.private_key(&machine.id).await?)?;
//! // … keep the key where it belongs, and only then say which one is kept:
//! provisioner.forget_private_key(&machine.id, &key.fingerprint).await?;
//!
//! // Gone with everything that was created for it.
//! provisioner.clean_up(&machine.id).await?;
//! # assert!(emulator.truth().ledger.iter().all(|entry| !entry.is_live()));
//! # Ok(())
//! # }
//! ```
//!
//! The parts stand alone: the typed client begins at [`Arm`], with a [`Handle`] for each resource; [`preflight()`] looks
//! and changes nothing; [`Provisioner`] journals every step before its effect, so that a process that was killed goes on
//! or cleans up; [`Fleet`] builds several that share a network; [`Fault`] tells what a refusal means. An identity that may
//! act in one resource group only is a first-class citizen.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod choices;
mod client;
pub mod error;
mod key;
mod machine;
mod password;
pub mod port;
mod preflight;
pub mod provision;
pub mod resource;
mod role;
pub mod spec;

pub use client::{AnyResource, Arm, Group, Handle, List, Pending, Skus, Subscription};
pub use error::{Class, Fault};
pub use key::{KeyKind, SshKey};
pub use machine::OwnMachine;
pub use password::AdminPassword;
pub use preflight::{PreflightCheck, machine_actions, preflight, preflight_fleet};
pub use provision::{
    CleanUp, Fleet, FleetPlan, Phase, ProvisionEvent, ProvisionId, ProvisionPlan, ProvisionProgress, ProvisionState,
    Provisioned, Provisioner, Step,
};
pub use resource::ResourceId;
pub use resource::compute::Power;
pub use resource::image::Urn;
pub use role::{Assigned, Assignment, PrincipalType, Role};
pub use spec::{
    AgentInstall, Cidr, FleetSpec, GroupChoice, ImageChoice, InboundRule, NetworkChoice, OnFailure, VmSpec,
};
