//! Every state that `decide` and `evolve` can reach in a small world, whatever is answered, and crashes anywhere.
//!
//! The search is breadth first, so a broken rule comes with a shortest story. Beside the machine's state goes the truth
//! ([`truth`]): which keys live and who holds what. Rules are judged by the truth alone. Time is abstracted: it passes only
//! when the machine waits, or all at once.
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

mod canon;
mod choices;
mod node;
mod people;
mod perform;
mod search;
mod truth;
mod worlds;
