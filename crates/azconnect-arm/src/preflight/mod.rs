//! Everything that stands in the way, found at once and before anything is created.

mod action;
mod check;
mod judge;
mod options;
mod read;

use azconnect_core::Clock;
use azconnect_credential::CheckReport;

pub use check::PreflightCheck;

pub(crate) use read::{read_image, read_skus};

use crate::client::Subscription;
use crate::spec::VmSpec;

/// Looks at everything that a machine needs, in parallel and without any effect, and returns all checks at once.
///
/// What the identity may not read is [`Unknown`](azconnect_credential::CheckStatus::Unknown), not failed: an identity that
/// may act in one resource group only may still succeed.
pub async fn preflight(subscription: &Subscription, spec: &VmSpec) -> CheckReport {
    let started = subscription.arm().clock().elapsed();
    let facts = read::read(subscription, spec).await;
    let report = judge::judge(subscription.id(), spec, &facts);
    let took = Clock::elapsed(&**subscription.arm().clock()).saturating_sub(started);
    tracing::debug!(checks = report.len(), milliseconds = took.as_millis() as u64, "preflight");
    report
}
