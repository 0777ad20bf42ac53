//! Signing in, against scripted answers, a server on loopback, and the emulator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

mod cache;
mod cache_claims;
mod conformance;
mod discovery;
mod follow;
mod hostile_times;
mod own;
mod sign_in;
mod stage;
mod tokens;
mod verifier;
