//! Whether all that was written into the journal is there.

use std::collections::{BTreeMap, BTreeSet};

use azconnect_core::{Error, Sequence, StreamId};

use super::{AsideRow, EntryRow, HeadRow, tampered};
use crate::rules::known::{Known, Standing};
use crate::seal::SealingKeys;
use crate::seal::journal::{Chain, StreamNumber, Totals};
use crate::seal::mac::Mac;

/// How many numbers are tried to find out which stream some entries without a head belong to.
const CANDIDATES: usize = 64;

/// What was found in a journal.
pub(crate) struct Audit {
    known: Known,
}

impl Audit {
    /// What is known, if nothing is missing. Damaged streams may be among it.
    pub(crate) fn complete(self) -> Result<Known, Error> {
        match self.known.missing() {
            0 => Ok(self.known),
            missing => Err(tampered::missing(missing, &self.damaged())),
        }
    }

    fn damaged(&self) -> Vec<&StreamId> {
        let damaged = |(stream, standing)| matches!(standing, &Standing::Damaged { .. }).then_some(stream);
        self.known.streams().filter_map(damaged).collect()
    }
}

#[cfg(feature = "sqlite")]
impl Audit {
    /// What is known, whatever is missing.
    pub(crate) fn known(&self) -> &Known {
        &self.known
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.known.missing() == 0
    }
}

/// An audit that has looked at the head of every stream. Entries are looked at only where a head is not as it should be.
pub(crate) struct Heads {
    known: Known,
    numbers: Numbers,
    suspects: BTreeSet<StreamId>,
}

impl Heads {
    /// Looks at what was set aside and at every head.
    pub(crate) fn look(
        keys: &SealingKeys,
        (totals, mac): (Totals, Mac),
        asides: impl IntoIterator<Item = AsideRow>,
        heads: impl IntoIterator<Item = HeadRow>,
    ) -> Self {
        let mut known = Known::new(totals, mac);
        let mut numbers = Numbers::of(&totals);
        for (stream, aside) in asides.into_iter().filter_map(|row| row.verified(keys, &totals)) {
            if numbers.take(aside.number) {
                known.learn_aside(stream, aside);
            }
        }
        let mut suspects = BTreeSet::new();
        for row in heads {
            match row.verified(keys, &totals).filter(|head| numbers.take(head.number)) {
                Some(head) => known.learn(row.stream, Standing::Whole(head)),
                None => drop(suspects.insert(row.stream)),
            }
        }
        Self { known, numbers, suspects }
    }

    /// Whether there is nothing more to look at.
    pub(crate) fn is_settled(&self) -> bool {
        self.suspects.is_empty() && self.known.missing() == 0
    }

    /// The streams whose entries are to be looked at: `without_head` are those that have entries and no head.
    pub(crate) fn suspects(&self, without_head: Vec<StreamId>) -> BTreeSet<StreamId> {
        self.suspects.iter().cloned().chain(without_head).collect()
    }

    /// What the journal is, once the entries of the suspects have been looked at, all from the first on.
    pub(crate) fn settle(mut self, keys: &SealingKeys, entries: BTreeMap<StreamId, Vec<EntryRow>>) -> Audit {
        for (stream, rows) in entries {
            let found = recover(keys, self.known.totals(), &stream, &self.numbers, rows);
            let (number, last) = found.unwrap_or_default();
            self.numbers.take(number);
            self.known.learn(stream, Standing::Damaged { number, last });
        }
        Audit { known: self.known }
    }
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

/// The number and the last position that the entries of a stream without a true head prove.
fn recover(
    keys: &SealingKeys,
    totals: &Totals,
    stream: &StreamId,
    numbers: &Numbers,
    rows: Vec<EntryRow>,
) -> Option<(StreamNumber, Sequence)> {
    let mut found = None;
    let mut before = None;
    for row in rows {
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
    found
}

/// The streams that are not at rest. One whose row is not as it was written is among them, whatever it says.
pub(crate) fn unfinished(known: &Known, heads: Vec<HeadRow>) -> Vec<StreamId> {
    let mut names: BTreeSet<_> = known.streams().map(|(stream, _)| stream.clone()).collect();
    for row in heads {
        let rests = match (known.standing(&row.stream), row.claimed()) {
            (Some(Standing::Whole(known)), Some(found)) => *known == found && found.at_rest,
            _ => false,
        };
        match rests {
            true => names.remove(&row.stream),
            false => names.insert(row.stream),
        };
    }
    names.into_iter().collect()
}
