//! The journal's stream of one setup.

use azconnect_core::{Error, StreamId};
use azconnect_saga::{IllegalEvent, Saga};
use time::OffsetDateTime;

use crate::event::SetupEvent;
use crate::id::SetupId;
use crate::state::SetupState;

/// The saga of one setup.
// Without checkpoints: a stream has the few events of one application, and a new beginning forgets what was before.
pub(crate) struct SetupSaga;

impl Saga for SetupSaga {
    type State = SetupState;
    type Event = SetupEvent;

    fn kind(event: &SetupEvent) -> &'static str {
        event.name()
    }

    fn evolve(state: SetupState, event: &SetupEvent, at: OffsetDateTime) -> Result<SetupState, IllegalEvent> {
        state.evolve(event, at)
    }

    fn is_at_rest(state: &SetupState) -> bool {
        state.is_at_rest()
    }

    /// Whoever can write to the journal must not have this setup open, hand out or forget somebody else's secret.
    fn check_names(state: &SetupState, stream: &StreamId) -> Result<(), String> {
        let prefix = format!("{stream}/");
        // One part more and no other: the setup `a` must not open what belongs to the setup `a/b`.
        let own = |name: &str| name.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/'));
        match state.mint.iter().chain(&state.abandoned).find(|mint| !own(mint.secret.as_str())) {
            Some(mint) => Err(format!("the secret {} belongs to another", mint.secret)),
            None => Ok(()),
        }
    }
}

/// The stream of a setup: `setup/NAME`. The names of its secrets begin so too.
pub(crate) fn stream(id: &SetupId) -> Result<StreamId, Error> {
    StreamId::new(format!("setup/{id}"))
}
