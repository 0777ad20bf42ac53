//! What an append makes of a stream and of the journal.

use azconnect_core::{Append, Entry, Error};

use super::tampered;
use crate::rules::journal::{StreamState, admit};
use crate::rules::known::Known;
use crate::seal::SealingKeys;
use crate::seal::journal::{Chain, Head, Totals};
use crate::seal::mac::Mac;

/// All that an admitted append writes, with its marks.
pub(crate) struct Next {
    pub(crate) entries: Vec<(Entry, Mac)>,
    pub(crate) head: Head,
    pub(crate) head_mac: Mac,
    pub(crate) totals: Totals,
    pub(crate) totals_mac: Mac,
}

impl Next {
    /// What follows on the head of a stream, or why nothing does.
    pub(crate) fn of(keys: &SealingKeys, known: &Known, append: &Append, before: Option<Head>) -> Result<Self, Error> {
        let stream = &append.stream;
        let state = before.as_ref().map(|head| StreamState { last: head.last, epoch: head.epoch }).unwrap_or_default();
        let after = admit(append, state)?;
        let old = known.totals();
        let number = before.as_ref().map_or(old.streams + 1, |head| head.number);
        let change = old.changes + 1;
        let chain = Chain { totals: old, stream, number };
        let mut entry = before.map(|head| head.entry);
        let mut entries = Vec::new();
        for (record, sequence) in append.records.iter().zip(state.last.0 + 1..) {
            let next = Entry::new(azconnect_core::Sequence(sequence), after.epoch, record.clone());
            let mac = chain.mark(keys, &next, entry.as_ref())?;
            entries.push((next, mac));
            entry = Some(mac);
        }
        let entry = entry.ok_or_else(|| tampered::head(stream))?;
        let head = Head { number, last: after.last, epoch: after.epoch, at_rest: append.at_rest, change, entry };
        let head_mac = keys.mark(&old.head_message(stream, &head))?;
        let mut totals = old.changed(keys, head_mac.as_bytes())?;
        totals.streams = totals.streams.max(number);
        totals.entries += entries.len() as u64;
        let totals_mac = keys.mark(&totals.message())?;
        Ok(Self { entries, head, head_mac, totals, totals_mac })
    }
}
