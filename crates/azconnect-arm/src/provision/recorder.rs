//! The journal of one provisioning: its saga, and the observer of its events.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Error, StreamId};
use azconnect_saga::{Claim, Happened, IllegalEvent, Saga, Session, SessionPorts};
use time::OffsetDateTime;

use super::event::ProvisionEvent;
use super::id::ProvisionId;
use super::state::ProvisionState;

/// The caller's function, which is called with every event after it is durable.
pub(super) type Observer = Arc<dyn Fn(&ProvisionEvent) + Send + Sync>;

/// The saga of one machine.
// Without checkpoints: a stream has the few events of one machine, and a new plan begins its state anew.
pub(super) struct ProvisionSaga;

impl Saga for ProvisionSaga {
    type State = ProvisionState;
    type Event = ProvisionEvent;

    fn kind(event: &ProvisionEvent) -> &'static str {
        event.name()
    }

    fn evolve(
        state: ProvisionState,
        event: &ProvisionEvent,
        _: OffsetDateTime,
    ) -> Result<ProvisionState, IllegalEvent> {
        state.evolve(event)
    }

    fn is_at_rest(state: &ProvisionState) -> bool {
        state.is_at_rest()
    }
}

/// The ports and settings that a recorder is opened with.
#[derive(Clone)]
pub(super) struct Ports {
    pub(super) session: SessionPorts,
    pub(super) observer: Option<Observer>,
    pub(super) holder: String,
    pub(super) term: Duration,
}

/// The session of one provisioning. Steps that run at once share it.
pub(super) struct Recorder {
    session: Session<ProvisionSaga>,
    observer: Option<Observer>,
}

/// The journal stream of a provisioning, `provision/NAME`.
pub(super) fn stream(id: &ProvisionId) -> Result<StreamId, Error> {
    StreamId::new(format!("provision/{id}"))
}

/// Reads the state of a provisioning from its journal. Needs no lease.
pub(super) async fn read(ports: &Ports, id: &ProvisionId) -> Result<ProvisionState, Error> {
    let state = azconnect_saga::read::<ProvisionSaga>(&*ports.session.journal, &stream(id)?).await?.state;
    check_own(&state, id)?;
    Ok(state)
}

/// Everything that was recorded of a provisioning, in order.
pub(super) async fn history(ports: &Ports, id: &ProvisionId) -> Result<Vec<Happened<ProvisionEvent>>, Error> {
    azconnect_saga::history::<ProvisionSaga>(&*ports.session.journal, &stream(id)?).await
}

/// Refuses what a journal says about another provisioning than the one that it was read for.
fn check_own(state: &ProvisionState, id: &ProvisionId) -> Result<(), Error> {
    state.plan.as_ref().map_or(Ok(()), |plan| plan.check_read(id))?;
    state.members.ever().try_for_each(|(member, plan)| plan.check_member(member, id))
}

impl Recorder {
    /// Takes the lease and reads the journal. A journal that names what is not its own is refused.
    pub(super) async fn open(ports: &Ports, id: &ProvisionId) -> Result<Self, Error> {
        let claim = Claim::new(stream(id)?)?.with_term(ports.term).with_holder(&ports.holder);
        let session = Session::<ProvisionSaga>::open(&ports.session, claim).await?;
        if let Err(foreign) = check_own(&session.state(), id) {
            session.close().await;
            return Err(foreign);
        }
        Ok(Self { session, observer: ports.observer.clone() })
    }

    /// The state after the last event that is durable.
    pub(super) fn state(&self) -> Arc<ProvisionState> {
        self.session.state()
    }

    /// Makes an event durable. Nothing may be done on the strength of the event before this has returned.
    pub(super) async fn record(&self, event: ProvisionEvent) -> Result<(), Error> {
        self.record_all(std::slice::from_ref(&event)).await
    }

    /// Makes events durable, all or none.
    pub(super) async fn record_all(&self, events: &[ProvisionEvent]) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        self.session.append(events).await?;
        if let Some(observer) = &self.observer {
            events.iter().for_each(|event| observer(event));
        }
        Ok(())
    }

    /// Extends the lease now. A process that was suspended since its last event, and lost the lease without noticing, learns
    /// it here, before its next effect.
    pub(super) async fn renew(&self) -> Result<(), Error> {
        self.session.renew().await
    }

    /// Does work, and renews the lease while it lasts.
    pub(super) async fn guard<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.session.guard(work).await?
    }

    /// Finds out what became of an event whose recording was dropped.
    pub(super) async fn settle(&self) -> Result<(), Error> {
        self.session.settle().await
    }

    /// Gives the lease back. If that fails, it runs out by itself.
    pub(super) async fn close(self) {
        self.session.close().await;
    }
}
