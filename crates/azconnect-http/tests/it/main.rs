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
mod compression;
#[cfg(feature = "reqwest")]
mod conformance;
mod fake;
#[cfg(feature = "reqwest")]
mod foreign;
mod hostile_times;
#[cfg(feature = "reqwest")]
mod idle;
mod lro;
#[cfg(feature = "reqwest")]
mod network;
#[cfg(feature = "reqwest")]
mod origin;
mod pages;
#[cfg(feature = "reqwest")]
mod proxy;
mod retry;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "reqwest")]
mod traces;
