//! Placeholder.

use crate::answer::Answer;
use crate::call::Call;
use crate::world::World;

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(_call: &Call, _world: &mut World) -> Option<Answer> {
    None
}
