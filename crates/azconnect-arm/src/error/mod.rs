//! What Azure Resource Manager's refusals mean, and what to do about each.

mod absence;
mod body;
mod catalogue;
mod dialect;
mod facts;
mod fault;
mod quota;
mod rights;
#[cfg(test)]
mod rows;

pub use catalogue::Class;
pub use fault::Fault;
pub use quota::Quota;
pub use rights::is_about_rights;

pub(crate) use absence::is_absent;
pub(crate) use dialect::{ArmDialect, fault_of_text};
pub(crate) use facts::missing_permission;
