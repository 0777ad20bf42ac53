//! Everything that stands in the way, found at once and before anything is created.

mod action;
mod finding;
mod judge;
mod read;

use azconnect_core::Clock;

pub use finding::{Check, Finding, Report, Verdict};

pub(crate) use read::{read_image, read_skus};

use crate::client::Subscription;
use crate::spec::VmSpec;

/// Looks at everything that a machine needs, in parallel and without any effect, and returns all findings at once.
///
/// What the identity may not read is [`Unknown`](Verdict::Unknown), not failed: an identity that may act in one resource
/// group only may still succeed.
pub async fn preflight(subscription: &Subscription, spec: &VmSpec) -> Report {
    let started = subscription.arm().clock().elapsed();
    let facts = read::read(subscription, spec).await;
    let findings = judge::judge(subscription.id(), spec, &facts);
    let took = Clock::elapsed(&**subscription.arm().clock()).saturating_sub(started);
    tracing::debug!(findings = findings.len(), milliseconds = took.as_millis() as u64, "preflight");
    Report::new(findings)
}
