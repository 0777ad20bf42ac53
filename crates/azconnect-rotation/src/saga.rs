//! The rotation as a saga: what its stream is, and how it is opened.

use azconnect_core::{Error, StreamId};
use azconnect_credential::SubjectId;
use azconnect_saga::{IllegalEvent, Saga, freeze_as, thaw_as};
use time::OffsetDateTime;

use crate::event::RotationEvent;
use crate::naming::{STREAM_PREFIX, is_sealed_in};
use crate::state::RotationState;

/// The number of the form in which a state at rest is kept. It is raised whenever the state, or what an event does to it,
/// changes: then older checkpoints are passed over, and the events are folded anew.
const STATE_FORMAT: u32 = 1;

/// The stream of a subject: one for all its rotations.
pub(crate) fn stream_of(subject: &SubjectId) -> Result<StreamId, Error> {
    StreamId::new(format!("{STREAM_PREFIX}{subject}"))
}

/// The rotations of one subject as one saga.
pub(crate) struct RotationSaga;

impl Saga for RotationSaga {
    type State = RotationState;
    type Event = RotationEvent;

    fn kind(event: &RotationEvent) -> &'static str {
        event.kind()
    }

    fn evolve(state: RotationState, event: &RotationEvent, at: OffsetDateTime) -> Result<RotationState, IllegalEvent> {
        state.evolve(event, at)
    }

    fn check_names(state: &RotationState, stream: &StreamId) -> Result<(), String> {
        let foreign = state.sealed_names().find(|sealed| !is_sealed_in(stream, sealed));
        foreign.map_or(Ok(()), |sealed| Err(format!("the sealed secret {sealed}")))
    }

    fn is_at_rest(state: &RotationState) -> bool {
        state.is_at_rest()
    }

    fn freeze(state: &RotationState) -> Option<String> {
        freeze_as(STATE_FORMAT, state)
    }

    fn thaw(text: &str) -> Option<RotationState> {
        thaw_as(STATE_FORMAT, text)
    }
}
