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
mod background;
mod change;
mod contract;
mod contract_inputs;
mod create;
mod deletion;
mod destination;
mod doubt;
mod emulated;
mod federated_life;
mod federated_site;
mod federation;
mod finder;
mod gotchas;
mod held;
mod hostile_times;
mod identity;
mod kinds;
mod lists;
mod misspelt;
mod outcomes;
mod permission;
mod ports;
mod properties;
mod roles;
mod send;
mod shown;
mod sink;
mod strict;
mod support;
mod throttle;
mod token;
mod unsent;
