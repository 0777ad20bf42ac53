//! Who watches.

use azconnect_credential::SubjectId;
use time::OffsetDateTime;

use crate::event::Event;
use crate::state::State;

/// Learns what happens, as it happens. Called after an event is durable; must return quickly.
pub trait Observer: Send + Sync {
    /// An event was recorded.
    fn recorded(&self, subject: &SubjectId, event: &Event, at: OffsetDateTime, state: &State);

    /// The run waits.
    fn waiting(&self, _subject: &SubjectId, _until: OffsetDateTime, _why: &'static str) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn recorded(&self, _: &SubjectId, _: &Event, _: OffsetDateTime, _: &State) {}
}
