//! In-memory implementations of the ports, which behave as the real services do: one file, or one folder, for each.
//!
//! A fake passes the same suite of [`conformance`](crate::conformance) as the client it stands for, so that a test on
//! it says something about the service as well. Calls are made to fail through [`Faults`].

mod agent;
mod arm;
mod binder;
mod bindings;
mod consumers;
mod customer;
mod devops;
mod directory;
mod ends;
mod faults;
mod federation;
mod integrations;
mod keeper;
mod keeper_checks;
mod page;
mod people;
mod radar;
mod refresh_tokens;
mod registrations;
mod rotations;
mod sign_in_record;
mod tokens;
mod vault;
mod wire;

pub use agent::Agent;
pub use arm::{Access, ArmCall, Fleet, Subscription};
pub use binder::Binder;
pub use bindings::{BindingBook, BindingCall};
pub use consumers::Consumers;
pub use customer::{Customer, CustomerStep};
pub use devops::{DevOps, DevOpsCaller, DevOpsStep};
pub use directory::{Call, Directory, Step};
pub use ends::{EndStep, Ends};
pub use faults::{Fault, Faults};
pub use federation::{Federation, FederationStep};
pub use integrations::{IntegrationStep, Integrations};
pub use keeper::{Keeper, KeeperStep};
pub use people::{People, PeopleStep};
pub use radar::{Radar, RadarStep};
pub use refresh_tokens::{RefreshTokens, RefreshTokensStep};
pub use registrations::{RegistrationStep, Registrations};
pub use rotations::Rotator;
pub use sign_in_record::{SignInRecord, SignInStep};
pub use tokens::Tokens;
pub use vault::{Vault, VaultStep};
pub use wire::{Conduct, Wire};
