//! A world small enough to try everything in it: one application, two consumers, and one or two things that go wrong, at
//! every call of every port.
//!
//! The real rotator works on the testkit's directory. [`judge`] keeps its own record of who holds what and who removed
//! what, and never looks at what the machine believes.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a test"
)]

mod everything;
mod judge;
mod luck;
mod play;
mod ports;
mod world;
