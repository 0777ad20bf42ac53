//! Crash-safe rotation of client secrets: mint, seal, prove, push, verify, and only then retire.
//!
//! A [`Target`] is one credential: its issuer, its proof, its consumers and a [`Policy`]. A [`Rotator`] looks at it
//! ([`Rotator::plan`], no effects) and rotates it ([`Rotator::rotate`]). It knows the ports of `azconnect-credential` and
//! `azconnect-core` and nothing else, so any issuer, consumer, journal or store can be put in.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use azconnect_core::{Clock, Error};
//! use azconnect_credential::SinkId;
//! use azconnect_rotation::{RotationOutcome, Ports, Rotator, SinkBinding, Target};
//! use azconnect_store::{MemoryJournal, MemoryLease, MemorySecrets};
//! use azconnect_testkit::{VirtualClock, fake::Directory};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Error> {
//! // An application in memory, with one secret that was made by hand and one consumer that holds it.
//! let clock = Arc::new(VirtualClock::new());
//! let directory = Directory::new(clock.clone());
//! let old = directory.seed_key(Some("portal"), clock.now() + Duration::from_secs(9 * 86_400));
//! let deploy = SinkId::new("deploy")?;
//! directory.seed_sink(&deploy, Some(old));
//!
//! let target = Target::new(directory.issuer(), directory.verifier())
//!     .with_sink(SinkBinding::new(directory.sink(&deploy)))
//!     .with_adopted(old);
//! let lease = Arc::new(MemoryLease::new(clock.clone()));
//! let ports = Ports::new(Arc::new(MemoryJournal::new()), Arc::new(MemorySecrets::new()), lease, clock);
//! let rotator = Rotator::new(ports).with_patience(Duration::from_secs(7200));
//!
//! let plan = rotator.plan(&target).await?;
//! assert_eq!(plan.retire(), [old]);
//!
//! let outcome = rotator.rotate(&target).await?;
//! let RotationOutcome::Rotated { key: Some(new), .. } = outcome else { panic!("{outcome:?}") };
//! assert_eq!(directory.held_by(&deploy), Some(new));
//! assert!(!directory.keys().iter().any(|key| key.key == old));
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//!
//! Everything that is intended or happens is a [`RotationEvent`], durable before the next effect. The pure [`RotationState::evolve`]
//! folds events into a [`RotationState`]; the pure [`decide`] says what comes next; the driver performs it through a port and
//! records the outcome. A process that is killed loses nothing: the next run reads the events and decides again.
//!
//! # What always holds
//!
//! - An old secret is removed only when every required consumer, and at least one, has a proof for the new one, the grace has
//!   passed, the lease is held, and the new key is listed and accepted now, in this process. No proof survives a restart.
//! - The way back is gated too: whoever had the new secret is proved to hold the old one before the new one is removed, and
//!   a secret that is about to end is given back to nobody.
//! - Only keys of our own ledger, adopted ones, or ones that carry our marker are ever removed.
//! - An answer that was lost is never repeated blindly: the marker, recorded before the request, finds what it made, also long
//!   after.
//! - Absence from a list proves a removal only of what a list has shown, and only if its holder was read.
//! - An inconclusive check permits nothing.
//! - Every call has a deadline that ends before the lease: a process that was suspended does nothing late.
//! - Every rotation ends: done, rolled back, or blocked with a reason that a [`Resolution`] resolves.
//! - No event, plan, error or log holds a secret.

mod decide;
mod driver;
mod event;
mod history;
mod moment;
mod naming;
mod narrate;
mod observer;
mod outcome;
mod plan;
mod policy;
mod port;
mod problem;
mod resolution;
mod saga;
mod schedule;
pub mod state;
mod target;
mod waiting;

pub use decide::{Action, decide};
pub use driver::{Ports, Rotator};
pub use event::{RemovalCause, RotationEvent, SinkTerms};
pub use history::HistoryEntry;
pub use observer::{Observer, Unobserved};
pub use outcome::RotationOutcome;
pub use plan::{Decision, Fate, PlannedKey, PlannedSink, RotationPlan};
pub use policy::{Policy, PolicyFault};
pub use port::{RotationHistory, RotationOperator, Rotations};
pub use problem::Problem;
pub use resolution::Resolution;
pub use schedule::Run;
pub use state::RotationState;
pub use target::{SinkBinding, Target};
pub use waiting::WaitingFor;
