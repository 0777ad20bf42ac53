//! The client against answers as Azure DevOps gives them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

mod authentication;
mod gotchas;
mod properties;
mod sink;
mod support;
