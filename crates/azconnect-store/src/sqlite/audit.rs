//! Whether all that was written into the journal is there.

use std::collections::BTreeSet;

use azconnect_core::{Error, Sequence, StreamId};
use rusqlite::Connection;

use super::failure::{before_effect, damaged};
use super::rows::{self, EntryRow, HeadRow};
use super::tampered;
use crate::rules::known::{Known, Standing};
use crate::seal::SealingKeys;
use crate::seal::journal::{Chain, StreamNumber, Totals};

/// How many numbers are tried to find out which stream some entries without a head belong to.
const CANDIDATES: usize = 64;

/// Brings what is known up to what the journal is now, by what was written since.
///
/// What this process wrote itself costs one row. What others wrote since costs a row for each stream that they changed.
pub(super) fn sync(connection: &Connection, keys: &SealingKeys, known: &mut Known) -> Result<(), Error> {
    let (totals, mac) = rows::totals(connection, keys)?;
    if known.is_at(&totals, &mac)? {
        return Ok(());
    }
    let since = known.totals().changes;
    for (stream, aside) in rows::asides_after(connection, keys, &totals, since)? {
        known.learn_aside(stream, aside);
    }
    for row in HeadRow::after(connection, since)? {
        if let Some(head) = row.verified(keys, &totals) {
            known.learn(row.stream, Standing::Whole(head));
        }
    }
    if !known.moves_to(totals, mac) {
        *known = audit(connection, keys)?.complete()?;
    }
    Ok(())
}

/// What was found in a journal.
pub(super) struct Audit {
    known: Known,
}

impl Audit {
    /// What is known, if nothing is missing. Damaged streams may be among it.
    pub(super) fn complete(self) -> Result<Known, Error> {
        match self.known.missing() {
            0 => Ok(self.known),
            missing => Err(tampered::missing(missing, &self.damaged())),
        }
    }

    /// What is known, whatever is missing.
    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    pub(super) fn is_complete(&self) -> bool {
        self.known.missing() == 0
    }

    fn damaged(&self) -> Vec<&StreamId> {
        let damaged = |(stream, standing)| matches!(standing, &Standing::Damaged { .. }).then_some(stream);
        self.known.streams().filter_map(damaged).collect()
    }
}

/// Looks at the head of every stream. Entries are looked at only where a head is not as it should be.
pub(super) fn audit(connection: &Connection, keys: &SealingKeys) -> Result<Audit, Error> {
    let (totals, mac) = rows::totals(connection, keys)?;
    let mut known = Known::new(totals, mac);
    let mut numbers = Numbers::of(&totals);
    for (stream, aside) in rows::asides_after(connection, keys, &totals, 0)? {
        if numbers.take(aside.number) {
            known.learn_aside(stream, aside);
        }
    }
    let mut suspects = BTreeSet::new();
    for row in HeadRow::all(connection)? {
        match row.verified(keys, &totals).filter(|head| numbers.take(head.number)) {
            Some(head) => known.learn(row.stream, Standing::Whole(head)),
            None => drop(suspects.insert(row.stream)),
        }
    }
    if suspects.is_empty() && known.missing() == 0 {
        return Ok(Audit { known });
    }
    suspects.extend(without_head(connection)?);
    for stream in suspects {
        let (number, last) = recover(connection, keys, &totals, &stream, &numbers)?.unwrap_or_default();
        numbers.take(number);
        known.learn(stream, Standing::Damaged { number, last });
    }
    Ok(Audit { known })
}

/// The numbers of streams that were given, and which of them are accounted for.
struct Numbers {
    given: StreamNumber,
    taken: BTreeSet<StreamNumber>,
}

impl Numbers {
    fn of(totals: &Totals) -> Self {
        Self { given: totals.streams, taken: BTreeSet::new() }
    }

    /// Takes a number for a stream, unless another has it. 0 is no number, and what has it is counted every time.
    fn take(&mut self, number: StreamNumber) -> bool {
        number == 0 || (number <= self.given && self.taken.insert(number))
    }

    fn gaps(&self) -> impl Iterator<Item = StreamNumber> {
        (1..=self.given).filter(|number| !self.taken.contains(number)).take(CANDIDATES)
    }
}

/// The streams that have entries and no head.
fn without_head(connection: &Connection) -> Result<Vec<StreamId>, Error> {
    // From one name to the next by the index, not over all entries.
    let sql = "WITH RECURSIVE named (name) AS (
                   SELECT min(stream) FROM entry
                   UNION ALL
                   SELECT (SELECT min(stream) FROM entry WHERE stream > named.name) FROM named WHERE name IS NOT NULL
               )
               SELECT name FROM named WHERE name IS NOT NULL AND name NOT IN (SELECT name FROM stream)";
    let mut rows = connection.prepare(sql).map_err(before_effect)?;
    let rows = rows.query_map((), |row| row.get::<_, String>(0)).map_err(before_effect)?;
    rows.map(|name| StreamId::new(name.map_err(before_effect)?).map_err(|_| damaged("entries without a stream")))
        .collect()
}

/// The number and the last position that the entries of a stream without a true head prove.
fn recover(
    connection: &Connection,
    keys: &SealingKeys,
    totals: &Totals,
    stream: &StreamId,
    numbers: &Numbers,
) -> Result<Option<(StreamNumber, Sequence)>, Error> {
    let mut found = None;
    let mut before = None;
    for row in EntryRow::from(connection, stream, 1)? {
        let (mac, previous) = (row.mac(), std::mem::replace(&mut before, row.mac()));
        let (Ok(entry), Some(mac)) = (row.entry(), mac) else { continue };
        let previous = previous.filter(|_| entry.sequence.0 > 1);
        let mut candidates = numbers.gaps();
        let number = candidates
            .find(|number| Chain { totals, stream, number: *number }.holds(keys, &entry, previous.as_ref(), &mac));
        if let Some(number) = number {
            found = Some((number, entry.sequence));
        }
    }
    Ok(found)
}
