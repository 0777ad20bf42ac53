//! What is wanted of a machine: its specification, checked without asking the service.

mod agent;
mod check;
mod cidr;
mod cloud_init;
mod disk;
mod dns;
mod fleet;
mod group;
mod identity;
mod image;
mod ipv6;
mod names;
mod network;
mod rule;
#[cfg(test)]
mod sandbox;
pub(crate) mod script;
mod spot;
mod switch;
mod vm;
mod windows;
mod windows_check;

pub use agent::{AgentInstall, ExtensionScript};
pub use cidr::Cidr;
pub use cloud_init::CloudInit;
pub use disk::{Caching, DataDisk};
pub use fleet::FleetSpec;
pub use group::GroupChoice;
pub use image::ImageChoice;
pub use ipv6::Ipv6;
pub use network::NetworkChoice;
pub use rule::{InboundRule, Protocol, Source};
pub use spot::{Eviction, HourlyPrice, Spot};
pub use switch::Switch;
pub use vm::{OnFailure, VmSpec};
pub use windows::{Windows, WindowsUpdates};

pub(crate) use agent::check_extension_script;
pub(crate) use image::{ImageKind, aliases};
