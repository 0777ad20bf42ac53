//! The emulator's wire behaviour, asked for with raw requests: in process and over real HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test"
)]

mod admin_consent;
mod arm;
mod arm_budgets;
mod arm_compute;
mod arm_extras;
mod arm_faults;
mod arm_galleries;
mod arm_ipv6;
mod arm_machines;
mod arm_roles;
mod arm_strict;
mod arm_terms;
mod arm_zones;
mod assertions;
mod conformance;
mod device_code;
mod devops;
mod devops_access;
mod devops_life;
mod devops_outcomes;
mod devops_strict;
mod devops_unsent;
mod entra;
mod faults;
mod graph;
mod graph_history;
mod graph_keys;
mod graph_outcomes;
mod graph_strict;
mod graph_tenant;
mod graph_throttle;
mod harness;
mod login_limits;
mod login_pages;
mod on_behalf_of;
mod people;
mod port;
mod redeem_code;
mod refresh;
mod registry;
mod replication;
mod seed_schema;
mod seeds;
mod signing_in;
mod surface;
mod user_sign_in;
mod vaults;
