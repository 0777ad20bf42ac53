//! What is said of a journal that somebody without the key has changed.

use azconnect_core::{Effect, Error, ErrorKind, Sequence, StreamId};

/// An entry that is not as it was written, or is not where it was.
pub(crate) fn entry(stream: &StreamId, sequence: Sequence) -> Error {
    stream_error(stream, &format!("entry {} is missing, or is not as this program wrote it", sequence.0))
}

/// A stream whose last checkpoint is not where the index has it.
pub(crate) fn checkpoint(stream: &StreamId) -> Error {
    stream_error(stream, "its last checkpoint is not where the database says")
}

/// A stream whose head is not as it was written.
pub(crate) fn head(stream: &StreamId) -> Error {
    stream_error(stream, "the end of the stream is missing, or is not as this program wrote it")
}

fn stream_error(stream: &StreamId, what: &str) -> Error {
    corrupt(format!("{stream}: {what}")).with_advice(
        "find out who can write the database; then restore it from a backup, or, where it is SQLite's, set this stream aside \
         with `SqliteStore::set_aside`, which keeps its entries to be looked at and lets its work begin anew",
    )
}

/// A journal whose totals are not as they were written.
pub(crate) fn totals(what: &str) -> Error {
    corrupt(format!("the journal {what}"))
        .with_advice("find out who can write the database, then restore it from a backup; nothing was changed")
}

/// Sealed secrets that are not those which the totals speak of.
pub(crate) fn secrets() -> Error {
    corrupt(
        "the sealed secrets are not those that this program left: some were removed, or put back after their removal"
            .to_owned(),
    )
    .with_advice(
        "find out who can write the database; then restore it from a backup, or, where it is SQLite's, open it \
             once with `SqliteOptions::accepting_lost_entries`, which takes what is left for all there was",
    )
}

/// Entries that are missing, without a trace of whose they were.
pub(crate) fn missing(entries: i128, damaged: &[&StreamId]) -> Error {
    let what = match entries {
        ..=0 => format!("has {} entries more than were written", -entries),
        1 => "has lost an entry".to_owned(),
        _ => format!("has lost {entries} entries"),
    };
    let names: Vec<_> = damaged.iter().take(8).map(|stream| stream.as_str()).collect();
    let named = if names.is_empty() { String::new() } else { format!("; damaged: {}", names.join(", ")) };
    corrupt(format!("the journal {what}, and does not tell of which stream{named}")).with_advice(
        "find out who can write the database; then restore it from a backup, or, where it is SQLite's, open it once \
         with `SqliteOptions::accepting_lost_entries`, which takes what is left for all there was",
    )
}

fn corrupt(message: String) -> Error {
    Error::new(ErrorKind::Corrupt, message).with_effect(Effect::None)
}
