//! Shared parts of the cross-crate tests: Contoso on the emulator, processes that die, the judge of
//! the invariants, the simulation of whole worlds, the module graphs of crates, and an allocator that looks at what is freed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "parts of tests")]

pub mod certified;
pub mod contoso;
pub mod deadly;
pub mod judge;
pub mod modules;
pub mod mutants;
pub mod setting_up;
pub mod watched;
pub mod worlds;

/// The examples of the front page compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
