//! The emulator as others reach it: in process or over HTTP, with its faults, its ground truth and its controls.

pub(crate) mod control;
pub(crate) mod emulator;
pub(crate) mod fault;
pub(crate) mod host;
pub(crate) mod mask;
pub(crate) mod person;
#[cfg(feature = "cli")]
pub(crate) mod record;
pub(crate) mod resource_manager;
pub(crate) mod seen;
pub mod server;
pub(crate) mod transport;
pub(crate) mod truth;
pub(crate) mod visitor;
