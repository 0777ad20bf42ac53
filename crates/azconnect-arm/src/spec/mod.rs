//! What is wanted of a machine: its specification, checked without asking the service.

mod agent;
mod cidr;
mod cloud_init;
mod image;
mod names;
mod rule;
#[cfg(test)]
mod sandbox;
pub(crate) mod script;
mod vm;

pub use agent::{AgentInstall, ExtensionScript};
pub use cidr::Cidr;
pub use cloud_init::CloudInit;
pub use image::ImageChoice;
pub use rule::{InboundRule, Protocol, Source};
pub use vm::{DataDisk, GroupChoice, NetworkChoice, OnFailure, VmSpec};

pub(crate) use agent::check_extension_script;
