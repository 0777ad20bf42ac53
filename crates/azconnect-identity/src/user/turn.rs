//! One refresh at a time for each link, among all processes.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, Effect, Error, ErrorKind, Grant, Lease, LeaseKey, Retry};
use azconnect_credential::LinkId;
use azconnect_saga::within;

use super::random;
use crate::hashed::hashed;

/// How long the lease lasts if its holder dies.
const TERM: Duration = Duration::from_secs(45);

/// How long before the lease ends a refresh has ended: another process may begin its own then.
const MARGIN: Duration = Duration::from_secs(5);

/// How long a process waits until it is its turn: longer than a holder that died keeps it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long one call of the lease may take.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// The first pause before the lease is asked for again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The right to refresh one link's tokens, for one process at a time.
pub(super) struct Turn {
    lease: Arc<dyn Lease>,
    clock: Arc<dyn Clock>,
    key: LeaseKey,
}

impl Turn {
    pub(super) fn new(lease: Arc<dyn Lease>, clock: Arc<dyn Clock>, link: &LinkId) -> Result<Self, Error> {
        // A long name has no room for what stands before it.
        let key = LeaseKey::new(format!("refresh-token/{link}"));
        let key = key.or_else(|_| LeaseKey::new(format!("refresh-token/{}", hashed(link.as_str()))))?;
        Ok(Self { lease, clock, key })
    }

    /// Does work when it is our turn.
    ///
    /// The lease is not renewed: the work ends before it does, and a store that was too late for it is refused by its revision.
    pub(super) async fn take<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let (grant, asked_at) = self.acquired().await?;
        let passed = self.clock.elapsed().saturating_sub(asked_at);
        let rest = TERM.saturating_sub(MARGIN).saturating_sub(passed);
        let outcome = within(&*self.clock, rest, "the refresh", work).await.and_then(|outcome| outcome);
        let release = within(&*self.clock, CALL_LIMIT, "the lease's release", self.lease.release(&grant)).await;
        if let Err(error) = release.and_then(|answer| answer) {
            tracing::debug!(%error, "the lease of a refresh was not given back and will run out");
        }
        outcome
    }

    /// The lease, and when it was asked for, by the clock's elapsed time: it lasts from then on, at the earliest.
    async fn acquired(&self) -> Result<(Grant, Duration), Error> {
        let holder = random::token()?;
        let began = self.clock.elapsed();
        let mut pause = PAUSES.0;
        loop {
            let asked_at = self.clock.elapsed();
            let request = self.lease.acquire(&self.key, holder.expose(), TERM);
            let error = match within(&*self.clock, CALL_LIMIT, "the request for the lease", request).await? {
                Ok(grant) => return Ok((grant, asked_at)),
                Err(error) if error.kind() == ErrorKind::Conflict => error,
                Err(error) => return Err(error.with_effect(Effect::None)),
            };
            if self.clock.elapsed().saturating_sub(began) >= PATIENCE {
                return Err(Error::new(ErrorKind::Unavailable, "another process refreshes the same link for too long")
                    .with_effect(Effect::None)
                    .with_retry(Retry::Backoff)
                    .with_source(error)
                    .with_advice("try again in a minute"));
            }
            // Not for as long as the lease lasts: its holder gives it back when it is done, which is mostly soon.
            self.clock.sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSES.1);
        }
    }
}
