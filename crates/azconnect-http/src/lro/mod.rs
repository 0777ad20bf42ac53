//! Long-running operations: work that a service goes on with after it has answered.
//!
//! [`Begun::of`] reads the first answer. An [`Operation`] is what must be kept to learn the outcome: it can be stored, and
//! another process polls it on. A [`Poller`] polls, at the pace of a [`PollPolicy`], and tells four things apart: it
//! is in progress, it is done, it failed, or its status could not be read.
//!
//! Follows Microsoft's *Track asynchronous Azure operations* and what recordings of the service show beyond it.

mod operation;
mod policy;
mod poller;
mod reading;

pub use operation::{Begun, Finish, Operation};
pub use policy::{DoublingToRetryAfter, Eager, PollPolicy, Seen};
pub use poller::{OperationDialect, OperationOutcome, Poller};
