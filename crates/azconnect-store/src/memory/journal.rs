//! A journal in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{Append, Entry, Error, Journal, Sequence, StreamId};

use super::lock;
use crate::rules::journal::{StreamState, admit};

/// A [`Journal`] that lasts as long as the process. Clones share what they hold.
///
/// It has no key and marks nothing ([`Integrity::None`](azconnect_core::Integrity::None)): whoever can write to it runs in this
/// process.
#[derive(Clone, Default)]
pub struct MemoryJournal(Arc<Mutex<BTreeMap<StreamId, Stream>>>);

#[derive(Default)]
struct Stream {
    state: StreamState,
    at_rest: bool,
    /// The place of each entry is its position less one.
    entries: Vec<Entry>,
    /// The place of the last checkpoint.
    checkpoint: Option<usize>,
}

impl Stream {
    fn from(&self, place: usize) -> Vec<Entry> {
        self.entries.get(place..).unwrap_or_default().to_vec()
    }
}

impl MemoryJournal {
    /// A journal without streams, which lives as long as its last clone.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryJournal").field("streams", &lock(&self.0).len()).finish()
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        let mut streams = lock(&self.0);
        let before = streams.get(&append.stream).map(|stream| stream.state).unwrap_or_default();
        let after = admit(&append, before)?;
        let stream = streams.entry(append.stream).or_default();
        let places = (before.last.0 + 1..).map(Sequence);
        for (place, record) in places.zip(append.records) {
            if record.is_checkpoint() {
                stream.checkpoint = Some(stream.entries.len());
            }
            stream.entries.push(Entry::new(place, append.epoch, record));
        }
        stream.state = after;
        stream.at_rest = append.at_rest;
        Ok(after.last)
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        let place = usize::try_from(after.0).unwrap_or(usize::MAX);
        Ok(lock(&self.0).get(stream).map(|stream| stream.from(place)).unwrap_or_default())
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        let streams = lock(&self.0);
        Ok(streams.get(stream).map(|stream| stream.from(stream.checkpoint.unwrap_or_default())).unwrap_or_default())
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        let streams = lock(&self.0);
        Ok(streams.iter().filter(|(_, stream)| !stream.at_rest).map(|(name, _)| name.clone()).collect())
    }
}
