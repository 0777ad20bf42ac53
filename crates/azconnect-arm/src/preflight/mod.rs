//! Everything that stands in the way, found at once and before anything is created.

mod action;
mod check;
mod fleet;
mod image;
mod judge;
mod known_sizes;
mod merge;
mod options;
mod place;
mod placement;
mod presence;
mod quota;
mod read;
mod room;
mod standing;
mod validation;

use azconnect_core::Clock;
use azconnect_credential::CheckReport;

pub use action::machine_actions;
pub use check::PreflightCheck;
pub use fleet::preflight_fleet;

use crate::client::Subscription;
use crate::spec::VmSpec;

/// Looks at everything that a machine needs, and returns all checks at once. Nothing is created or changed.
///
/// It signs in first, reads everything else in parallel, and at last has the service check the writes that the provisioning
/// would send, policies included, without carrying them out. What depends on a check that did not pass is
/// [`Skipped`](azconnect_credential::CheckStatus::Skipped).
///
/// What the identity may not read is [`Unknown`](azconnect_credential::CheckStatus::Unknown), not failed: an identity that
/// may act in one resource group only may still succeed. An identity that may not even read its group has no role there, and
/// that fails.
pub async fn preflight(subscription: &Subscription, spec: &VmSpec) -> CheckReport {
    let started = subscription.arm().clock().elapsed();
    let mut facts = read::read(subscription, spec).await;
    if let Ok(facts) = &mut facts {
        facts.validation = validation::ask(subscription, spec, facts).await;
    }
    let report = judge::judge(subscription.id(), spec, &facts);
    let took = Clock::elapsed(&**subscription.arm().clock()).saturating_sub(started);
    tracing::debug!(checks = report.len(), milliseconds = took.as_millis() as u64, "preflight");
    report
}
