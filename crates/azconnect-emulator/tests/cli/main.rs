//! The program itself, started as anybody would start it, with every one of its options.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test"
)]

mod addresses;
mod arguments;
mod control;
mod options;
mod program;
mod proxy;
mod seeds;
mod state;
mod state_keys;
mod state_sign_in;
mod tls;
mod vaults;
