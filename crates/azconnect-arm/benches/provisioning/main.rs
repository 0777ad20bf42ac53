//! What a provisioning costs: how late its end is noticed in virtual time, several machines at once, requests and computing over
//! real TCP; and what a long list of sizes costs in memory.
//!
//! Run with `cargo bench -p azconnect-arm`. It prints numbers and asserts nothing. `docs/performance.md` says what they mean.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

mod fleets;
mod site;
mod sizes;
mod waiting;
mod wall;

fn main() {
    // `cargo test` runs benchmarks with this argument: there is nothing to test.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = |paused| {
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build().expect("a runtime")
    };
    runtime(true).block_on(waiting::waiting());
    runtime(true).block_on(fleets::fleets());
    runtime(false).block_on(wall::wall());
    runtime(false).block_on(sizes::sizes());
}
