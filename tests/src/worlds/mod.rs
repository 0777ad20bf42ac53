//! Deterministic simulation of whole worlds: a small cloud, a product of one to three processes that crash, stand still and
//! wake late under clocks of their own, people and administrators who meddle, services and stores that fail, and a judge
//! who asks the emulator's ground truth after every effect.
//!
//! Everything follows from one number, so a failing world is replayed by its seed ([`Plan::of`], [`play()`]) and made smaller
//! by leaving things out ([`shrink()`]).

mod answers;
mod call;
mod calm;
mod clock;
mod cloud;
mod coverage;
mod dice;
mod gate;
mod happening;
mod judge;
mod plan;
mod play;
mod ports;
mod process;
mod product;
mod shrink;
mod stage;
mod story;
mod words;

pub use call::Call;
pub use coverage::Coverage;
pub use happening::{Deed, Edit, Fault, Happening, Part, Trigger, What};
pub use judge::Violation;
pub use plan::{Cadence, ConnectionPlan, Orchestrator, Plan, Weather};
pub use play::{Played, play};
pub use shrink::shrink;
pub use story::Story;
