//! Long-running operations: work that a service continues after it has answered.
//!
//! [`Begun::of`] reads the first answer. An [`Operation`] is what must be kept to learn the outcome: a process stores it, and
//! another process can poll it on. A [`Poller`] polls it, when a [`PollPolicy`] says so, and tells four outcomes apart: in
//! progress, done, failed, and *unread*, which means that its status could not be read.
//!
//! Follows Microsoft's *Track asynchronous Azure operations* and what recordings of the service show beyond it.

mod operation;
mod policy;
mod poller;
mod reading;

pub use operation::{Begun, Finish, Operation};
pub use policy::{DoublingToRetryAfter, Eager, PollPolicy, Seen};
pub use poller::{OperationDialect, OperationOutcome, Poller};
