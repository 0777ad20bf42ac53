//! The one writer of a stream.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use azconnect_core::{Append, Clock, Effect, Error, ErrorKind, Journal, Record, Sequence, StreamId};
use futures_util::future::{Either, select};
use futures_util::lock::Mutex as AsyncMutex;
use time::OffsetDateTime;

use crate::claim::{Claim, SessionPorts};
use crate::fold::{Snapshot, fold, read};
use crate::hold::{Hold, taken};
use crate::saga::Saga;

/// What has become durable.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Appended<T> {
    /// When, by the session's clock: the time that the journal keeps.
    pub at: OffsetDateTime,
    /// The state after it.
    pub state: Arc<T>,
}

/// The one writer of a stream, under a lease. Its methods take `&self`: steps that run at once may share one session.
///
/// Poll all of them until they end, as `join_all` does. A step that is left unpolled in the middle of an append, as in a
/// `FuturesUnordered` whose results are appended in the loop over it, keeps every other append waiting for ever: such steps
/// return their events, and the loop appends them.
///
/// # Cancel safety
/// Every future may be dropped. A dropped [`Session::append`] may or may not have been written; the session finds out
/// before its next one. A session that is dropped without [`Session::close`] leaves its lease to run out, as a killed
/// process does.
pub struct Session<S: Saga> {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    stream: StreamId,
    hold: Hold,
    /// Held across an append: two at once would expect the same position.
    writer: AsyncMutex<Writer>,
    known: Mutex<Known<S::State>>,
}

struct Writer {
    /// Whether an append was sent whose outcome is not known.
    in_doubt: bool,
}

struct Known<T> {
    state: Arc<T>,
    sequence: Sequence,
}

impl<S: Saga> Session<S> {
    /// Takes the lease, then reads: what is read under the lease is the truth until an append says otherwise.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) while another session has the stream; [`Corrupt`](ErrorKind::Corrupt) for a
    /// stream that cannot be folded; else what the ports say. The lease is given back after a failure.
    pub async fn open(ports: &SessionPorts, claim: Claim) -> Result<Self, Error> {
        let hold = Hold::acquire(ports, &claim).await?;
        let Snapshot { state, sequence } = match read::<S>(&*ports.journal, &claim.stream).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                hold.release().await;
                return Err(error);
            }
        };
        Ok(Self {
            journal: ports.journal.clone(),
            clock: ports.clock.clone(),
            stream: claim.stream,
            hold,
            writer: AsyncMutex::new(Writer { in_doubt: false }),
            known: Mutex::new(Known { state: Arc::new(state), sequence }),
        })
    }

    /// What is known now. An append that is under way is not part of it.
    pub fn state(&self) -> Arc<S::State> {
        self.known().state.clone()
    }

    /// Makes events durable, all or none. They have happened, or may be acted on, only once this has returned.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) for an event that cannot follow, and [`Conflict`](ErrorKind::Conflict) after
    /// another process took over: nothing is written then. Else what the journal says.
    pub async fn append(&self, events: &[S::Event]) -> Result<Appended<S::State>, Error> {
        let mut writer = self.writer.lock().await;
        self.catch_up(&mut writer).await?;
        let at = self.clock.now();
        let (mut state, expected) = {
            let known = self.known();
            (S::State::clone(&known.state), known.sequence)
        };
        let mut records = Vec::with_capacity(events.len());
        for event in events {
            state = S::evolve(state, event, at)?;
            records.push(record::<S>(event, at)?);
        }
        let append =
            Append::new(self.stream.clone(), expected, self.hold.epoch(), records).with_at_rest(S::is_at_rest(&state));
        // Set before and cleared after: if this future is dropped between, the next append looks first.
        writer.in_doubt = true;
        let outcome = self.journal.append(append).await;
        writer.in_doubt = outcome.as_ref().is_err_and(|error| error.effect() != Effect::None);
        let sequence = outcome.map_err(taken)?;
        let state = Arc::new(state);
        *self.known() = Known { state: state.clone(), sequence };
        Ok(Appended { at, state })
    }

    /// Finds out what became of an append whose outcome is not known, if there is one. [`Session::append`] does so
    /// itself; whoever decides by the state after dropping an append does it first.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if another process has written meanwhile; else what the journal says.
    pub async fn settle(&self) -> Result<(), Error> {
        let mut writer = self.writer.lock().await;
        self.catch_up(&mut writer).await
    }

    async fn catch_up(&self, writer: &mut Writer) -> Result<(), Error> {
        if !writer.in_doubt {
            return Ok(());
        }
        let (state, sequence) = {
            let known = self.known();
            (S::State::clone(&known.state), known.sequence)
        };
        let entries = self.journal.read(&self.stream, sequence).await?;
        if entries.iter().any(|entry| entry.epoch != self.hold.epoch()) {
            return Err(taken(Error::new(
                ErrorKind::Conflict,
                format!("{}: another process has written", self.stream),
            )));
        }
        let Snapshot { state, sequence } = fold::<S>(Snapshot { state, sequence }, &self.stream, &entries)?;
        *self.known() = Known { state: Arc::new(state), sequence };
        writer.in_doubt = false;
        Ok(())
    }

    /// Does work, and keeps the lease alive however long it and its parts take. If the lease is lost, the work is
    /// dropped. The work may use the session, and guards may be nested or run at once: they share one due time.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if another process has the lease; else why it could not be renewed for the rest
    /// of its term.
    pub async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        // Both are polled at once: a renewal that waited for the work, or the work for it, might wait for ever.
        match select(pin!(work), pin!(self.hold.keep())).await {
            Either::Left((outcome, _)) => Ok(outcome),
            Either::Right((lost, _)) => Err(lost),
        }
    }

    /// Extends the lease now, due or not: a writer that lost it without noticing learns it here, before its next effect.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if another process has it; else what the port says.
    pub async fn renew(&self) -> Result<(), Error> {
        self.hold.renew().await
    }

    /// Gives the lease back. If that fails, it runs out by itself.
    pub async fn close(self) {
        self.hold.release().await;
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known<S::State>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn record<S: Saga>(event: &S::Event, at: OffsetDateTime) -> Result<Record, Error> {
    let payload = serde_json::to_string(event).map_err(|_| {
        Error::new(ErrorKind::Unexpected, format!("the event {} cannot be written as JSON", S::kind(event)))
            .with_effect(Effect::None)
    })?;
    Ok(Record::new(S::kind(event), payload, at))
}

impl<S: Saga> fmt::Debug for Session<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("stream", &self.stream).finish_non_exhaustive()
    }
}
