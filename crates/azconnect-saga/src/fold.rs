//! A stream as it is read: its events, and the state that they add up to.

use azconnect_core::{Effect, Entry, Error, ErrorKind, Journal, Sequence, StreamId};
use serde::Serialize;
use time::OffsetDateTime;

use crate::checkpoint::thawed;
use crate::saga::Saga;

/// A state, and the position up to which it was read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Snapshot<T> {
    /// The fold of all events up to the position.
    pub state: T,
    /// The position of the last entry; [`Sequence::START`] if there is none.
    pub sequence: Sequence,
}

/// One event of a stream, and when it happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Happened<E> {
    /// Its position in the stream. Checkpoints have positions too, and are no events: some positions are left out.
    pub sequence: Sequence,
    /// When it was recorded.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The event.
    pub event: E,
}

/// A snapshot, and what the writer must know besides.
#[derive(Clone, Default)]
pub(crate) struct Folded<T> {
    pub(crate) state: T,
    pub(crate) sequence: Sequence,
    /// The latest moment at which anything was recorded, as far as it was read.
    pub(crate) latest_at: Option<OffsetDateTime>,
    /// How many bytes the events since the last checkpoint have.
    pub(crate) weight: usize,
}

/// Reads a stream without a lease, for a plan or a display: a writer may be at work meanwhile. Begins with the last
/// checkpoint, if the saga can read it.
///
/// It waits for the journal as long as that takes: [`within`](crate::within) sets a limit.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) for an entry that cannot be read or cannot follow; else what the journal says.
pub async fn read<S: Saga>(journal: &dyn Journal, stream: &StreamId) -> Result<Snapshot<S::State>, Error> {
    let Folded { state, sequence, .. } = look::<S>(journal, stream).await?;
    Ok(Snapshot { state, sequence })
}

/// Everything that happened in a stream, in order, from its first event on. Needs no lease.
///
/// # Errors
/// [`Corrupt`](ErrorKind::Corrupt) for an entry that cannot be read; else what the journal says.
pub async fn history<S: Saga>(journal: &dyn Journal, stream: &StreamId) -> Result<Vec<Happened<S::Event>>, Error> {
    let entries = journal.read(stream, Sequence::START).await?;
    let happened = |entry: &Entry| {
        let event = parse::<S>(stream, entry)?;
        Ok(Happened { sequence: entry.sequence, at: entry.record.at, event })
    };
    entries.iter().filter(|entry| !entry.record.is_checkpoint()).map(happened).collect()
}

/// Reads a stream from its last checkpoint on, or from its beginning where that one is of another version.
pub(crate) async fn look<S: Saga>(journal: &dyn Journal, stream: &StreamId) -> Result<Folded<S::State>, Error> {
    let entries = journal.latest(stream).await?;
    let Some((first, rest)) = entries.split_first().filter(|(first, _)| first.record.is_checkpoint()) else {
        return fold::<S>(Folded::default(), stream, &entries);
    };
    if let Some(state) = thawed::<S>(&first.record.payload) {
        let latest_at = Some(first.record.at);
        return fold::<S>(Folded { state, sequence: first.sequence, latest_at, weight: 0 }, stream, rest);
    }
    tracing::debug!(%stream, sequence = first.sequence.0, "a checkpoint of another version is passed over");
    let entries = journal.read(stream, Sequence::START).await?;
    let events = entries.iter().filter(|entry| !entry.record.is_checkpoint());
    let weight = events.map(|entry| entry.record.payload.len()).sum();
    Ok(Folded { weight, ..fold::<S>(Folded::default(), stream, &entries)? })
}

/// Adds entries to what was read before them.
pub(crate) fn fold<S: Saga>(
    mut known: Folded<S::State>,
    stream: &StreamId,
    entries: &[Entry],
) -> Result<Folded<S::State>, Error> {
    for entry in entries {
        follows(known.sequence, stream, entry)?;
        if entry.record.is_checkpoint() {
            known.weight = 0;
        } else {
            let event = parse::<S>(stream, entry)?;
            known.state = S::evolve(known.state, &event, entry.record.at).map_err(|illegal| {
                let message = format!("entry {} of {stream} makes no sense: {illegal}", entry.sequence.0);
                Error::from(illegal).with_message(message)
            })?;
            known.weight = known.weight.saturating_add(entry.record.payload.len());
        }
        known.sequence = entry.sequence;
        known.latest_at = known.latest_at.max(Some(entry.record.at));
    }
    S::check_names(&known.state, stream).map_err(|foreign| {
        Error::new(ErrorKind::Corrupt, format!("{stream} names {foreign}, which is not its own"))
            .with_effect(Effect::None)
            .with_advice("somebody changed the journal: find out who can write to it, and restore it from a backup")
    })?;
    Ok(known)
}

/// Refuses a stream with a gap: a state without an event in the middle is a guess.
fn follows(last: Sequence, stream: &StreamId, entry: &Entry) -> Result<(), Error> {
    let (wanted, found) = (last.0.saturating_add(1), entry.sequence.0);
    if found == wanted {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Corrupt, format!("entry {wanted} of {stream} is missing: {found} comes in its place"))
        .with_effect(Effect::None)
        .with_advice("restore the journal from a backup"))
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
