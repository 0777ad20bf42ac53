//! A journal that is marked anew when its key changes.

use azconnect_core::{Sequence, StreamId};

use super::failure::Fault;
use super::reader::Reader;
use super::rows;
use super::transaction::Transaction;
use crate::rules::known::{Known, Standing};
use crate::seal::SealingKeys;
use crate::seal::journal::{Chain, Head, Totals};
use crate::seal::mac::Mac;
use crate::stored::moment::to_column;
use crate::stored::tampered;

/// Marks everything with the current key. Refuses a journal of which anything is damaged.
/// `secrets` is the mark of all secrets under it.
pub(super) async fn reseal(
    transaction: &Transaction<'_>,
    keys: &SealingKeys,
    known: &Known,
    secrets: Mac,
) -> Result<(), Fault> {
    let totals = Totals { secrets: Some(secrets), ..known.totals().changed(keys, b"reseal")? };
    let reader = Reader { transaction, keys, known };
    for (stream, standing) in known.streams() {
        let Standing::Whole(head) = standing else { return Err(tampered::head(stream).into()) };
        anew(&reader, &totals, stream, head).await?;
    }
    rows::write_totals(transaction, known.totals(), &totals, &keys.mark(&totals.message())?).await
}

/// Marks a stream anew, if all of it is as it was written.
async fn anew(reader: &Reader<'_>, totals: &Totals, stream: &StreamId, head: &Head) -> Result<(), Fault> {
    // The head as it lies there, which is the one that is known.
    reader.head(stream).await?;
    let chain = Chain { totals, stream, number: head.number };
    let (mut before, mut marks) = (None, Vec::new());
    for entry in reader.entries(stream, head, Sequence::START).await? {
        let mac = chain.mark(reader.keys, &entry, before.as_ref())?;
        marks.push((to_column("records", entry.sequence.0)?, mac));
        before = Some(mac);
    }
    rows::set_entry_macs(reader.transaction, stream, &marks).await?;
    let entry = before.ok_or_else(|| tampered::head(stream))?;
    let head = Head { change: totals.changes, entry, ..head.clone() };
    let mac = reader.keys.mark(&totals.head_message(stream, &head))?;
    rows::write_head(reader.transaction, stream, &head, &mac).await
}
