//! Azure Resource Manager.

mod client;
mod error;
mod preflight;

pub use client::*;
pub use error::{ArmDialect, Class, Fault, Quota};
