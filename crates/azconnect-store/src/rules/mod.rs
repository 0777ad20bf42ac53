//! What a journal and a lease decide, apart from where they keep what they know.

pub(crate) mod journal;
pub(crate) mod lease;
