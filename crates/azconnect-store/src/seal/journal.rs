//! What is marked of a journal, wherever it is kept: its entries, the head of each stream, and the whole.
//!
//! An entry's mark covers the mark of the one before, so that a changed, missing, moved or exchanged entry shows. A stream's
//! head covers the mark of its last entry, so that a cut end shows. The totals count every entry that was ever written, so
//! that a stream that is missing, or was taken back to an earlier head, shows: every true head that is not the latest
//! counts less. They cover the mark of all sealed secrets too, so that a secret that was put back, or is gone, shows.

use aws_lc_rs::rand;
use azconnect_core::{Entry, Epoch, Error, Sequence, StreamId};

use super::mac::{Mac, Message};
use super::{SealingKeyError, SealingKeys};

/// Which journal it is, at random: nothing that was marked in one counts in another of the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JournalId([u8; 16]);

impl JournalId {
    pub(crate) fn random() -> Result<Self, Error> {
        let mut id = [0; 16];
        rand::fill(&mut id).map_err(|_| SealingKeyError::Cryptography)?;
        Ok(Self(id))
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The number of a stream: 1 for the first of the journal. A stream that begins anew after its former one was set aside has a
/// new number, so that nothing of the former one fits into it.
pub(crate) type StreamNumber = u64;

/// The end of a stream, and all that the journal knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) number: StreamNumber,
    pub(crate) last: Sequence,
    pub(crate) epoch: Epoch,
    pub(crate) at_rest: bool,
    /// The change of the journal that wrote it.
    pub(crate) change: u64,
    /// The mark of the last entry.
    pub(crate) entry: Mac,
}

/// A stream that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Aside {
    /// Its number, or 0 for entries that never were a stream of this journal.
    pub(crate) number: StreamNumber,
    /// How many entries the journal counts for it.
    pub(crate) last: Sequence,
    /// The change of the journal that set it aside.
    pub(crate) change: u64,
}

impl Aside {
    /// What it counts for: more than the stream did, so that putting the stream back in its place shows.
    pub(crate) fn weight(&self) -> u64 {
        self.last.0.saturating_add(1)
    }
}

/// What the journal has in all. Only ever grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) id: JournalId,
    /// How often it was changed.
    pub(crate) changes: u64,
    /// Covers each change, in order. So two journals that were changed as often, from one beginning, differ in it.
    pub(crate) trace: Mac,
    /// The highest number of a stream.
    pub(crate) streams: StreamNumber,
    /// How many entries there are in all streams, and what was set aside counts for.
    pub(crate) entries: u64,
    /// The mark of all sealed secrets that there are, in a store that counts them.
    pub(crate) secrets: Option<Mac>,
}

impl Totals {
    /// Of a new journal.
    pub(crate) fn begin(keys: &SealingKeys) -> Result<Self, Error> {
        let id = JournalId::random()?;
        let trace = keys.mark(&Message::new("azconnect journal begin 1").bytes(id.as_bytes()))?;
        Ok(Self { id, changes: 0, trace, streams: 0, entries: 0, secrets: None })
    }

    /// After one more change, of which `what` tells.
    pub(crate) fn changed(&self, keys: &SealingKeys, what: &[u8]) -> Result<Self, Error> {
        let message = self.labelled("azconnect journal change 1").bytes(self.trace.as_bytes()).bytes(what);
        Ok(Self { changes: self.changes + 1, trace: keys.mark(&message)?, ..*self })
    }

    pub(crate) fn message(&self) -> Message {
        let label = if self.secrets.is_some() { "azconnect journal totals 2" } else { "azconnect journal totals 1" };
        let message = self
            .labelled(label)
            .number(self.changes)
            .bytes(self.trace.as_bytes())
            .number(self.streams)
            .number(self.entries);
        match &self.secrets {
            Some(secrets) => message.bytes(secrets.as_bytes()),
            None => message,
        }
    }

    pub(crate) fn head_message(&self, stream: &StreamId, head: &Head) -> Message {
        self.labelled("azconnect journal head 1")
            .bytes(stream.as_str().as_bytes())
            .number(head.number)
            .number(head.last.0)
            .number(head.epoch.0)
            .number(head.at_rest.into())
            .number(head.change)
            .bytes(head.entry.as_bytes())
    }

    pub(crate) fn aside_message(&self, stream: &StreamId, aside: &Aside) -> Message {
        self.labelled("azconnect journal set aside 1")
            .bytes(stream.as_str().as_bytes())
            .number(aside.number)
            .number(aside.last.0)
            .number(aside.change)
    }

    /// Every mark is of one journal.
    fn labelled(&self, label: &str) -> Message {
        Message::new(label).bytes(self.id.as_bytes())
    }
}

/// One stream, whose entries are marked one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Chain<'a> {
    pub(crate) totals: &'a Totals,
    pub(crate) stream: &'a StreamId,
    pub(crate) number: StreamNumber,
}

impl Chain<'_> {
    /// Marks an entry after the one with the mark `before`; the first entry follows none.
    pub(crate) fn mark(&self, keys: &SealingKeys, entry: &Entry, before: Option<&Mac>) -> Result<Mac, Error> {
        keys.mark(&self.message(entry, before))
    }

    /// Whether this entry was written here, after the one with the mark `before`.
    pub(crate) fn holds(&self, keys: &SealingKeys, entry: &Entry, before: Option<&Mac>, mac: &Mac) -> bool {
        keys.is_marked(&self.message(entry, before), mac)
    }

    fn message(&self, entry: &Entry, before: Option<&Mac>) -> Message {
        let record = &entry.record;
        self.totals
            .labelled("azconnect journal entry 1")
            .bytes(self.stream.as_str().as_bytes())
            .number(self.number)
            .number(entry.sequence.0)
            .number(entry.epoch.0)
            .bytes(record.kind.as_bytes())
            .bytes(record.payload.as_bytes())
            .bytes(&record.at.unix_timestamp_nanos().to_be_bytes())
            .number(record.is_checkpoint().into())
            .bytes(before.map(Mac::as_bytes).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use azconnect_core::Record;
    use time::OffsetDateTime;

    use super::super::SealingKey;
    use super::*;

    fn entry(sequence: u64, epoch: u64, record: Record) -> Entry {
        Entry::new(Sequence(sequence), Epoch(epoch), record)
    }

    #[test]
    fn a_mark_of_an_entry_covers_all_of_it_and_its_place() {
        let keys = SealingKeys::new(SealingKey::generate().unwrap());
        let at = OffsetDateTime::UNIX_EPOCH;
        let (totals, other) = (Totals::begin(&keys).unwrap(), Totals::begin(&keys).unwrap());
        let (stream, elsewhere): (StreamId, StreamId) = ("a".parse().unwrap(), "b".parse().unwrap());
        let chain = Chain { totals: &totals, stream: &stream, number: 1 };
        let first = entry(1, 1, Record::new("k", "p", at));
        let before = chain.mark(&keys, &first, None).unwrap();
        let second = entry(2, 1, Record::new("k", "p", at));
        let mac = chain.mark(&keys, &second, Some(&before)).unwrap();
        assert!(chain.holds(&keys, &second, Some(&before), &mac));
        for changed in [
            entry(3, 1, Record::new("k", "p", at)),
            entry(2, 2, Record::new("k", "p", at)),
            entry(2, 1, Record::new("kp", "", at)),
            entry(2, 1, Record::new("k", "q", at)),
            entry(2, 1, Record::new("k", "p", at + Duration::from_nanos(1))),
            entry(2, 1, Record::checkpoint("k", "p", at)),
        ] {
            assert!(!chain.holds(&keys, &changed, Some(&before), &mac), "{changed:?}");
        }
        assert!(!chain.holds(&keys, &second, None, &mac), "it follows none");
        assert!(!chain.holds(&keys, &second, Some(&mac), &mac), "it follows another");
        for moved in
            [Chain { totals: &other, ..chain }, Chain { stream: &elsewhere, ..chain }, Chain { number: 2, ..chain }]
        {
            assert!(!moved.holds(&keys, &second, Some(&before), &mac));
        }
    }

    #[test]
    fn two_lines_of_changes_differ_for_ever() {
        let keys = SealingKeys::new(SealingKey::generate().unwrap());
        let begun = Totals::begin(&keys).unwrap();
        let [one, other] = [b"a", b"b"].map(|what| begun.changed(&keys, what).unwrap());
        assert_eq!(one, begun.changed(&keys, b"a").unwrap());
        assert_ne!(one, other);
        assert_ne!(one.changed(&keys, b"c").unwrap(), other.changed(&keys, b"c").unwrap());
    }

    #[test]
    fn a_mark_of_one_kind_is_none_of_another() {
        let keys = SealingKeys::new(SealingKey::generate().unwrap());
        let totals = Totals { changes: 1, streams: 1, entries: 1, ..Totals::begin(&keys).unwrap() };
        let stream: StreamId = "a".parse().unwrap();
        let entry = keys.mark(&totals.message()).unwrap();
        let aside = Aside { number: 1, last: Sequence(1), change: 1 };
        let head = Head { number: 1, last: Sequence(1), epoch: Epoch(1), at_rest: false, change: 1, entry };
        let messages = [totals.message(), totals.head_message(&stream, &head), totals.aside_message(&stream, &aside)];
        for (place, message) in messages.iter().enumerate() {
            let mac = keys.mark(message).unwrap();
            let counts: Vec<_> = messages.iter().map(|other| keys.is_marked(other, &mac)).collect();
            assert_eq!(counts, [place == 0, place == 1, place == 2]);
        }
    }
}
