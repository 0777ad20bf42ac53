//! What has changed in the target since the rotation began.

use azconnect_core::Error;

use super::writer::Writer;
use crate::event::RotationEvent;
use crate::state::{Course, Rotation, RotationState};
use crate::target::Target;

impl Writer<'_> {
    /// Takes in how the target differs from what the rotation began with: whoever was bound meanwhile holds the old secret
    /// and must not be left with it, terms that were changed hold, and a key that is adopted no longer stays.
    pub(super) async fn rebind(&self) -> Result<(), Error> {
        let state = self.state();
        let Some(rotation) = &state.rotation else { return Ok(()) };
        let mut events = unadopted(&state, rotation, self.target);
        if matches!(forward(&rotation.course), Course::Forward) {
            let rebound = self.rotator.look(self.target).rebound(&state, rotation).await;
            events.extend(rebound.joined.into_iter().map(|terms| RotationEvent::SinkJoined { terms }));
            events.extend(rebound.changed.into_iter().map(|terms| RotationEvent::SinkRebound { terms }));
        }
        match events.is_empty() {
            true => Ok(()),
            false => self.append(events).await,
        }
    }
}

/// The course that is taken, or taken up again after a block.
fn forward(course: &Course) -> &Course {
    match course {
        Course::Blocked { was, .. } => forward(was),
        other => other,
    }
}

/// The keys that were adopted when the rotation began and are not now, as far as nobody was asked to remove them.
fn unadopted(state: &RotationState, rotation: &Rotation, target: &Target) -> Vec<RotationEvent> {
    let adopted = |key| state.ledger.get(key).is_some_and(|known| known.marker.is_none());
    let sent = |key| state.removals.get(key).is_some_and(|removal| removal.sent);
    let taken_back = rotation.retire.iter().filter(|key| adopted(key) && !sent(key) && !target.adopted.contains(key));
    taken_back.map(|key| RotationEvent::Unadopted { key: *key }).collect()
}
