//! What a journal and a lease decide, the same in memory and in SQLite.

pub(crate) mod journal;
pub(crate) mod lease;
