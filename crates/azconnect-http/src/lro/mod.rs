//! Long-running operations: work that a service continues after it has answered.
//!
//! [`Begun::of`] reads the first answer. An [`Operation`] is polled; a [`StoredOperation`] is what a process stores of it, and
//! what another process resumes. A [`Poller`] polls it, when a [`PollPolicy`] says so, and tells four outcomes apart: in
//! progress, done, failed, and *unread*, which means that its status could not be read.
//!
//! Follows Microsoft's *Track asynchronous Azure operations* and what recordings of the service show beyond it.

mod operation;
mod policy;
mod poller;
mod reading;
mod stored;

pub use operation::{Begun, Operation};
pub use policy::{DoublingToRetryAfter, Eager, PollPolicy, Seen};
pub use poller::{OperationDialect, OperationOutcome, Poller};
pub use stored::{Finish, StoredOperation};
