//! When the metadata service is asked again.

use std::time::Duration;

use azconnect_core::{Attempt, Retry, RetryPolicy};

/// How often it is asked at most while it does not work, the first time included.
const ATTEMPTS: u32 = 5;

/// The first pause; each further one is twice as long. So the five attempts begin after 0, 2, 6, 14 and 30 seconds.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// The pause while it is being renewed (status 410), and how long that takes at most.
const RENEWAL_PAUSE: Duration = Duration::from_secs(10);
const RENEWAL: Duration = Duration::from_secs(70);

/// When the metadata service is asked again, as its document says: 404, 429 and 5xx after pauses that double, 410 for as long
/// as a renewal takes, anything else never.
#[derive(Clone, Copy, Debug)]
pub(super) struct ImdsRetry;

impl RetryPolicy for ImdsRetry {
    fn pause(&self, attempt: &Attempt<'_>) -> Option<Duration> {
        let own = match attempt.error.http_status() {
            _ if attempt.error.retry() == Retry::No => return None,
            Some(410) => (attempt.elapsed.saturating_add(RENEWAL_PAUSE) <= RENEWAL).then_some(RENEWAL_PAUSE)?,
            _ if attempt.number >= ATTEMPTS => return None,
            _ => FIRST_PAUSE.saturating_mul(1 << attempt.number.saturating_sub(1).min(ATTEMPTS)),
        };
        Some(attempt.error.retry().named_pause().unwrap_or_default().max(own))
    }
}
