//! Riding out what passes by itself.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Retry};
use futures_util::future::BoxFuture;

use super::Site;
use crate::part::Part;

/// How long after its making the directory may not know an application everywhere. Calls for it may be refused meanwhile as
/// not found, not permitted, not complete or in conflict.
const SETTLING: Duration = Duration::from_secs(120);

/// The pauses between two attempts: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));

impl Site<'_> {
    /// Does a call that may be repeated until it succeeds or is refused for good. The lease is kept meanwhile.
    pub(super) async fn ride_out<'c, T>(
        &'c self,
        part: Option<&Part>,
        call: impl Fn() -> BoxFuture<'c, Result<T, Error>>,
    ) -> Result<T, Error> {
        let clock = &self.ports.session.clock;
        let started = clock.elapsed();
        let mut pause = PAUSES.0;
        loop {
            // A lease that is lost ends it at once: what the guard says is not an answer of the service.
            let error = match self.session.guard(call()).await? {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let wait = match error.retry() {
                Retry::After(asked) => Some(asked.max(pause)),
                Retry::Backoff => Some(pause),
                _ if self.may_settle(part, &error) => Some(pause),
                _ => None,
            };
            let spent = clock.elapsed().saturating_sub(started);
            match wait {
                Some(wait) if spent.saturating_add(wait) <= self.patience => self.wait(wait).await?,
                _ => return Err(error),
            }
            pause = pause.saturating_mul(2).min(PAUSES.1);
        }
    }

    /// Waits, and keeps the lease.
    pub(super) async fn wait(&self, pause: Duration) -> Result<(), Error> {
        self.session.guard(self.ports.session.clock.sleep(pause)).await
    }

    /// Whether a refusal may pass once the directory knows a new application everywhere.
    fn may_settle(&self, part: Option<&Part>, error: &Error) -> bool {
        let transient = matches!(
            error.kind(),
            ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::Conflict | ErrorKind::InvalidInput
        );
        let Some(made_at) = self.session.state().fresh_at else { return false };
        let is_new = self.session.now() - made_at < SETTLING;
        transient && error.effect() == Effect::None && is_new && part.is_some_and(Part::is_in_directory)
    }
}
