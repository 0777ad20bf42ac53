//! The crate against the emulator, scripted servers and OpenSSH.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

mod addresses;
mod agent;
mod any;
mod cancelled;
mod choices;
mod client;
mod contract;
mod crash;
mod disks;
mod echo;
mod fleet;
mod fleet_belonging;
mod fleet_crash;
mod fleet_disks;
mod fleet_plan;
mod fleet_stop;
mod forged;
mod golden;
mod ipv6;
mod keys;
mod lease;
mod lists;
mod logging;
mod names;
mod network;
mod options;
mod output;
mod own_images;
mod ports;
mod preflight;
mod preflight_fleet;
mod preflight_network;
mod preflight_placement;
mod preflight_policy;
mod preflight_presence;
mod preflight_standing;
mod probe;
mod provision;
mod registration;
mod role_grace;
mod roles;
mod service_text;
mod skus;
mod slow_key;
mod stage;
mod successor;
mod terms;
mod times;
mod windows;
