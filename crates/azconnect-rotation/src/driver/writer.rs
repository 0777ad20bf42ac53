//! One writer at work on one subject.

use std::sync::Arc;

use azconnect_core::{Clock, Error, Secret, SecretId};
use azconnect_credential::{Assessment, Inventory};
use azconnect_saga::{Session, within};
use time::OffsetDateTime;

use super::Rotator;
use crate::decide::{Action, decide, turn_back};
use crate::event::{RemovalCause, RotationEvent};
use crate::moment::later;
use crate::plan::Looked;
use crate::problem::Problem;
use crate::saga::RotationSaga;
use crate::state::{Course, Mint, RotationState};
use crate::target::Target;

/// Performs actions on one subject, and records what happens.
pub(super) struct Writer<'a> {
    pub(super) rotator: &'a Rotator,
    pub(super) target: &'a Target,
    session: Session<RotationSaga>,
}

impl<'a> Writer<'a> {
    /// Takes the lease, then reads the journal, so that nobody writes in between.
    pub(super) async fn open(rotator: &'a Rotator, target: &'a Target) -> Result<Self, Error> {
        let claim = rotator.claim(target.subject())?;
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

    /// The time by which terms are counted. It never goes back behind what was recorded, so that no wait outlasts its term
    /// because a clock was set back.
    pub(super) fn now(&self) -> OffsetDateTime {
        self.session.now()
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.rotator.ports.clock
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

    /// A writer that lost the lease without noticing learns it here, before the effect.
    pub(super) async fn renew(&self) -> Result<(), Error> {
        self.session.renew().await
    }

    /// A call that changes something. It is over before the lease can be, so that nobody else is at work when it arrives.
    pub(super) async fn effect<T>(&self, what: &str, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        within(self.clock(), self.rotator.effect_limit(), what, call).await?
    }

    /// A call that only reads.
    pub(super) async fn read<T>(&self, what: &str, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        within(self.clock(), self.rotator.read_limit(), what, call).await?
    }

    /// A check that says *inconclusive* where it does not come to an end.
    pub(super) async fn check(&self, what: &str, call: impl Future<Output = Assessment>) -> Assessment {
        let answered = self.read(what, async { Ok(call.await) }).await;
        answered.unwrap_or_else(|error| Assessment::inconclusive(&error))
    }

    /// What the issuer lists. Whatever of it carries a marker of ours and is not known is on its way out from here on.
    pub(super) async fn inventory(&self) -> Result<Result<Inventory, Error>, Error> {
        let issuer = self.target.issuer.clone();
        let read = self.read("the issuer's inventory", issuer.inventory()).await;
        if let Ok(inventory) = &read {
            self.retire_strays(inventory).await?;
        }
        Ok(read)
    }

    /// Records that lost secrets are to be removed: a request of a process that was suspended may have arrived late.
    pub(super) async fn retire_strays(&self, inventory: &Inventory) -> Result<(), Error> {
        let state = self.state();
        let strays = inventory.keys.iter().filter_map(|issued| {
            let name = issued.display_name.as_deref().filter(|name| state.is_stray(issued.key, name))?;
            let marker = state.announced.get(name)?.marker.clone();
            let (key, cause, holder) = (issued.key, RemovalCause::Lost, Some(issued.holder));
            Some(RotationEvent::RemovalIntended { key, cause, marker: Some(marker), holder })
        });
        let strays: Vec<_> = strays.collect();
        if strays.is_empty() { Ok(()) } else { self.append(strays).await }
    }

    pub(super) async fn begin(&self, looked: &Looked) -> Result<(), Error> {
        let plan = &looked.plan;
        let event = RotationEvent::Begun {
            rotation: (self.rotator.ids)().to_string(),
            title: plan.title.clone(),
            policy: self.target.policy.clone(),
            sinks: plan.terms(),
            retire: plan.retire(),
            // By the time that the event carries, which is ahead of a clock that was set back.
            ends_at: later(self.now(), looked.lifetime),
            holders: plan.holders(&looked.inventory),
            without_consumers: self.target.without_consumers,
        };
        self.append(vec![event]).await
    }

    /// Does what is to be done next.
    pub(super) async fn perform(&self) -> Result<(), Error> {
        self.renew().await?;
        // Decided only here: renewing took time, this process may have been suspended, and what was right before may be right
        // no longer. It is not compared with an earlier decision, which differs by the time alone that an event names.
        match decide(&self.state(), self.now()) {
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
            Action::GateBack { sealed } => self.gate_back(sealed).await,
        }
    }

    /// Opens a sealed secret that the journal says is there. If it is not, that is recorded: the rotation turns back, or a
    /// person is needed.
    pub(super) async fn open_sealed(&self, sealed: &SecretId) -> Result<Option<Secret>, Error> {
        if let Some(secret) = self.read("the secret store", self.rotator.ports.secrets.get(sealed)).await? {
            return Ok(Some(secret));
        }
        let problem = Problem::lasting(
            format!("the sealed secret {sealed} is not in the store"),
            "restore the store from a backup that is as new as the journal, or abandon this rotation",
        );
        let state = self.state();
        let event = state.rotation.as_ref().and_then(|rotation| match (&rotation.course, &rotation.mint) {
            (Course::Forward, Mint::Sealed(_)) => Some(turn_back(&state, rotation, &problem, self.now())),
            (Course::Blocked { .. }, _) => None,
            _ => Some(RotationEvent::Blocked { problem }),
        });
        match event {
            Some(event) => self.append(vec![event]).await.map(|()| None),
            None => Ok(None),
        }
    }
}
