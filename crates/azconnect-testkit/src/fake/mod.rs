//! In-memory implementations of the ports, which behave as the real services do: one file, or one folder, for each.
//!
//! A fake passes the same suite of [`conformance`](crate::conformance) as the client it stands for, so that a test on
//! it says something about the service as well. Calls are made to fail through [`Faults`].

mod directory;
mod faults;

pub use directory::{Call, Directory, Step};
pub use faults::{Fault, Faults};
