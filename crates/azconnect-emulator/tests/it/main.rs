//! The emulator's wire behaviour, asked for with raw requests: in process and over real HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test"
)]

mod arm;
mod arm_compute;
mod arm_extras;
mod arm_faults;
mod arm_galleries;
mod arm_ipv6;
mod arm_machines;
mod arm_strict;
mod arm_terms;
mod arm_zones;
mod assertions;
mod conformance;
mod devops;
mod devops_access;
mod devops_life;
mod devops_unsent;
mod entra;
mod faults;
mod graph;
mod graph_tenant;
mod harness;
mod people;
mod port;
mod registry;
mod replication;
mod seed_schema;
mod seeds;
mod surface;
mod vaults;
