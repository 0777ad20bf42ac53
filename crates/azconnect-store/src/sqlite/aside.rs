//! Damaged streams, which are set aside so that their work can begin anew.

use azconnect_core::{Error, Sequence, StreamId};
use rusqlite::{Transaction, params};

use super::audit::sync;
use super::chain::Reader;
use super::failure::{before_effect, failed};
use super::moment::{to_column, to_text};
use super::{Shared, SqliteStore, begin, rows};
use crate::rules::known::{Known, Standing};
use crate::seal::journal::{Aside, Totals};
use crate::seal::mac::Mac;

impl SqliteStore {
    /// Sets a damaged stream aside, after which it is one that has no entries yet, and its work begins anew.
    ///
    /// For a person who knows what was done to the database, and has no backup to restore. The entries are kept, in the
    /// tables `aside` and `aside_entry`, to be looked at; no program reads them as a journal again, and putting them back is
    /// noticed.
    ///
    /// What the stream knew is forgotten. A rotation that begins anew does not know the secrets that are at Entra ID as its
    /// own: it reports them as findings and removes none, unless they bear a marker that it knows or are adopted by name.
    /// Sealed secrets that the stream named stay in the store under their names. A provisioning does not know the machine
    /// that it made. A stream that began anew admits every epoch: stop the processes that worked on it first.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a stream that is not damaged, or does not exist.
    /// Nothing was changed then.
    ///
    /// # Cancel safety
    /// It is completed even if the future is dropped, entirely or not at all.
    pub async fn set_aside(&self, stream: &StreamId) -> Result<(), Error> {
        let stream = stream.clone();
        self.call("store.journal.set_aside", move |connection, shared| {
            let mut known = shared.known();
            let transaction = begin(connection)?;
            sync(&transaction, &shared.keys, &mut known)?;
            shared.testify_before(&known)?;
            refuse_whole(&Reader { connection: &transaction, keys: &shared.keys, known: &known }, &stream)?;
            let aside = aside(&known, &stream);
            let mac = move_away(&transaction, shared, &known, &stream, &aside)?;
            let totals = known.totals().changed(&shared.keys, mac.as_bytes())?;
            let totals = Totals { entries: totals.entries + 1, ..totals };
            rows::write_totals(&transaction, &shared.keys, &totals)?;
            transaction.commit().map_err(failed)?;
            shared.follow(connection, &mut known)
        })
        .await
    }
}

fn refuse_whole(reader: &Reader<'_>, stream: &StreamId) -> Result<(), Error> {
    let what = match reader.head(stream) {
        Ok(None) => "does not exist",
        Ok(Some(head)) if reader.entries(stream, &head, Sequence::START).is_ok() => "is as this program wrote it",
        _ => return Ok(()),
    };
    Err(Error::invalid("stream", format!("{stream} {what}")).with_advice("name a stream that an error calls damaged"))
}

fn aside(known: &Known, stream: &StreamId) -> Aside {
    let change = known.totals().changes + 1;
    match known.standing(stream) {
        Some(Standing::Whole(head)) => Aside { number: head.number, last: head.last, change },
        Some(Standing::Damaged { number, last }) => Aside { number: *number, last: *last, change },
        None => Aside { number: 0, last: Sequence::START, change },
    }
}

fn move_away(
    transaction: &Transaction<'_>,
    shared: &Shared,
    known: &Known,
    stream: &StreamId,
    aside: &Aside,
) -> Result<Mac, Error> {
    let mac = shared.keys.mark(&known.totals().aside_message(stream, aside))?;
    let (name, change) = (stream.as_str(), to_column("changes", aside.change)?);
    let (number, last) = (to_column("streams", aside.number)?, to_column("records", aside.last.0)?);
    let at = to_text("at", shared.clock.now())?;
    let run = |sql, values: &[&dyn rusqlite::ToSql]| transaction.execute(sql, values).map(drop).map_err(before_effect);
    run(
        "INSERT INTO aside (change, stream, number, last, at, mac) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![change, name, number, last, at, mac.as_bytes()],
    )?;
    run(
        "INSERT INTO aside_entry (change, sequence, epoch, kind, payload, at, checkpoint, mac)
         SELECT ?1, sequence, epoch, kind, payload, at, checkpoint, mac FROM entry WHERE stream = ?2 ORDER BY sequence",
        params![change, name],
    )?;
    run("DELETE FROM entry WHERE stream = ?1", params![name])?;
    run("DELETE FROM stream WHERE name = ?1", params![name])?;
    Ok(mac)
}
