//! The one writer of a stream.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azconnect_core::{Append, Clock, Effect, Error, ErrorKind, Journal, Record, StreamId};
use futures_util::lock::Mutex as AsyncMutex;
use time::OffsetDateTime;

use crate::checkpoint::{self, frozen};
use crate::claim::{Claim, SessionPorts};
use crate::fold::{Folded, fold, look};
use crate::hold::{Hold, taken};
use crate::moment::StreamTime;
use crate::saga::Saga;
use crate::within::within;

/// What has become durable.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Appended<T> {
    /// When, by [`Session::now`]: the time that the journal keeps.
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
/// Every call of the journal and of the lease is given up after [`Claim::call_deadline`].
///
/// # Cancel safety
/// Every future may be dropped. A dropped [`Session::append`] may or may not have been written; the session finds out
/// before its next one. A session that is dropped without [`Session::close`] leaves its lease to run out, as a killed
/// process does.
pub struct Session<S: Saga> {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    call_deadline: Duration,
    stream: StreamId,
    hold: Hold,
    time: StreamTime,
    /// Held across an append: two at once would expect the same position.
    writer: AsyncMutex<Writer>,
    known: Mutex<Folded<Arc<S::State>>>,
}

struct Writer {
    /// Whether an append was sent whose outcome is not known.
    in_doubt: bool,
}

impl<S: Saga> Session<S> {
    /// Takes the lease, then reads: what is read under the lease is the truth until an append says otherwise.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) while another session has the stream; [`Corrupt`](ErrorKind::Corrupt) for a
    /// stream that cannot be folded; [`Timeout`](ErrorKind::Timeout) if a port did not answer; else what the ports say.
    /// The lease is given back after a failure, except where its own answer did not come: then it runs out.
    pub async fn open(ports: &SessionPorts, claim: Claim) -> Result<Self, Error> {
        let (journal, clock, call_deadline) = (ports.journal.clone(), ports.clock.clone(), claim.call_deadline());
        let hold = Hold::acquire(ports, &claim).await?;
        let look = within(&*clock, call_deadline, "the journal's read", look::<S>(&*journal, &claim.stream));
        let known = match hold.guard(look).await.flatten().flatten() {
            Ok(known) => known,
            Err(error) => {
                hold.release().await;
                return Err(error);
            }
        };
        Ok(Self {
            time: StreamTime::new(clock.clone(), known.latest_at),
            journal,
            clock,
            call_deadline,
            stream: claim.stream,
            hold,
            writer: AsyncMutex::new(Writer { in_doubt: false }),
            known: Mutex::new(shared(known)),
        })
    }

    /// What is known now. An append that is under way is not part of it.
    pub fn state(&self) -> Arc<S::State> {
        self.known().state.clone()
    }

    /// What time it is in this stream: the clock's time, but never before the latest entry, nor before the time at which
    /// the session was opened, plus what has passed since. So times in a stream never go back, and what waits for a moment
    /// waits no longer when the machine's clock is set back.
    pub fn now(&self) -> OffsetDateTime {
        self.time.now()
    }

    /// By how much the clock is behind [`Session::now`], if by more than a minute: the clock of this machine is slow or was
    /// set back, or that of the last writer was fast.
    pub fn skew(&self) -> Option<Duration> {
        self.time.skew()
    }

    /// Makes events durable, all or none. They have happened, or may be acted on, only once this has returned.
    ///
    /// A checkpoint is written with them if the stream rests after them, the saga has checkpoints, and the events since the
    /// last one have at least its size: so checkpoints never take more room than events.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt) for an event that cannot follow, and [`Conflict`](ErrorKind::Conflict) after
    /// another process took over: nothing is written then. [`Timeout`](ErrorKind::Timeout) with an unknown effect if the
    /// journal did not answer. Else what the journal says.
    pub async fn append(&self, events: &[S::Event]) -> Result<Appended<S::State>, Error> {
        let mut writer = self.writer.lock().await;
        self.catch_up(&mut writer).await?;
        let at = self.now();
        let (next, append) = self.prepare(events, at)?;
        // Set before and cleared after: if this future is dropped between, the next append looks first.
        writer.in_doubt = true;
        let call = self.journal.append(append);
        let outcome = within(&*self.clock, self.call_deadline, "the journal's append", call).await.flatten();
        writer.in_doubt = outcome.as_ref().is_err_and(leaves_doubt);
        let sequence = outcome.map_err(taken)?;
        let state = Arc::new(next.state);
        *self.known() = Folded { state: state.clone(), sequence, latest_at: Some(at), weight: next.weight };
        self.time.raise(at);
        Ok(Appended { at, state })
    }

    /// What events add up to, and the request to append them.
    fn prepare(&self, events: &[S::Event], at: OffsetDateTime) -> Result<(Folded<S::State>, Append), Error> {
        let known = self.known().clone();
        let expected = known.sequence;
        let mut next = owned(known);
        let mut records = Vec::with_capacity(events.len());
        for event in events {
            next.state = S::evolve(next.state, event, at)?;
            let record = record::<S>(event, at)?;
            next.weight = next.weight.saturating_add(record.payload.len());
            records.push(record);
        }
        let at_rest = S::is_at_rest(&next.state);
        if at_rest
            && !records.is_empty()
            && let Some(text) = frozen::<S>(&next.state).filter(|text| text.len() <= next.weight)
        {
            records.push(Record::checkpoint(checkpoint::KIND, text, at));
            next.weight = 0;
        }
        let append = Append::new(self.stream.clone(), expected, self.hold.epoch(), records).with_at_rest(at_rest);
        Ok((next, append))
    }

    /// Finds out what became of an append whose outcome is not known, if there is one. [`Session::append`] does so
    /// itself; whoever decides by the state after dropping an append does it first.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if another process has written meanwhile; [`Timeout`](ErrorKind::Timeout) if the
    /// journal did not answer; else what the journal says.
    pub async fn settle(&self) -> Result<(), Error> {
        let mut writer = self.writer.lock().await;
        self.catch_up(&mut writer).await
    }

    async fn catch_up(&self, writer: &mut Writer) -> Result<(), Error> {
        if !writer.in_doubt {
            return Ok(());
        }
        let known = self.known().clone();
        let call = self.journal.read(&self.stream, known.sequence);
        let entries = within(&*self.clock, self.call_deadline, "the journal's read", call).await.flatten()?;
        if entries.iter().any(|entry| entry.epoch != self.hold.epoch()) {
            return Err(taken(Error::new(
                ErrorKind::Conflict,
                format!("{}: another process has written", self.stream),
            )));
        }
        let known = fold::<S>(owned(known), &self.stream, &entries)?;
        if let Some(latest_at) = known.latest_at {
            self.time.raise(latest_at);
        }
        *self.known() = shared(known);
        writer.in_doubt = false;
        Ok(())
    }

    /// Does work, and keeps the lease alive however long it and its parts take. If the lease is lost, the work is
    /// dropped. The work may use the session, and guards may be nested or run at once: they share one due time.
    ///
    /// A process that was suspended for longer than the term renews the lease first: until it has, the work is not polled.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if another process has the lease; else why it could not be renewed for the rest
    /// of its term.
    pub async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        self.hold.guard(work).await
    }

    /// Extends the lease now, due or not: a writer that lost it without noticing learns it here, before its next effect.
    /// A renewal that fails is repeated while the term lasts.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) if another process has it; else why it could not be renewed for the rest of its
    /// term.
    pub async fn renew(&self) -> Result<(), Error> {
        self.hold.renew().await
    }

    /// Gives the lease back. If that fails, it runs out by itself.
    pub async fn close(self) {
        self.hold.release().await;
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Folded<Arc<S::State>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether what failed may be in the journal all the same. A stream that is at another position under an epoch of our own
/// has something that we do not know.
fn leaves_doubt(error: &Error) -> bool {
    error.effect() != Effect::None || (error.kind() == ErrorKind::Conflict && error.field() == Some("expected"))
}

fn shared<T>(known: Folded<T>) -> Folded<Arc<T>> {
    let Folded { state, sequence, latest_at, weight } = known;
    Folded { state: Arc::new(state), sequence, latest_at, weight }
}

fn owned<T: Clone>(known: Folded<Arc<T>>) -> Folded<T> {
    let Folded { state, sequence, latest_at, weight } = known;
    Folded { state: T::clone(&state), sequence, latest_at, weight }
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
