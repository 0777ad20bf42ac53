//! Whether an append is admitted.

use azconnect_core::{Append, Effect, Epoch, Error, ErrorKind, Sequence};

/// How far an epoch may lie beyond the last one that wrote. Each grant of a lease raises it by one, so no honest one is ever
/// that far; a forged lease could otherwise raise it to the end of the numbers, after which nobody could write any more.
const FARTHEST: u64 = 1 << 32;

/// What a journal knows of a stream before an append.
#[derive(Clone, Copy, Default)]
pub(crate) struct StreamState {
    /// The position of the last entry.
    pub(crate) last: Sequence,
    /// The highest epoch that has written.
    pub(crate) epoch: Epoch,
}

/// The state after an append, or why it is refused.
pub(crate) fn admit(append: &Append, state: StreamState) -> Result<StreamState, Error> {
    if append.records.is_empty() {
        return Err(Error::invalid("records", "an append needs at least one record")
            .with_advice("append only when something happened"));
    }
    let conflict =
        |field, message: String| Error::new(ErrorKind::Conflict, message).with_effect(Effect::None).with_field(field);
    if append.epoch < state.epoch {
        let (ours, theirs) = (append.epoch.0, state.epoch.0);
        let message = format!("{}: fenced, epoch {theirs} has written and this writer has {ours}", append.stream);
        return Err(conflict("epoch", message)
            .with_advice("another process took over: stop, acquire the lease again and read the stream"));
    }
    if append.epoch.0 - state.epoch.0 > FARTHEST {
        let message = format!("{}: the epoch {} is far beyond {}", append.stream, append.epoch.0, state.epoch.0);
        return Err(Error::new(ErrorKind::Corrupt, message)
            .with_effect(Effect::None)
            .with_field("epoch")
            .with_advice("somebody changed the lease: find out who, and set its epoch to that of the stream"));
    }
    if append.expected != state.last {
        let (expected, last) = (append.expected.0, state.last.0);
        let message = format!("{}: the stream is at {last}, not at {expected}", append.stream);
        return Err(conflict("expected", message).with_advice("read the stream and decide again"));
    }
    let count = append.records.len() as u64;
    let last = state.last.0.checked_add(count).map(Sequence);
    let last = last.ok_or_else(|| Error::invalid("records", "are more than a stream can hold"))?;
    Ok(StreamState { last, epoch: append.epoch })
}
