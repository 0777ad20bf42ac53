//! The suites of the ports: that the fakes pass them, and that what breaks a promise does not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

mod account_links;
mod agent_probe;
mod arm;
mod binding_flow;
mod bindings;
mod broken;
mod broken_documents;
mod broken_links;
mod choices;
mod clock;
mod connection_checks;
mod connection_keeper;
mod consumer_finder;
mod devops;
mod end_reader;
mod expiry_watch;
mod fakes;
mod federated_credentials;
mod fleets;
mod judged;
mod own_record;
mod refresh_tokens;
mod registration;
mod registrations;
mod rotations;
mod tenant_settings;
mod token_provider;
mod transport;
