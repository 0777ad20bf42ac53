//! Whether all that was written into the journal is there.

use std::collections::BTreeMap;

use azconnect_core::{Error, StreamId};
use rusqlite::Connection;

use super::failure::{before_effect, damaged};
use super::rows::{self, EntryRow, HeadRow};
use crate::rules::known::{Known, Standing};
use crate::seal::SealingKeys;
use crate::stored::audit::{Audit, Heads};

/// Brings what is known up to what the journal is now, by what was written since.
///
/// What this process wrote itself costs one row. What others wrote since costs a row for each stream that they changed.
pub(super) fn sync(connection: &Connection, keys: &SealingKeys, known: &mut Known) -> Result<(), Error> {
    let (totals, mac) = rows::totals(connection, keys)?;
    if known.is_at(&totals, &mac)? {
        return Ok(());
    }
    let since = known.totals().changes;
    let asides = rows::asides_after(connection, since)?;
    for (stream, aside) in asides.into_iter().filter_map(|row| row.verified(keys, &totals)) {
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

/// Looks at the head of every stream. Entries are looked at only where a head is not as it should be.
pub(super) fn audit(connection: &Connection, keys: &SealingKeys) -> Result<Audit, Error> {
    let totals = rows::totals(connection, keys)?;
    let heads = Heads::look(keys, totals, rows::asides_after(connection, 0)?, HeadRow::all(connection)?);
    let mut entries = BTreeMap::new();
    if !heads.is_settled() {
        for stream in heads.suspects(without_head(connection)?) {
            let rows = EntryRow::from(connection, &stream, 1)?;
            entries.insert(stream, rows);
        }
    }
    Ok(heads.settle(keys, entries))
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
