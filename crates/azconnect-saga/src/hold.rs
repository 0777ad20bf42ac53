//! A lease that is held: renewed by elapsed time, whoever waits for what meanwhile.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use azconnect_core::{Clock, Effect, Epoch, Error, ErrorKind, Grant, Lease, Retry};
use uuid::Uuid;

use crate::claim::{Claim, SessionPorts};
use crate::within::within;

/// The part of the term after which the lease is renewed: two more renewals may fail before it ends.
const RENEWALS_A_TERM: u32 = 3;

/// The part of the term after which a failed renewal is repeated.
const ATTEMPTS_A_TERM: u32 = 12;

/// The shortest pause between two renewals, however short the term: without one, a lease that answers at once would be
/// renewed for ever within one poll.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// A lease that is held.
pub(crate) struct Hold {
    lease: Arc<dyn Lease>,
    clock: Arc<dyn Clock>,
    term: Duration,
    call_deadline: Duration,
    // Kept here and not in a timer of each wait: many short waits in a row must not put the renewal off.
    held: Mutex<Held>,
}

struct Held {
    grant: Grant,
    /// When it was last renewed, by [`Clock::elapsed`].
    renewed_at: Duration,
}

impl Hold {
    /// Takes the lease under a name that nobody else has.
    pub(crate) async fn acquire(ports: &SessionPorts, claim: &Claim) -> Result<Self, Error> {
        let holder = format!("{}/{}", claim.holder, Uuid::new_v4());
        let (lease, clock, term, call_deadline) =
            (ports.lease.clone(), ports.clock.clone(), claim.term, claim.call_deadline());
        // Read before the request: the term runs from when the lease was given, at the earliest now.
        let renewed_at = clock.elapsed();
        let request = lease.acquire(&claim.key, &holder, term);
        let grant = within(&*clock, call_deadline, "the request for the lease", request).await?.map_err(taken)?;
        Ok(Self { lease, clock, term, call_deadline, held: Mutex::new(Held { grant, renewed_at }) })
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.with(|held| held.grant.epoch)
    }

    /// Does work and keeps the lease meanwhile. Work that the lease does not outlast is dropped.
    pub(crate) async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        let (mut keep, mut work) = (pin!(self.keep()), pin!(work));
        // Both are polled at once: a renewal that waited for the work, or the work for it, might wait for ever. The
        // exception is a lease whose term has passed, as in a process that was suspended: until it is known to be ours,
        // the work must not go on. That wait ends, since a renewal does.
        poll_fn(|context| match keep.as_mut().poll(context) {
            Poll::Ready(lost) => Poll::Ready(Err(lost)),
            Poll::Pending if self.rest_of(self.term).is_zero() => Poll::Pending,
            Poll::Pending => work.as_mut().poll(context).map(Ok),
        })
        .await
    }

    /// Renews whenever it is due. Returns only when the lease is lost, and why.
    async fn keep(&self) -> Error {
        loop {
            let due = self.rest_of((self.term / RENEWALS_A_TERM).max(SHORTEST_PAUSE));
            if !due.is_zero() {
                self.clock.sleep(due).await;
                // Renewed by another wait of the same session meanwhile, perhaps.
                continue;
            }
            if let Err(lost) = self.renew().await {
                return lost;
            }
        }
    }

    /// Extends the lease now: tries again and again while the term lasts.
    pub(crate) async fn renew(&self) -> Result<(), Error> {
        let shortest = (self.term / ATTEMPTS_A_TERM).max(SHORTEST_PAUSE);
        loop {
            let patience = match self.rest_of(self.term) {
                // Who wakes after the term may ask all the same: a lease that nobody took is renewed.
                rest if rest.is_zero() => shortest,
                // Half of what is left: a renewal that is never answered leaves time for another.
                rest => (rest / 2).max(shortest).min(rest),
            };
            let patience = patience.min(self.call_deadline);
            let Err(error) = self.renew_once(patience).await else {
                return Ok(());
            };
            let pause = match error.retry() {
                Retry::After(asked) => asked.max(shortest),
                _ => shortest,
            };
            if error.kind() == ErrorKind::Conflict || pause >= self.rest_of(self.term) {
                return Err(error);
            }
            tracing::debug!(%error, "the lease was not renewed; it is tried again");
            self.clock.sleep(pause).await;
        }
    }

    async fn renew_once(&self, patience: Duration) -> Result<(), Error> {
        let grant = self.with(|held| held.grant.clone());
        let asked_at = self.clock.elapsed();
        let renewal = self.lease.renew(&grant, self.term);
        let grant = within(&*self.clock, patience, "the renewal of the lease", renewal).await?.map_err(taken)?;
        self.with(|held| *held = Held { grant, renewed_at: held.renewed_at.max(asked_at) });
        Ok(())
    }

    /// Gives the lease back. If that fails, or is not answered, it runs out by itself.
    pub(crate) async fn release(&self) {
        let grant = self.with(|held| held.grant.clone());
        // There is no use in waiting for longer than the lease lasts.
        let patience = self.rest_of(self.term).max(SHORTEST_PAUSE).min(self.call_deadline);
        let release = self.lease.release(&grant);
        let released = within(&*self.clock, patience, "the lease's release", release).await;
        if let Err(error) = released.and_then(|answer| answer) {
            tracing::debug!(%error, "the lease was not given back and will run out");
        }
    }

    /// What is left of a span that began with the last renewal.
    fn rest_of(&self, span: Duration) -> Duration {
        let renewed_at = self.with(|held| held.renewed_at);
        renewed_at.saturating_add(span).saturating_sub(self.clock.elapsed())
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Held) -> T) -> T {
        use_it(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Says what to do about a stream that another process has.
pub(crate) fn taken(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Conflict => error
            .with_effect(Effect::None)
            .with_advice("another process works on this: leave it to that one, or resume when its lease has run out"),
        _ => error,
    }
}
