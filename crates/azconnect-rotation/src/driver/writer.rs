//! One writer at work on one subject.

use std::sync::Arc;

use azconnect_core::{Error, ErrorKind, Secret, SecretId};
use azconnect_saga::{Claim, Session};
use uuid::Uuid;

use super::Rotator;
use crate::decide::Action;
use crate::event::RotationEvent;
use crate::plan::RotationPlan;
use crate::saga::RotationSaga;
use crate::state::RotationState;
use crate::target::Target;

/// What the holder of a lease is called, for the person who asks who has it.
const HOLDER: &str = "rotator";

/// Performs actions on one subject, and records what happens.
pub(super) struct Writer<'a> {
    pub(super) rotator: &'a Rotator,
    pub(super) target: &'a Target,
    session: Session<RotationSaga>,
}

impl<'a> Writer<'a> {
    /// Takes the lease, then reads the journal, so that nobody writes in between.
    pub(super) async fn open(rotator: &'a Rotator, target: &'a Target) -> Result<Self, Error> {
        let claim = Claim::new(target.stream()?)?.with_term(rotator.term).with_holder(HOLDER);
        let session = Session::open(&rotator.ports.session(), claim).await?;
        Ok(Self { rotator, target, session })
    }

    /// Gives the lease back. If that fails, it expires by itself.
    pub(super) async fn close(self) {
        self.session.close().await;
    }

    /// What is known of the subject after the last event that was recorded.
    pub(super) fn state(&self) -> Arc<RotationState> {
        self.session.state()
    }

    /// Records events, all or none, and only then takes them as happened.
    pub(super) async fn append(&self, events: Vec<RotationEvent>) -> Result<(), Error> {
        let appended = self.session.append(&events).await?;
        for event in &events {
            self.rotator.observer.recorded(self.target.subject(), event, appended.at, &appended.state);
        }
        Ok(())
    }

    /// Does work while the lease is kept alive. If the lease is lost, the work is dropped.
    pub(super) async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        self.session.guard(work).await
    }

    pub(super) async fn begin(&self, plan: RotationPlan) -> Result<(), Error> {
        let event = RotationEvent::Begun {
            rotation: Uuid::new_v4().to_string(),
            title: plan.title.clone(),
            policy: self.target.policy.clone(),
            sinks: plan.terms(),
            retire: plan.retire(),
            ends_at: plan.ends_at,
        };
        self.append(vec![event]).await
    }

    pub(super) async fn perform(&self, action: Action) -> Result<(), Error> {
        // A writer that lost the lease without noticing stops here, before the effect.
        self.session.renew().await?;
        match action {
            Action::Rest | Action::Wait { .. } => Ok(()),
            Action::Record(event) => self.record(*event).await,
            Action::Mint => self.mint().await,
            Action::Search { marker } => self.search(marker).await,
            Action::Prove => self.prove().await,
            Action::Push { sinks } => self.push(sinks).await,
            Action::Verify { sinks } => self.verify(sinks).await,
            Action::Gate => self.gate().await,
            Action::Remove { key } => self.remove(key).await,
            Action::CheckRemoved { key } => self.check_removed(key).await,
            Action::Forget { key, sealed } => self.forget(key, sealed).await,
            Action::ProveOld { sealed } => self.prove_old(sealed).await,
            Action::Restore { sinks, sealed } => self.restore(sinks, sealed).await,
        }
    }

    /// Opens a sealed secret that the journal says is there.
    pub(super) async fn open_sealed(&self, sealed: &SecretId) -> Result<Secret, Error> {
        self.rotator.ports.secrets.get(sealed).await?.ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, format!("the sealed secret {sealed} is not in the store"))
                .with_advice("restore the store from a backup that is as new as the journal")
        })
    }
}
