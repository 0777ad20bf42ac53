//! Sessions on the stores in memory, under virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

mod append;
mod checkpoint;
mod deadline;
mod hold;
mod hostile_times;
mod open;
mod stage;
mod time;
mod within;
