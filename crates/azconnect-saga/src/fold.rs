//! A stream as it is read: its events, and the state that they add up to.

use azconnect_core::{Entry, Error, ErrorKind, Journal, Sequence, StreamId};
use serde::Serialize;
use time::OffsetDateTime;

use crate::saga::Saga;

/// A state, and the position up to which it was read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Snapshot<T> {
    /// The fold of all events up to the position.
    pub state: T,
    /// The position of the last event; [`Sequence::START`] if there is none.
    pub sequence: Sequence,
}

/// One event of a stream, and when it happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Happened<E> {
    /// Its position in the stream.
    pub sequence: Sequence,
    /// When it was recorded.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The event.
    pub event: E,
}

/// Reads a stream without a lease, for a plan or a display: a writer may be at work meanwhile.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) for an entry that cannot be read or cannot follow; else what the journal says.
pub async fn read<S: Saga>(journal: &dyn Journal, stream: &StreamId) -> Result<Snapshot<S::State>, Error> {
    let entries = journal.read(stream, Sequence::START).await?;
    fold::<S>(Snapshot::default(), stream, &entries)
}

/// Everything that happened in a stream, in order. Needs no lease.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) for an entry that cannot be read; else what the journal says.
pub async fn history<S: Saga>(journal: &dyn Journal, stream: &StreamId) -> Result<Vec<Happened<S::Event>>, Error> {
    let entries = journal.read(stream, Sequence::START).await?;
    let happened = |entry: &Entry| {
        let event = parse::<S>(stream, entry)?;
        Ok(Happened { sequence: entry.sequence, at: entry.record.at, event })
    };
    entries.iter().map(happened).collect()
}

/// Adds entries to what was read before them.
pub(crate) fn fold<S: Saga>(
    mut known: Snapshot<S::State>,
    stream: &StreamId,
    entries: &[Entry],
) -> Result<Snapshot<S::State>, Error> {
    for entry in entries {
        let event = parse::<S>(stream, entry)?;
        known.state = S::evolve(known.state, &event, entry.record.at).map_err(|illegal| {
            let message = format!("entry {} of {stream} makes no sense: {illegal}", entry.sequence.0);
            Error::from(illegal).with_message(message)
        })?;
        known.sequence = entry.sequence;
    }
    Ok(known)
}

// The parser's own error is left out: it may quote the entry, and an entry may hold a signed address.
fn parse<S: Saga>(stream: &StreamId, entry: &Entry) -> Result<S::Event, Error> {
    serde_json::from_str(&entry.record.payload).map_err(|_| {
        let (sequence, kind) = (entry.sequence.0, &entry.record.kind);
        Error::new(ErrorKind::Corrupt, format!("entry {sequence} of {stream}, of the kind {kind:?}, cannot be read"))
            .with_advice(
                "it was written by another version, or is damaged: use that version, or restore the journal from a backup",
            )
    })
}
