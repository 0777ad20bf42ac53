//! The durable record of what was intended and what happened.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::error::Error;
use crate::lease::Epoch;

crate::name_id!(
    /// The name of one stream of a journal, such as `rotation/contoso-deploy`.
    StreamId, "stream id"
);

/// The position of an entry in its stream: 1 for the first, 0 for *before the first*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The position before the first entry.
    pub const START: Self = Self(0);
}

/// An event to be recorded: its kind, and a document without any secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The kind of event, such as `minted`.
    pub kind: String,
    /// The event as JSON text, without any secret.
    pub payload: String,
    /// When the event happened, by the writer's clock.
    pub at: OffsetDateTime,
    checkpoint: bool,
}

impl Record {
    /// A record of a kind with its JSON text.
    pub fn new(kind: impl Into<String>, payload: impl Into<String>, at: OffsetDateTime) -> Self {
        Self { kind: kind.into(), payload: payload.into(), at, checkpoint: false }
    }

    /// A record that is no event: its JSON text is the whole state that the entries before it add up to, so that a reader
    /// may begin with it. A journal keeps the mark with the record.
    pub fn checkpoint(kind: impl Into<String>, payload: impl Into<String>, at: OffsetDateTime) -> Self {
        Self { checkpoint: true, ..Self::new(kind, payload, at) }
    }

    /// Whether this is a checkpoint, and no event.
    pub fn is_checkpoint(&self) -> bool {
        self.checkpoint
    }
}

/// A record that was written, with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The position in the stream, which the journal gave it.
    pub sequence: Sequence,
    /// The lease epoch under which it was written.
    pub epoch: Epoch,
    /// The record as it was appended.
    pub record: Record,
}

impl Entry {
    /// A record at a position, for implementations of [`Journal`].
    pub fn new(sequence: Sequence, epoch: Epoch, record: Record) -> Self {
        Self { sequence, epoch, record }
    }
}

/// A request to append records to one stream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Append {
    /// The stream to append to.
    pub stream: StreamId,
    /// The last position the writer has read. The append is refused if the stream has moved on.
    pub expected: Sequence,
    /// The epoch of the lease the writer holds. The append is refused if the stream has seen a higher one.
    pub epoch: Epoch,
    /// What to append, all or nothing. At least one.
    pub records: Vec<Record>,
    /// Whether the stream rests after this: nothing is left to do until something new begins.
    pub at_rest: bool,
}

impl Append {
    /// Appends `records` after `expected`; the stream stays unfinished.
    pub fn new(stream: StreamId, expected: Sequence, epoch: Epoch, records: Vec<Record>) -> Self {
        Self { stream, expected, epoch, records, at_rest: false }
    }

    /// Says whether the stream rests after this append.
    #[must_use]
    pub fn with_at_rest(mut self, at_rest: bool) -> Self {
        self.at_rest = at_rest;
        self
    }
}

/// Whether a journal notices what somebody else has written where it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Integrity {
    /// It takes what lies there for what was appended. Whoever can write there decides what a reader believes.
    None,
    /// Every entry that it returns was appended through it, with a key that whoever can write there does not have. Anything
    /// else is an error of the kind [`Corrupt`](crate::ErrorKind::Corrupt).
    Authenticated,
}

/// An append-only log in streams, with compare-and-swap and fencing.
///
/// - An append that returned `Ok` survives the loss of the process and, for durable implementations, of the machine.
/// - A read that begins after an append has returned, or was dropped, shows what became of it: an append that this read does
///   not show is never written later.
/// - Checkpoints are entries like others: they have positions, [`Journal::read`] shows them, nothing is removed by them.
///
/// Every implementation passes `azconnect_testkit::conformance::journal`.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Appends all records or none, and returns the new last position.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) with effect `None`, which names the [`field`](Error::field) of the append
    /// that does not fit: `epoch` if the stream has seen a higher one, which is looked at first, else `expected` if the
    /// stream is at another position. [`InvalidInput`](crate::ErrorKind::InvalidInput) for no records.
    ///
    /// # Cancel safety
    /// A dropped append may or may not have been written: read before appending again.
    async fn append(&self, append: Append) -> Result<Sequence, Error>;

    /// The entries after a position, in order. An unknown stream is empty.
    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error>;

    /// The entries from the last checkpoint on, that one included, in order; all of them if there is none.
    ///
    /// What is given here reads everything. An implementation that can do better does, so that a stream with a long history
    /// costs what a short one does.
    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        let mut entries = self.read(stream, Sequence::START).await?;
        let last = entries.iter().rposition(|entry| entry.record.is_checkpoint()).unwrap_or_default();
        Ok(entries.split_off(last))
    }

    /// The streams whose last append was not at rest, in order of their names.
    async fn unfinished(&self) -> Result<Vec<StreamId>, Error>;

    /// Whether it notices what somebody else has written where it is kept: [`Integrity::None`], unless an implementation
    /// does. One that passes its calls on to another journal passes this on as well.
    fn integrity(&self) -> Integrity {
        Integrity::None
    }
}
