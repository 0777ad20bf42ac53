//! What every [`AgentProbe`] must do.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_arm::provision::{AgentProbe, ProbeTarget, Probed};
use azconnect_core::Error;

use super::report::{CaseResult, Failure, Report, ensure};

/// How far the agent of a machine has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentState {
    /// It is being installed, or has not been asked to start.
    Starting,
    /// It answers that it is online.
    Online,
    /// Its installation ended with an error, and is not tried again.
    Failed,
}

/// A probe under test, and a machine whose agent the test controls.
#[async_trait]
pub trait AgentProbeHarness: Send + Sync {
    /// The probe under test.
    fn probe(&self) -> Arc<dyn AgentProbe>;

    /// The machine whose agent [`bring`](Self::bring) controls, as the probe is told of it.
    fn target(&self) -> ProbeTarget;

    /// Brings the agent into a state. It is starting at first.
    async fn bring(&self, state: AgentState);

    /// Whether the probe can tell an installation that failed from one that goes on.
    fn sees_failure(&self) -> bool;

    /// Waits as long as a product waits between two looks: a look may leave something in the machine that has to go first.
    async fn pause(&self);

    /// Breaks every way from the probe to the machine from now on.
    async fn disconnect(&self);
}

/// Checks every behaviour, each on a harness of its own.
///
/// # Panics
/// If any behaviour does not hold, naming all that do not.
pub async fn all<H: AgentProbeHarness>(make: impl AsyncFn() -> H) {
    let mut report = Report::new("AgentProbe");
    report.add("an agent that starts is not online yet, and why is said", waits(&make().await).await);
    report.add("an agent that is online is found each time", finds(&make().await).await);
    report.add("an agent that comes online is found by the next look", notices(&make().await).await);
    report.add("a failed agent is never online", fails(&make().await).await);
    report.add("a machine out of reach proves nothing", proves_nothing(&make().await).await);
    report.finish();
}

async fn waits(harness: &impl AgentProbeHarness) -> CaseResult {
    for _ in 0..2 {
        not_yet(look(harness).await)?;
    }
    Ok(())
}

async fn finds(harness: &impl AgentProbeHarness) -> CaseResult {
    harness.bring(AgentState::Online).await;
    for _ in 0..2 {
        online(look(harness).await)?;
    }
    Ok(())
}

async fn notices(harness: &impl AgentProbeHarness) -> CaseResult {
    not_yet(look(harness).await)?;
    harness.bring(AgentState::Online).await;
    online(look(harness).await)
}

async fn fails(harness: &impl AgentProbeHarness) -> CaseResult {
    harness.bring(AgentState::Failed).await;
    for _ in 0..2 {
        match look(harness).await {
            Ok(Probed::Failed(failure)) => {
                let reason = failure.to_string();
                ensure(!reason.trim().is_empty(), "why the agent failed is not said")?;
                let shown = format!("{reason} {failure:?}");
                let output = failure.output().trim();
                ensure(output.is_empty() || !shown.contains(output), "the output is shown where nobody asked for it")?;
            }
            other if harness.sees_failure() => return Err(Failure::new(format!("wanted Failed: {other:?}"))),
            other => not_yet(other)?,
        }
    }
    Ok(())
}

async fn proves_nothing(harness: &impl AgentProbeHarness) -> CaseResult {
    // Online, so that a probe which answers without reaching the machine is caught.
    harness.bring(AgentState::Online).await;
    harness.disconnect().await;
    not_yet(look(harness).await)
}

async fn look(harness: &impl AgentProbeHarness) -> Result<Probed, Error> {
    harness.pause().await;
    harness.probe().probe(&harness.target()).await
}

fn online(found: Result<Probed, Error>) -> CaseResult {
    ensure(matches!(found, Ok(Probed::Online)), format!("wanted Online: {found:?}"))
}

/// An error counts as *not yet* as well.
fn not_yet(found: Result<Probed, Error>) -> CaseResult {
    match found {
        Ok(Probed::NotYet(why)) => ensure(!why.trim().is_empty(), "why it is not online is not said"),
        Err(_) => Ok(()),
        other => Err(Failure::new(format!("wanted NotYet or an error: {other:?}"))),
    }
}
