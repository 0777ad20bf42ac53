//! What an emulator starts with: a seed, and the world that is made of it.

pub(crate) mod populate;
pub(crate) mod seed;
