//! One writer at work on one subject.

use std::pin::pin;
use std::time::Duration;

use azconnect_core::{Append, Error, ErrorKind, Grant, Secret, SecretId, Sequence, StreamId};
use futures_util::future::{Either, select};
use uuid::Uuid;

use super::Rotator;
use crate::decide::Action;
use crate::event::RotationEvent;
use crate::plan::RotationPlan;
use crate::state::RotationState;
use crate::target::Target;

/// Holds the lease, knows the state, and records what happens.
pub(super) struct Session<'a> {
    pub(super) rotator: &'a Rotator,
    pub(super) target: &'a Target,
    pub(super) state: RotationState,
    stream: StreamId,
    sequence: Sequence,
    grant: Grant,
}

impl<'a> Session<'a> {
    /// Takes the lease, then reads: what is read under the lease is the truth until an append says otherwise.
    pub(super) async fn open(rotator: &'a Rotator, target: &'a Target) -> Result<Self, Error> {
        let lease = &rotator.ports.lease;
        // A name for each session: two runs of one rotator exclude each other like two processes.
        let holder = format!("{}/{}", rotator.holder, Uuid::new_v4());
        let grant = lease.acquire(&target.lease_key()?, &holder, rotator.term).await?;
        let (state, sequence) = match rotator.state(target.subject()).await {
            Ok(read) => read,
            Err(error) => {
                // The read's error says more than the release's.
                let _ = lease.release(&grant).await;
                return Err(error);
            }
        };
        Ok(Self { rotator, target, state, stream: target.stream()?, sequence, grant })
    }

    /// Gives the lease back. If that fails, it expires by itself.
    pub(super) async fn close(self) {
        if let Err(error) = self.rotator.ports.lease.release(&self.grant).await {
            tracing::debug!(%error, "the lease was not released and will expire");
        }
    }

    /// Records events, all or none, and only then takes them as happened.
    pub(super) async fn append(&mut self, events: Vec<RotationEvent>) -> Result<(), Error> {
        let ports = &self.rotator.ports;
        let at = ports.clock.now();
        let mut state = self.state.clone();
        let mut records = Vec::with_capacity(events.len());
        for event in &events {
            state = state.evolve(event, at)?;
            records.push(event.to_record(at)?);
        }
        let append =
            Append::new(self.stream.clone(), self.sequence, self.grant.epoch, records).with_at_rest(state.is_at_rest());
        self.sequence = ports.journal.append(append).await?;
        self.state = state;
        for event in &events {
            self.rotator.observer.recorded(self.target.subject(), event, at, &self.state);
        }
        Ok(())
    }

    /// Does work while the lease is kept alive. If the lease is lost, the work is dropped.
    pub(super) async fn guard<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut work = pin!(work);
        loop {
            let tick = self.rotator.ports.clock.sleep(self.rotator.term / 3);
            match select(work.as_mut(), tick).await {
                Either::Left((outcome, _)) => return outcome,
                Either::Right(_) => self.renew().await?,
            }
        }
    }

    /// Lets time pass while the lease is kept alive.
    pub(super) async fn wait(&mut self, pause: Duration) -> Result<(), Error> {
        let clock = self.rotator.ports.clock.clone();
        self.guard(async {
            clock.sleep(pause).await;
            Ok(())
        })
        .await
    }

    /// Extends the lease, or fails if another process has it.
    pub(super) async fn renew(&mut self) -> Result<(), Error> {
        self.grant = self.rotator.ports.lease.renew(&self.grant, self.rotator.term).await?;
        Ok(())
    }

    pub(super) async fn begin(&mut self, plan: RotationPlan) -> Result<(), Error> {
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

    pub(super) async fn perform(&mut self, action: Action) -> Result<(), Error> {
        // A writer that lost the lease without noticing stops here, before the effect.
        self.renew().await?;
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
