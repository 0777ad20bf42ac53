//! What the metadata service of a machine bears.

use std::fmt;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error};
use azconnect_http::{Pace, Request, Response, Transport};
use futures_util::future::select_all;
use futures_util::lock::{Mutex, MutexGuard};

/// The pause between two requests: 20 a second.
const SPACING: Duration = Duration::from_millis(50);

/// How many requests are under way at most.
const AT_A_TIME: usize = 5;

/// What the metadata service of a machine bears: 20 requests for tokens a second, and 5 at a time; above, it refuses.
pub(super) struct Budget {
    clock: Arc<dyn Clock>,
    /// When the next request may begin, in the clock's elapsed time.
    next: SyncMutex<Duration>,
    slots: [Mutex<()>; AT_A_TIME],
}

impl Budget {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, next: SyncMutex::default(), slots: Default::default() }
    }

    /// One of the places, as soon as one is free.
    async fn slot(&self) -> MutexGuard<'_, ()> {
        select_all(self.slots.iter().map(Mutex::lock)).await.0
    }
}

#[async_trait]
impl Pace for Budget {
    async fn ready(&self, patience: Duration) -> Result<(), Duration> {
        let now = self.clock.elapsed();
        let wait = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = now.max(*next);
            let wait = turn - now;
            if wait > patience {
                return Err(wait);
            }
            *next = turn.saturating_add(SPACING);
            wait
        };
        // The turn was taken under the lock and is waited for outside it.
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
        Ok(())
    }

    fn observe(&self, _: &Response) {}
}

/// A transport that takes a place of the budget for each request.
pub(super) struct Budgeted {
    inner: Arc<dyn Transport>,
    budget: Arc<Budget>,
}

impl Budgeted {
    pub(super) fn new(inner: Arc<dyn Transport>, budget: Arc<Budget>) -> Self {
        Self { inner, budget }
    }
}

#[async_trait]
impl Transport for Budgeted {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let _slot = self.budget.slot().await;
        self.inner.send(request).await
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Budget")
    }
}
