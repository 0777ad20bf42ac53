//! Whether an append is admitted.

use azconnect_core::{Append, Effect, Epoch, Error, ErrorKind, Sequence};

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
