//! The proof that a stream's checkpoints say what its events do.

use azconnect_core::{Error, ErrorKind, Journal, Sequence, StreamId};

use crate::checkpoint::thawed;
use crate::fold::{Folded, fold};
use crate::saga::Saga;

/// Folds a whole stream from its first event, and compares each checkpoint with what the events before it add up to.
/// Returns how many were compared; those of another version are left out.
///
/// Nothing needs it at run time: it is the proof that a saga's [`Saga::freeze`] and [`Saga::thaw`] lose nothing, for the
/// saga's tests and for whoever doubts a journal.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) for a checkpoint that holds another state, and as [`read`](crate::read).
pub async fn audit<S: Saga>(journal: &dyn Journal, stream: &StreamId) -> Result<usize, Error>
where
    S::State: PartialEq,
{
    let mut compared = 0;
    let mut known = Folded::<S::State>::default();
    for entry in journal.read(stream, Sequence::START).await? {
        known = fold::<S>(known, stream, std::slice::from_ref(&entry))?;
        let record = &entry.record;
        let held = record.is_checkpoint().then(|| thawed::<S>(&record.payload)).flatten();
        let Some(held) = held else { continue };
        if held != known.state {
            let message =
                format!("entry {} of {stream} holds another state than the events before it", entry.sequence.0);
            return Err(Error::new(ErrorKind::Corrupt, message).with_advice(
                "report this: the format of a checkpoint must have a new number whenever the state or its rules change",
            ));
        }
        compared += 1;
    }
    Ok(compared)
}
