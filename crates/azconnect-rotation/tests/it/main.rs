//! The rotation's tests beyond one file.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

mod adversary;
mod crash;
mod destination;
mod driver;
mod endings;
mod forged;
mod golden;
mod guards;
mod hostile_times;
mod illegal;
mod lease;
mod model;
mod moving_clock;
mod port;
mod promises;
mod spawn;
mod stage;
mod tale;
mod way_back;
