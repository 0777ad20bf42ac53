//! One event-sourced session: a stream of a journal, opened under a lease, folded into a state, appended to, closed.
//!
//! A *saga* is work of many steps that a killed process must be able to go on with: a rotation, a provisioning. Whatever
//! it intends and whatever happens is an event of one stream; its state is the fold of its events. A [`Session`] is the
//! one writer of a stream: it holds the lease, refuses events that cannot follow, and appends under the lease's epoch.
//! Every call that it makes has a deadline. A saga that can write its state at rest leaves checkpoints, from which a reader
//! begins: a long history costs what a short one does. This crate knows nothing of what is done.
//!
//! ```
//! use std::sync::Arc;
//!
//! use azconnect_core::{ErrorKind, StreamId};
//! use azconnect_saga::{Claim, IllegalEvent, Saga, Session, SessionPorts, read};
//! use azconnect_store::{MemoryJournal, MemoryLease};
//! use azconnect_testkit::VirtualClock;
//! use serde::{Deserialize, Serialize};
//! use time::OffsetDateTime;
//!
//! /// A door: it is opened, then closed.
//! struct Door;
//!
//! #[derive(Debug, Serialize, Deserialize)]
//! #[serde(tag = "event", rename_all = "snake_case")]
//! enum DoorEvent {
//!     Opened,
//!     Closed,
//! }
//!
//! impl Saga for Door {
//!     type State = bool;
//!     type Event = DoorEvent;
//!
//!     fn kind(event: &DoorEvent) -> &'static str {
//!         match event {
//!             DoorEvent::Opened => "opened",
//!             DoorEvent::Closed => "closed",
//!         }
//!     }
//!
//!     fn evolve(open: bool, event: &DoorEvent, _at: OffsetDateTime) -> Result<bool, IllegalEvent> {
//!         match (open, event) {
//!             (false, DoorEvent::Opened) => Ok(true),
//!             (true, DoorEvent::Closed) => Ok(false),
//!             _ => Err(IllegalEvent::new(Self::kind(event), "the door stands so already")),
//!         }
//!     }
//!
//!     fn is_at_rest(open: &bool) -> bool {
//!         !*open
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), azconnect_core::Error> {
//! let clock = Arc::new(VirtualClock::new());
//! let ports = SessionPorts::new(Arc::new(MemoryJournal::new()), Arc::new(MemoryLease::new(clock.clone())), clock);
//! let claim = Claim::new(StreamId::new("door/1")?)?.with_holder("porter");
//!
//! let session = Session::<Door>::open(&ports, claim.clone()).await?;
//! session.append(&[DoorEvent::Opened]).await?;
//! assert!(*session.state());
//!
//! // Nobody else writes meanwhile, and what cannot happen is not written.
//! let refused = Session::<Door>::open(&ports, claim).await.unwrap_err();
//! assert_eq!(refused.kind(), ErrorKind::Conflict);
//! assert!(session.append(&[DoorEvent::Opened]).await.is_err());
//!
//! session.append(&[DoorEvent::Closed]).await?;
//! session.close().await;
//! assert!(!read::<Door>(&*ports.journal, &StreamId::new("door/1")?).await?.state);
//! # Ok(())
//! # }
//! ```

mod audit;
mod checkpoint;
mod claim;
mod fold;
mod hold;
mod illegal;
mod moment;
mod saga;
mod session;
mod within;

pub use audit::audit;
pub use checkpoint::{freeze_as, thaw_as};
pub use claim::{Claim, SessionPorts};
pub use fold::{Happened, Snapshot, history, read};
pub use illegal::IllegalEvent;
pub use saga::Saga;
pub use session::{Appended, Session};
pub use within::within;
