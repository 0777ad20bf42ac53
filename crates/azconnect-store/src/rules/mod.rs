//! What a journal and a lease decide, the same wherever they are kept.

pub(crate) mod document;
pub(crate) mod journal;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod known;
pub(crate) mod lease;
