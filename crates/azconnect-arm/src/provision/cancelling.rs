//! A provisioning that is cancelled: what it created goes, and what ran before it stays.

use azconnect_core::{Error, ErrorKind, Retry};
use futures_util::future::{Either, select};

use super::outcome::Provisioned;
use super::plan::ProvisionPlan;
use super::provisioner::{Provisioner, failed_before, planned};
use super::recorder::Recorder;
use super::state::{Phase, ProvisionState};

impl Provisioner {
    /// Builds the machine until `cancel` is done; then deletes what was created. A machine that was there before the call stays,
    /// such as one whose agent is tried again.
    ///
    /// # Errors
    /// As [`Provisioner::run`]; [`Timeout`](ErrorKind::Timeout) if it was cancelled, after the clean-up.
    pub async fn run_until(
        &self,
        plan: &ProvisionPlan,
        cancel: impl Future<Output = ()> + Send,
    ) -> Result<Provisioned, Error> {
        let cancel = std::pin::pin!(cancel);
        let recorder = Recorder::open(&self.ports, &plan.id).await?;
        let stood = self.machine_of(&recorder.state()).is_ok();
        let outcome = {
            let build = std::pin::pin!(self.begin_and_drive(&recorder, plan));
            match select(build, cancel).await {
                Either::Left((outcome, _)) => Some(outcome),
                Either::Right(_) => None,
            }
        };
        // Under the same lease: nobody else may begin between the cancelling and the clean-up.
        let outcome = match outcome {
            Some(outcome) => outcome,
            None if stood => recorder.guard(self.leave(&recorder)).await,
            None => recorder.guard(self.cancel(&recorder)).await,
        };
        recorder.close().await;
        outcome
    }

    /// Deletes what was created so far, and says that it was cancelled.
    async fn cancel(&self, recorder: &Recorder) -> Result<Provisioned, Error> {
        // The building was dropped, perhaps within an append that may have become durable.
        recorder.settle().await?;
        let state = recorder.state();
        if state.phase == Phase::Finished {
            // It ran at that very moment.
            return self.running(recorder, &state).await;
        }
        // Where nothing was journalled, nothing was sent.
        let kept = if state.plan.is_some() { self.tear_down(recorder).await?.kept } else { None };
        let state = recorder.state();
        if state.failure.is_some() {
            // It was being deleted for that reason, which nobody has heard yet.
            return Err(failed_before(&state));
        }
        let rest = kept.map_or_else(
            || "what it created is deleted".to_owned(),
            |kept| format!("what it created is deleted, but {kept}"),
        );
        Err(Error::new(ErrorKind::Timeout, format!("the provisioning was cancelled, and {rest}"))
            .with_retry(Retry::No)
            .with_advice("provision again when it is wanted"))
    }

    /// Leaves a machine as it was before the call that is cancelled.
    async fn leave(&self, recorder: &Recorder) -> Result<Provisioned, Error> {
        recorder.settle().await?;
        let state = recorder.state();
        let is_going = matches!(state.phase, Phase::CleaningUp | Phase::CleanedUp);
        if is_going || (state.phase == Phase::Failed && !state.is_kept()) {
            // It failed within this call, and its specification says that it goes then: that was begun, and is brought to its end.
            return self.cancel(recorder).await;
        }
        if state.phase == Phase::Finished {
            return self.running(recorder, &state).await;
        }
        Err(Error::new(ErrorKind::Timeout, "the provisioning was cancelled, and the machine, which ran before, stays")
            .with_retry(Retry::No)
            .with_advice("resume it to try its agent again, or clean it up"))
    }

    async fn running(&self, recorder: &Recorder, state: &ProvisionState) -> Result<Provisioned, Error> {
        let plan = planned(recorder).await?;
        self.provisioned(&self.site(recorder, &plan)?, state)
    }
}
