//! What a product calls, as ports: narrow, object-safe, and with plain values as addresses.
//!
//! A product that depends on these can be tested on the fakes of `azconnect-testkit`, and can put a system of its own behind
//! any of them. The clients implement them: [`Subscription`](crate::Subscription) is [`Machines`],
//! [`Arm`](crate::Arm) is [`Roles`], [`Provisioner`](crate::Provisioner) is [`Provisioning`] and [`ProvisionRecords`],
//! [`Fleet`](crate::Fleet) is [`Fleets`], [`SubscriptionChoices`](crate::choices::SubscriptionChoices) is [`Choices`].

mod choices;
mod fleets;
mod machines;
mod provisioning;
mod records;
mod roles;

pub use choices::Choices;
pub use fleets::Fleets;
pub use machines::{MachineStatus, MachineSummary, Machines, StopMode};
pub use provisioning::Provisioning;
pub use records::ProvisionRecords;
pub use roles::Roles;
