//! What a journal and a lease decide, the same in memory and in SQLite.

pub(crate) mod journal;
#[cfg(feature = "sqlite")]
pub(crate) mod known;
pub(crate) mod lease;
