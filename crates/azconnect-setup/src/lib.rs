//! Sets an application up at a customer's, with its credential, role and consent, so that it can be resumed and taken back.
//!
//! What the setup guides of products have people do by hand in the portal, in one flow: find or register the application,
//! make it a service principal, name its owners and permissions, mint its secret and seal it, create the resource group, give
//! the role, consent, and try it out. A [`SetupSpec`] says what; an [`ApplicationSetup`] does it, behind the port [`Setup`];
//! a [`SetupGuide`] tells a person the same in words and commands, where the product has not the rights.
//!
//! It knows ports only: the front door, `azconnect`, has adapters for Microsoft Graph and Azure Resource Manager.
//!
//! ```
//! use std::sync::Arc;
//!
//! use azconnect_core::Error;
//! use azconnect_saga::SessionPorts;
//! use azconnect_setup::{GroupWish, Proof, Setup, SetupId, SetupSpec, SubscriptionAccess};
//! use azconnect_store::{MemoryJournal, MemoryLease, MemorySecrets};
//! use azconnect_testkit::{VirtualClock, fake};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Error> {
//! // A customer's tenant in memory, and where this process keeps its journal and its secrets.
//! let clock = Arc::new(VirtualClock::new());
//! let customer = fake::Customer::new(clock.clone());
//! let lease = Arc::new(MemoryLease::new(clock.clone()));
//! let session = SessionPorts::new(Arc::new(MemoryJournal::new()), lease, clock);
//! let setup = customer.setup(session, Arc::new(MemorySecrets::new()));
//!
//! let access = SubscriptionAccess::new("20000000-0000-4000-8000-000000000001".parse()?)
//!     .with_group(GroupWish::create("rg-builds".parse()?, "westeurope".parse()?));
//! let spec = SetupSpec::new(customer.tenant(), "Contoso builds").with_access(access);
//!
//! // Reads only: what is there, what will be made, and what stands in the way.
//! let plan = setup.plan(SetupId::new("contoso")?, spec).await?;
//! assert!(plan.checks.is_clear());
//!
//! let done = setup.run(&plan).await?;
//! assert_eq!(done.proof, Proof::SignedIn);
//! let connection = done.to_connect_request("contoso".parse()?);
//! assert!(connection.is_some_and(|request| request.client == done.client));
//!
//! // Everything that was made goes, and nothing else.
//! let taken = setup.undo(&done.id).await?;
//! assert!(taken.left.is_empty() && customer.applications("Contoso builds").is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # What always holds
//!
//! - Whatever is made has an intent in the journal before it, and a marker that finds it again: a name proves nothing. An
//!   application of the same name is refused, with its client id.
//! - A secret is minted once, and sealed before that is recorded. What became of a lost answer is looked for by its marker and
//!   removed; then another is minted under a new one.
//! - An undo takes back what the journal proves was made here, in reverse. What somebody changed or uses by now is named and
//!   left: an application with another key, a group with resources in it.
//! - What the directory refuses because it does not know a new application everywhere is ridden out for a bounded time. A
//!   refusal that stands names the step, the permission and who can give it ([`SetupBlocked`]), and is gone on from.
//! - An admin consent that the operator may not give is left to an administrator; the rest is set up all the same.

mod account;
mod blocked;
mod decide;
mod driver;
mod event;
mod guide;
mod id;
mod part;
mod permission;
pub mod port;
mod saga;
mod setup;
mod spec;
mod state;

pub use account::{PartStatus, PlannedStep, SetUp, SetupPlan, SetupStatus, TakenBack};
pub use blocked::SetupBlocked;
pub use driver::{ApplicationSetup, SetupPorts};
pub use event::{Proof, SetupEvent};
pub use guide::{GuideStep, GuideValue, SetupGuide};
pub use id::SetupId;
pub use part::{Part, Step};
pub use permission::{ApiPermission, ApiPermissionId, ApiPermissionKind};
pub use setup::Setup;
pub use spec::{
    CredentialWish, FederatedTrust, GroupWish, Platform, PublicCertificate, RedirectUri, RoleId, SetupAudience,
    SetupSpec, SpecFault, SubscriptionAccess,
};
pub use state::{PartStanding, SetupPhase};
