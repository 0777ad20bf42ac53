//! Who is told what happens in a rotation.

use azconnect_credential::SubjectId;
use time::OffsetDateTime;

use crate::event::RotationEvent;
use crate::state::RotationState;

/// Is told what happens in a rotation. It is called between two steps of the run, so it must return quickly.
pub trait Observer: Send + Sync {
    /// An event is durable in the journal; `state` is what is known after it.
    fn recorded(&self, subject: &SubjectId, event: &RotationEvent, at: OffsetDateTime, state: &RotationState);

    /// The run sleeps until a moment, for a reason in words for a person.
    fn waiting(&self, _subject: &SubjectId, _until: OffsetDateTime, _why: &str) {}
}

/// An observer that ignores everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn recorded(&self, _: &SubjectId, _: &RotationEvent, _: OffsetDateTime, _: &RotationState) {}
}
