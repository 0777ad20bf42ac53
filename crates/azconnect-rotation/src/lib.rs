//! Crash-safe rotation of client secrets: mint, seal, prove, push, verify, and only then retire.

mod decide;
mod driver;
mod event;
mod narrate;
mod observer;
mod outcome;
mod plan;
mod policy;
mod problem;
mod schedule;
pub mod state;
mod target;

pub use decide::{Action, decide};
pub use driver::{Ports, Rotator};
pub use event::{Event, RemovalCause, SinkTerms};
pub use observer::{Observer, Unobserved};
pub use outcome::Outcome;
pub use plan::{Decision, Fate, Plan, PlannedKey, PlannedSink};
pub use policy::Policy;
pub use problem::Problem;
pub use schedule::Run;
pub use state::State;
pub use target::{SinkBinding, Target};
