//! The front door, against the emulator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

mod account_links;
mod binding_flow;
mod binding_saved;
mod binding_states;
mod binding_steps;
mod bindings;
mod bindings_crash;
mod checked_world;
mod connection_check;
mod connection_check_service;
mod connection_crash;
mod connection_key;
mod connections;
mod end_reader;
mod expiry_crash;
mod expiry_radar;
mod expiry_refusal;
mod expiry_watch;
mod key_vault;
mod mortal;
mod own_record;
mod own_states;
mod people;
mod people_crash;
mod people_fit;
mod people_guest;
mod people_races;
mod product;
mod settings_crash;
mod tenant_settings;
