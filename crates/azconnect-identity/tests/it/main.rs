//! Signing in, against scripted answers, a server on loopback, and the emulator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

mod assertion;
mod cache;
mod certificate;
mod certificate_proof;
mod certified;
mod conformance;
mod discovery;
mod follow;
mod hostile_times;
mod openssl;
mod own;
mod sign_in;
mod stage;
mod tokens;
mod verifier;
