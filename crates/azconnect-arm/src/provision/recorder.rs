//! Writes events to the journal, one after another, under a lease.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Append, Clock, Error, ErrorKind, Grant, Journal, Lease, LeaseKey, Record, Sequence, StreamId};
use futures_util::future::{Either, select};
use futures_util::lock::Mutex;

use super::event::ProvisionEvent;
use super::id::ProvisionId;
use super::state::ProvisionState;

/// For how long the lease is taken at a time.
const TERM: Duration = Duration::from_secs(300);

/// Hears every event after it is durable.
pub(super) type Observer = Arc<dyn Fn(&ProvisionEvent) + Send + Sync>;

/// The journal of one provisioning, held under a lease.
pub(super) struct Recorder {
    journal: Arc<dyn Journal>,
    lease: Arc<dyn Lease>,
    clock: Arc<dyn Clock>,
    observer: Option<Observer>,
    stream: StreamId,
    inner: Mutex<Inner>,
}

struct Inner {
    grant: Grant,
    sequence: Sequence,
    state: ProvisionState,
}

/// What a recorder is made of.
#[derive(Clone)]
pub(super) struct Ports {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) lease: Arc<dyn Lease>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Option<Observer>,
    pub(super) holder: String,
}

/// The stream of a provisioning.
pub(super) fn stream(id: &ProvisionId) -> Result<StreamId, Error> {
    StreamId::new(format!("provision/{id}"))
}

/// The state of a provisioning, and the position it was read at.
pub(super) async fn read(journal: &dyn Journal, stream: &StreamId) -> Result<(ProvisionState, Sequence), Error> {
    let entries = journal.read(stream, Sequence::START).await?;
    let mut state = ProvisionState::default();
    let mut sequence = Sequence::START;
    for entry in &entries {
        let event: ProvisionEvent = serde_json::from_str(&entry.record.payload).map_err(|_| {
            Error::new(ErrorKind::Corrupt, format!("entry {} of {stream} cannot be read", entry.sequence.0))
                .with_advice(
                    "it was written by another version, or is damaged: restore the journal, or use that version",
                )
        })?;
        state.evolve(&event);
        sequence = entry.sequence;
    }
    Ok((state, sequence))
}

impl Recorder {
    /// Takes the lease and reads the journal.
    pub(super) async fn open(ports: Ports, id: &ProvisionId) -> Result<Self, Error> {
        let stream = stream(id)?;
        let key = LeaseKey::new(stream.as_str())?;
        let grant = ports.lease.acquire(&key, &ports.holder, TERM).await?;
        let (state, sequence) = read(&*ports.journal, &stream).await?;
        let inner = Mutex::new(Inner { grant, sequence, state });
        let Ports { journal, lease, clock, observer, .. } = ports;
        Ok(Self { journal, lease, clock, observer, stream, inner })
    }

    /// Where the provisioning stands.
    pub(super) async fn state(&self) -> ProvisionState {
        self.inner.lock().await.state.clone()
    }

    /// Makes an event durable. It happened, or is about to, only once this has returned.
    pub(super) async fn record(&self, event: ProvisionEvent) -> Result<(), Error> {
        let payload = serde_json::to_string(&event)
            .map_err(|_| Error::new(ErrorKind::Unexpected, "an event cannot be written as JSON"))?;
        let mut inner = self.inner.lock().await;
        let record = Record::new(event.name(), payload, self.clock.now());
        let append = Append::new(self.stream.clone(), inner.sequence, inner.grant.epoch, vec![record])
            .with_at_rest(inner.state.rests_after(&event));
        inner.sequence = self.journal.append(append).await.map_err(|error| match error.kind() {
            ErrorKind::Conflict => {
                error.with_advice("another process works on this provisioning: leave it to that one, or resume later")
            }
            _ => error,
        })?;
        inner.state.evolve(&event);
        drop(inner);
        if let Some(observer) = &self.observer {
            observer(&event);
        }
        Ok(())
    }

    /// Does work, and keeps the lease while it lasts.
    pub(super) async fn holding<T>(&self, work: impl Future<Output = T> + Send) -> Result<T, Error> {
        let mut work = std::pin::pin!(work);
        loop {
            let pause = self.clock.sleep(TERM / 3);
            match select(work.as_mut(), pause).await {
                Either::Left((outcome, _)) => return Ok(outcome),
                Either::Right(_) => {
                    let grant = self.inner.lock().await.grant.clone();
                    let renewed = self.lease.renew(&grant, TERM).await?;
                    self.inner.lock().await.grant = renewed;
                }
            }
        }
    }

    /// Gives the lease back. If that fails, it runs out by itself.
    pub(super) async fn close(&self) {
        let grant = self.inner.lock().await.grant.clone();
        if let Err(error) = self.lease.release(&grant).await {
            tracing::debug!(%error, "the lease was not given back and will run out");
        }
    }
}
