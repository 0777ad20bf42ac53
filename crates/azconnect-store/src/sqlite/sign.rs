//! A journal that is marked anew: one without marks, one whose key changes, and one that has lost entries.

use azconnect_core::{Entry, Epoch, Error, Sequence, StreamId};
use rusqlite::{Connection, Transaction, params};

use super::audit::{audit, sync};
use super::chain::Reader;
use super::failure::before_effect;
use super::moment::to_column;
use super::rows::{self, EntryRow, HeadRow};
use super::{present, tampered};
use crate::rules::known::{Known, Standing};
use crate::seal::SealingKeys;
use crate::seal::journal::{Chain, Head, JournalId, Totals};
use crate::seal::presence::Presence;

/// Begins a journal without streams, of a store without secrets.
pub(super) fn begin(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Error> {
    let begun = Totals::begin(keys)?;
    let secrets = Presence::none(begun.id, keys.current().id()).mark(keys)?;
    rows::write_totals(transaction, keys, &Totals { secrets: Some(secrets), ..begun }).map(drop)
}

/// Whether there is nothing in a journal.
pub(super) fn is_empty(connection: &Connection) -> Result<bool, Error> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM stream) AND NOT EXISTS (SELECT 1 FROM entry)";
    connection.query_row(sql, (), |row| row.get(0)).map_err(before_effect)
}

/// Marks a journal that has no marks, as it lies there.
pub(super) fn trust(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Error> {
    let mut totals = Totals::begin(keys)?.changed(keys, b"trust")?;
    for row in HeadRow::all(transaction)? {
        let (epoch, at_rest) = row.unmarked()?;
        let rows = EntryRow::from(transaction, &row.stream, 1)?.into_iter();
        let entries = rows.map(EntryRow::entry).collect::<Result<Vec<_>, _>>()?;
        totals.streams += 1;
        let chain = Chain { totals: &totals, stream: &row.stream, number: totals.streams };
        let last = mark(transaction, keys, &End { chain, epoch, at_rest }, &entries)?;
        totals.entries += last.0;
    }
    rows::write_totals(transaction, keys, &totals).map(drop)
}

/// Marks everything with the current key. Refuses a journal of which anything is damaged.
pub(super) fn reseal(transaction: &Transaction<'_>, keys: &SealingKeys, known: &mut Known) -> Result<(), Error> {
    sync(transaction, keys, known)?;
    let secrets = present::marked_anew(transaction, keys, known.totals())?;
    let totals = Totals { secrets: Some(secrets), ..known.totals().changed(keys, b"reseal")? };
    for (stream, standing) in known.streams() {
        anew(transaction, keys, known, &totals, stream, standing)?;
    }
    asides(transaction, keys, known, &totals)?;
    rows::write_totals(transaction, keys, &totals).map(drop)
}

/// Takes what is left of a journal that has lost entries for all there was. What is not as it was written stays damaged.
///
/// It becomes another journal by its id, so that nothing that was lost can be put back.
pub(super) fn accept(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(), Error> {
    let found = audit(transaction, keys)?;
    let known = found.known();
    let old = known.totals();
    if found.is_complete() && present::is_complete(transaction, keys, old) {
        return Ok(());
    }
    let mut totals = Totals { id: JournalId::random()?, entries: 0, ..old.changed(keys, b"accept")? };
    totals.secrets = Some(present::accept(transaction, keys, &old.id, &totals.id)?);
    for (stream, standing) in known.streams() {
        totals.entries += anew(transaction, keys, known, &totals, stream, standing).map_or(0, |last| last.0);
    }
    asides(transaction, keys, known, &totals)?;
    totals.entries += known.asides().map(|(_, aside)| aside.weight()).sum::<u64>();
    rows::write_totals(transaction, keys, &totals).map(drop)
}

/// Marks a stream anew, if all of it is as it was written, and returns its end.
fn anew(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    known: &Known,
    totals: &Totals,
    stream: &StreamId,
    standing: &Standing,
) -> Result<Sequence, Error> {
    let Standing::Whole(head) = standing else { return Err(tampered::head(stream)) };
    let entries = Reader { connection: transaction, keys, known }.entries(stream, head, Sequence::START)?;
    let chain = Chain { totals, stream, number: head.number };
    mark(transaction, keys, &End { chain, epoch: head.epoch, at_rest: head.at_rest }, &entries)
}

fn asides(transaction: &Transaction<'_>, keys: &SealingKeys, known: &Known, totals: &Totals) -> Result<(), Error> {
    for (stream, aside) in known.asides() {
        let mac = keys.mark(&totals.aside_message(stream, aside))?;
        let change = to_column("changes", aside.change)?;
        transaction
            .execute("UPDATE aside SET mac = ?2 WHERE change = ?1", params![change, mac.as_bytes()])
            .map_err(before_effect)?;
    }
    Ok(())
}

/// A stream and what its head says beside its entries.
struct End<'a> {
    chain: Chain<'a>,
    epoch: Epoch,
    at_rest: bool,
}

/// Marks all entries of a stream and its head.
fn mark(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    end: &End<'_>,
    entries: &[Entry],
) -> Result<Sequence, Error> {
    let Chain { totals, stream, number } = end.chain;
    let mut before = None;
    for (entry, wanted) in entries.iter().zip(1..) {
        if entry.sequence != Sequence(wanted) {
            return Err(tampered::entry(stream, Sequence(wanted)));
        }
        let mac = end.chain.mark(keys, entry, before.as_ref())?;
        rows::set_entry_mac(transaction, stream, entry.sequence, &mac)?;
        before = Some(mac);
    }
    let last = Sequence(entries.len() as u64);
    let entry = before.ok_or_else(|| tampered::head(stream))?;
    let (epoch, at_rest) = (end.epoch, end.at_rest);
    let head = Head { number, last, epoch, at_rest, change: totals.changes, entry };
    let mac = keys.mark(&totals.head_message(stream, &head))?;
    rows::write_head(transaction, stream, &head, &mac)?;
    Ok(last)
}
