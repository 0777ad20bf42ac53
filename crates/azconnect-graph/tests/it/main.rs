//! Microsoft Graph, from documented answers, scripted failures and the emulator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

mod certificate_issuer;
mod certificate_list;
mod conformance;
mod contract;
mod deleted;
mod effect;
mod federated;
mod hostile_times;
mod issuer;
mod outcomes;
mod ports;
mod set_up;
mod stage;
