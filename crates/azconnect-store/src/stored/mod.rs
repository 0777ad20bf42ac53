//! What a database holds of ours, whichever it is: rows as their columns, and what their marks prove.

pub(crate) mod audit;
pub(crate) mod chain;
pub(crate) mod document;
mod entry;
mod head;
pub(crate) mod moment;
pub(crate) mod next;
pub(crate) mod noted;
pub(crate) mod present;
pub(crate) mod record;
pub(crate) mod resealed;
pub(crate) mod tampered;
mod totals;

use azconnect_core::{Effect, Error, ErrorKind};

pub(crate) use self::entry::EntryRow;
pub(crate) use self::head::{AsideRow, HeadRow};
pub(crate) use self::totals::TotalsRow;

/// The database holds a value that this crate never writes.
pub(crate) fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the database holds {what}"))
        .with_effect(Effect::None)
        .with_advice("stop every process that uses it, and restore the database from a backup")
}
