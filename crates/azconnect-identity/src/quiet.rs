//! The pause that the service asked for, and the refusal that is told meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azconnect_core::{Error, Retry};

use crate::shared_error::share;

/// The longest pause that is kept: a service that names a longer one, by mistake or by malice, is asked again after it.
const LONGEST: Duration = Duration::from_secs(3600);

/// Keeps a refusal for as long as the service wants to be left alone. It speaks of the client as a whole, so one pause holds
/// for every scope.
#[derive(Default)]
pub(crate) struct Quiet(Mutex<Option<Kept>>);

struct Kept {
    refusal: Arc<Error>,
    /// As the clock's elapsed time.
    until: Duration,
}

impl Quiet {
    /// Keeps a refusal that names a pause, and forgets an earlier one for any other.
    pub(crate) fn note(&self, refusal: &Arc<Error>, elapsed: Duration) {
        *self.kept() = match refusal.retry() {
            Retry::After(pause) => {
                Some(Kept { refusal: Arc::clone(refusal), until: elapsed.saturating_add(pause.min(LONGEST)) })
            }
            _ => None,
        };
    }

    /// The refusal to answer with, while its pause lasts, with what is left of the pause.
    pub(crate) fn refusal(&self, elapsed: Duration) -> Option<Error> {
        let kept = self.kept();
        let kept = kept.as_ref().filter(|kept| elapsed < kept.until)?;
        Some(share(&kept.refusal).with_retry(Retry::After(kept.until - elapsed)))
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
