//! A stream that is read by its marks: nothing is returned that somebody without the key could have written.

use azconnect_core::{Entry, Error, Sequence, StreamId};

use super::{EntryRow, HeadRow, tampered};
use crate::rules::known::{Known, Standing};
use crate::seal::SealingKeys;
use crate::seal::journal::{Chain, Head};

/// The head of a stream, which is as it is known to be, or none for a stream that is not known.
pub(crate) fn head(
    keys: &SealingKeys,
    known: &Known,
    stream: &StreamId,
    row: Option<&HeadRow>,
) -> Result<Option<Head>, Error> {
    let found = row.and_then(|row| row.verified(keys, known.totals()));
    match (known.standing(stream), row, found) {
        (Some(Standing::Whole(known)), _, Some(found)) if *known == found => Ok(Some(found)),
        (None, None, _) => Ok(None),
        _ => Err(tampered::head(stream)),
    }
}

/// The position from which the rows must be read to know the entries after another: the entry before them is among them,
/// since theirs cover its mark.
pub(crate) fn first_row(head: &Head, after: Sequence) -> u64 {
    after.0.min(head.last.0).max(1)
}

/// The entries of a stream after a position, each of which is as it was written, up to the stream's end. The rows begin at
/// [`first_row`].
pub(crate) fn entries(
    keys: &SealingKeys,
    chain: Chain<'_>,
    head: &Head,
    after: Sequence,
    rows: Vec<EntryRow>,
) -> Result<Vec<Entry>, Error> {
    let stream = chain.stream;
    let (mut entries, mut before) = (Vec::new(), None);
    let mut wanted = first_row(head, after);
    for row in rows {
        let changed = || tampered::entry(stream, Sequence(wanted));
        if row.sequence() != Some(wanted) || wanted > head.last.0 {
            return Err(changed());
        }
        let mac = row.mac().ok_or_else(changed)?;
        if wanted > after.0 {
            let entry = row.entry().map_err(|error| changed().with_source(error))?;
            if !chain.holds(keys, &entry, before.as_ref(), &mac) {
                return Err(changed());
            }
            entries.push(entry);
        }
        before = Some(mac);
        wanted += 1;
    }
    // The head bears the mark of the last one: all are there, and none is another's.
    if wanted != head.last.0 + 1 || before != Some(head.entry) {
        return Err(tampered::entry(stream, Sequence(wanted.min(head.last.0))));
    }
    Ok(entries)
}

/// Whether these entries begin with the last checkpoint, or with the first entry of a stream that has none.
pub(crate) fn begins_at(entries: &[Entry], checkpoint: Sequence) -> bool {
    let first = checkpoint.0.max(1);
    let last = entries.iter().rfind(|entry| entry.record.is_checkpoint()).map(|entry| entry.sequence);
    entries.first().is_some_and(|entry| entry.sequence.0 == first) && last.unwrap_or_default() == checkpoint
}
