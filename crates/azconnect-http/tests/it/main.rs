//! The pipeline's contracts, over scripted services and virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

mod authorization;
#[cfg(feature = "reqwest")]
mod conformance;
mod fake;
#[cfg(feature = "reqwest")]
mod foreign;
mod hostile_times;
mod lro;
#[cfg(feature = "reqwest")]
mod network;
#[cfg(feature = "reqwest")]
mod origin;
mod pages;
#[cfg(feature = "reqwest")]
mod proxy;
mod retry;
#[cfg(feature = "reqwest")]
mod traces;
