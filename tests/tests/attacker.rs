//! Attackers, each with what SECURITY.md says they may hold, against whole flows on SQLite.
#![allow(
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

#[path = "attacker/connection_editor.rs"]
mod connection_editor;
#[path = "attacker/database_writer.rs"]
mod database_writer;
#[path = "attacker/hostile_service.rs"]
mod hostile_service;
#[path = "attacker/noisy_script.rs"]
mod noisy_script;
#[path = "attacker/proxy.rs"]
mod proxy;
#[path = "attacker/site.rs"]
mod site;
#[path = "attacker/wire.rs"]
mod wire;
