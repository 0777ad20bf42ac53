//! Azure Resource Manager.

mod client;
mod error;
mod machine;
mod preflight;
mod provision;
mod roles;

pub use client::*;
pub use error::{ArmDialect, Class, Fault, Quota};
pub use machine::OwnMachine;
pub use preflight::{Check, Finding, Report, Verdict, preflight};
pub use provision::*;
pub use roles::{Assigned, Assignment, PrincipalType, Role};
