//! A fleet that is stopped while it is built: what runs stays, and nothing else is left.

use azconnect_core::{Effect, Error, ErrorKind, Retry};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, Shared, select};

use super::{Fleet, FleetMachine, FleetOutcome};
use crate::provision::event::ProvisionEvent;
use crate::provision::outcome::Provisioned;
use crate::provision::plan::ProvisionPlan;
use crate::provision::provisioner::Provisioner;
use crate::provision::recorder::Recorder;
use crate::provision::state::Phase;

/// The moment at which every part of a fleet stops being built.
pub(super) type Stop<'a> = Shared<BoxFuture<'a, ()>>;

pub(super) fn is_over(stop: &Stop<'_>) -> bool {
    stop.clone().now_or_never().is_some()
}

/// Builds a machine until the stop. One that is not there by then is not begun.
pub(super) async fn build(
    provisioner: &Provisioner,
    machine: &ProvisionPlan,
    stop: Stop<'_>,
) -> Result<Provisioned, Error> {
    if is_over(&stop) && matches!(provisioner.state(&machine.id).await?.phase, Phase::Empty | Phase::CleanedUp) {
        return Err(stopped("it was not begun before the fleet was stopped", Effect::None));
    }
    provisioner.run_until(machine, stop).await
}

fn stopped(message: &str, effect: Effect) -> Error {
    Error::new(ErrorKind::Timeout, message)
        .with_effect(effect)
        .with_retry(Retry::No)
        .with_advice("run the fleet again when it is wanted")
}

/// A machine that could not be deleted, so that what the fleet shares stays as well.
pub(super) fn still_there(error: Error) -> Error {
    let advice = format!("{}; then clean the fleet up again", error.advice());
    error.with_advice(advice)
}

impl Fleet {
    /// Builds the foundation until the stop. `false`: it was stopped before. A foundation that stood before the call stands.
    pub(super) async fn lay_foundation_until(&self, recorder: &Recorder, stop: Stop<'_>) -> Result<bool, Error> {
        if recorder.state().phase == Phase::Finished {
            self.lay_foundation(recorder).await?;
            return Ok(true);
        }
        let lay = std::pin::pin!(self.lay_foundation(recorder));
        match select(lay, stop).await {
            Either::Left((laid, _)) => laid.map(|()| true),
            Either::Right(_) => Ok(false),
        }
    }

    /// Deletes everything of a fleet that has no machine, and says that it was stopped.
    pub(super) async fn give_up(&self, recorder: &Recorder) -> Result<FleetOutcome, Error> {
        // The building was dropped, perhaps within an append that may have become durable.
        recorder.settle().await?;
        let gone = self.delete_all(recorder).await?;
        if let Some(error) = gone.machines.into_iter().find_map(|machine| machine.outcome.err()) {
            return Err(still_there(error));
        }
        let rest = match gone.foundation.and_then(|foundation| foundation.kept) {
            None => "what it created is deleted".to_owned(),
            Some(kept) => format!("what it created is deleted, but {kept}"),
        };
        Err(stopped(&format!("the fleet was stopped before it had a machine, and {rest}"), Effect::Unknown))
    }

    /// Journals that machines which were stopped, and of which nothing is left, are none of the fleet's, so that nobody builds
    /// them who only resumes it.
    pub(super) async fn let_go(
        &self,
        recorder: &Recorder,
        machines: &[FleetMachine<Provisioned>],
    ) -> Result<(), Error> {
        let mut gone = Vec::new();
        for machine in machines.iter().filter(|machine| machine.outcome.is_err()) {
            let own = self.provisioner.state(&machine.id).await?;
            // One that had failed by itself stays on the list with its failure.
            if matches!(own.phase, Phase::Empty | Phase::CleanedUp) && own.failure.is_none() {
                gone.push(ProvisionEvent::MemberRemoved { member: machine.id.clone() });
            }
        }
        recorder.record_all(&gone).await
    }
}
