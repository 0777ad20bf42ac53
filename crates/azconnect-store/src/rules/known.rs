//! What a process knows of a journal, so that nothing which it has seen goes back unnoticed.

use std::collections::BTreeMap;

use azconnect_core::{Effect, Error, ErrorKind, Sequence, StreamId};

use crate::seal::journal::{Aside, Head, StreamNumber, Totals};
use crate::seal::mac::Mac;

/// What is known of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its head was written by a holder of the key.
    Whole(Head),
    /// Its head was not. As much of it is accounted for as its entries prove.
    Damaged {
        /// Its number, or 0 if it never was a stream of this journal.
        number: StreamNumber,
        /// How many entries it has for certain.
        last: Sequence,
    },
}

impl Standing {
    fn weight(&self) -> u64 {
        match self {
            Self::Whole(head) => head.last.0,
            Self::Damaged { last, .. } => last.0,
        }
    }

    pub(crate) fn number(&self) -> StreamNumber {
        match self {
            Self::Whole(head) => head.number,
            Self::Damaged { number, .. } => *number,
        }
    }
}

/// A journal as a process has seen it last.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    totals: Totals,
    mac: Mac,
    streams: BTreeMap<StreamId, Standing>,
    /// By the change that set it aside.
    aside: BTreeMap<u64, (StreamId, Aside)>,
}

impl Known {
    /// A journal of which only the totals are known so far.
    pub(crate) fn new(totals: Totals, mac: Mac) -> Self {
        Self { totals, mac, streams: BTreeMap::new(), aside: BTreeMap::new() }
    }

    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The mark of the totals.
    pub(crate) fn mac(&self) -> &Mac {
        &self.mac
    }

    pub(crate) fn standing(&self, stream: &StreamId) -> Option<&Standing> {
        self.streams.get(stream)
    }

    pub(crate) fn streams(&self) -> impl Iterator<Item = (&StreamId, &Standing)> {
        self.streams.iter()
    }

    /// What was set aside.
    #[cfg(feature = "sqlite")]
    pub(crate) fn asides(&self) -> impl Iterator<Item = &(StreamId, Aside)> {
        self.aside.values()
    }

    /// Whether these totals, which bear a true mark, are the known ones.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) if they are older ones, or of another journal.
    pub(crate) fn is_at(&self, totals: &Totals, mac: &Mac) -> Result<bool, Error> {
        if totals.id != self.totals.id || totals.changes < self.totals.changes {
            return Err(went_back());
        }
        let is_same = totals == &self.totals && mac == &self.mac;
        if !is_same && totals.changes == self.totals.changes {
            return Err(went_back());
        }
        Ok(is_same)
    }

    /// Learns what a stream is, by a head that bears a true mark.
    pub(crate) fn learn(&mut self, stream: StreamId, standing: Standing) {
        self.streams.insert(stream, standing);
    }

    /// Learns that a stream was set aside, by a record that bears a true mark.
    pub(crate) fn learn_aside(&mut self, stream: StreamId, aside: Aside) {
        if self.streams.get(&stream).is_some_and(|standing| standing.number() == aside.number) {
            self.streams.remove(&stream);
        }
        self.aside.insert(aside.change, (stream, aside));
    }

    /// Learns what this process itself has written.
    pub(crate) fn wrote(&mut self, stream: StreamId, head: Head, totals: Totals, mac: Mac) {
        self.streams.insert(stream, Standing::Whole(head));
        (self.totals, self.mac) = (totals, mac);
    }

    /// Learns that this process itself has changed something beside the streams.
    pub(crate) fn changed(&mut self, totals: Totals, mac: Mac) {
        (self.totals, self.mac) = (totals, mac);
    }

    /// Moves on to totals, if what is known adds up to them.
    pub(crate) fn moves_to(&mut self, totals: Totals, mac: Mac) -> bool {
        let adds_up = self.missing_from(&totals) == 0;
        if adds_up {
            (self.totals, self.mac) = (totals, mac);
        }
        adds_up
    }

    /// How many entries are not there of those that the totals count; less than nothing if there are more.
    pub(crate) fn missing(&self) -> i128 {
        self.missing_from(&self.totals)
    }

    fn missing_from(&self, totals: &Totals) -> i128 {
        i128::from(totals.entries) - i128::from(self.weight())
    }

    /// What all streams count for that are known.
    pub(crate) fn weight(&self) -> u64 {
        let streams = self.streams.values().map(Standing::weight);
        streams.chain(self.aside.values().map(|(_, aside)| aside.weight())).fold(0, u64::saturating_add)
    }
}

/// The refusal to go on with an earlier state of the journal.
fn went_back() -> Error {
    Error::new(ErrorKind::Corrupt, "the journal is older than what this process has seen of it, or is another one")
        .with_effect(Effect::None)
        .with_advice(
            "find out who replaced the database; if a backup was restored, stop every process that uses it, then start them \
             again",
        )
}
