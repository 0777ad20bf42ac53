//! What a suite says about an implementation that breaks a promise.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

/// What a suite says about an implementation that must not pass.
pub(crate) async fn verdict(suite: impl Future<Output = ()>) -> String {
    let caught = AssertUnwindSafe(suite).catch_unwind().await.expect_err("a broken implementation passed");
    *caught.downcast::<String>().expect("a message")
}

/// Fails unless a suite names exactly these behaviours.
#[track_caller]
pub(crate) fn named(message: &str, behaviours: &[&str]) {
    let found: Vec<_> =
        message.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(": ")).map(|(name, _)| name).collect();
    assert_eq!(found, behaviours, "{message}");
}
