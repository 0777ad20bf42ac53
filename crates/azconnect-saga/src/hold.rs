//! A lease that is held: renewed by elapsed time, whoever waits for what meanwhile.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azconnect_core::{Clock, Effect, Epoch, Error, ErrorKind, Grant, Lease, Retry};
use futures_util::future::{Either, select};
use uuid::Uuid;

use crate::claim::{Claim, SessionPorts};

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
        // Read before the request: the term runs from when the lease was given, at the earliest now.
        let renewed_at = ports.clock.elapsed();
        let grant = ports.lease.acquire(&claim.key, &holder, claim.term).await.map_err(taken)?;
        let (lease, clock) = (ports.lease.clone(), ports.clock.clone());
        Ok(Self { lease, clock, term: claim.term, held: Mutex::new(Held { grant, renewed_at }) })
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.with(|held| held.grant.epoch)
    }

    /// Extends the lease, once.
    pub(crate) async fn renew(&self) -> Result<(), Error> {
        let grant = self.with(|held| held.grant.clone());
        let asked_at = self.clock.elapsed();
        let grant = self.lease.renew(&grant, self.term).await.map_err(taken)?;
        self.with(|held| *held = Held { grant, renewed_at: held.renewed_at.max(asked_at) });
        Ok(())
    }

    /// Renews whenever it is due. Returns only when the lease is lost, and why.
    pub(crate) async fn keep(&self) -> Error {
        loop {
            let due = self.rest_of((self.term / RENEWALS_A_TERM).max(SHORTEST_PAUSE));
            if !due.is_zero() {
                self.clock.sleep(due).await;
                // Renewed by another wait of the same session meanwhile, perhaps.
                continue;
            }
            if let Err(lost) = self.renew_within_the_term().await {
                return lost;
            }
        }
    }

    /// Renews, again and again while the term lasts.
    async fn renew_within_the_term(&self) -> Result<(), Error> {
        loop {
            // A renewal that is never answered must not be waited for longer than the lease is ours. Who wakes after
            // that may ask all the same: a lease that nobody took is renewed.
            let pause = (self.term / ATTEMPTS_A_TERM).max(SHORTEST_PAUSE);
            let rest = self.rest_of(self.term).max(pause);
            let outcome = {
                let renewal = std::pin::pin!(self.renew());
                match select(renewal, self.clock.sleep(rest)).await {
                    Either::Left((outcome, _)) => outcome,
                    Either::Right(((), _)) => Err(Error::new(ErrorKind::Timeout, "the lease was not renewed in time")),
                }
            };
            let error = match outcome {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let pause = match error.retry() {
                Retry::After(asked) => asked.max(pause),
                _ => pause,
            };
            if error.kind() == ErrorKind::Conflict || pause >= self.rest_of(self.term) {
                return Err(error);
            }
            tracing::debug!(%error, "the lease was not renewed; it is tried again");
            self.clock.sleep(pause).await;
        }
    }

    /// Gives the lease back. If that fails, it runs out by itself.
    pub(crate) async fn release(&self) {
        let grant = self.with(|held| held.grant.clone());
        if let Err(error) = self.lease.release(&grant).await {
            tracing::debug!(%error, "the lease was not given back and will run out");
        }
    }

    /// What is left of a span that began with the last renewal.
    fn rest_of(&self, span: Duration) -> Duration {
        let renewed_at = self.with(|held| held.renewed_at);
        (renewed_at + span).saturating_sub(self.clock.elapsed())
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
