//! Setups on the testkit's customer: the suite, and every call that fails once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod conformance;
mod faults;
