//! Stopping a program in the middle of its work: requests under way are answered, and leases are given back.
//!
//! A killed program is safe as well, but whoever goes on has to wait for its leases to run out, and to look for what a
//! request without an answer may have done. Somebody who presses Ctrl-C needs neither.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{Clock, Error, Grant, Lease, LeaseKey};
use azconnect::http::{ByteStream, Request, Response, SystemClock, Transport};
use futures_util::future::{Either, select};

/// How long answers are waited for after somebody asked to stop.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// How long no request may be under way before everything that was answered counts as recorded.
const RECORDED: Duration = Duration::from_millis(300);

/// How often it is looked whether a request is under way.
const LOOK: Duration = Duration::from_millis(20);

/// What has to be ended in good order.
#[derive(Clone, Default)]
pub struct Stop {
    gate: Arc<Gate>,
    held: Arc<Mutex<BTreeMap<(LeaseKey, String), Held>>>,
}

#[derive(Default)]
struct Gate {
    closed: AtomicBool,
    under_way: AtomicUsize,
}

/// A lease that somebody holds, and the port that takes it back.
type Held = (Grant, Arc<dyn Lease>);

impl Stop {
    /// Nothing to end yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same way to the services, which lets no request through after somebody asked to stop.
    pub fn transport(&self, inner: Arc<dyn Transport>) -> Arc<dyn Transport> {
        Arc::new(Gated { inner, gate: self.gate.clone() })
    }

    /// The same leases, each of which is given back when somebody asked to stop.
    pub fn lease(&self, inner: Arc<dyn Lease>) -> Arc<dyn Lease> {
        Arc::new(Counted { inner, held: self.held.clone() })
    }

    /// Does the work until somebody asks to stop, by Ctrl-C or SIGTERM. Then it begins no request any more, waits a few
    /// seconds for the answers to those under way, and gives every lease back. `None` if it was stopped.
    pub async fn guard<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let work = match select(Box::pin(work), pin!(asked())).await {
            Either::Left((done, _)) => return Some(done),
            Either::Right(((), work)) => work,
        };
        self.gate.closed.store(true, Ordering::SeqCst);
        // Asked twice, nothing more is waited for.
        let enough = select(Box::pin(self.quiet()), Box::pin(asked()));
        match select(work, enough).await {
            Either::Left((done, _)) => return Some(done),
            // Dropped first, since it may be in the middle of using the store that takes the leases back.
            Either::Right((_, work)) => drop(work),
        }
        self.give_back().await;
        None
    }

    /// Ready when no request has been under way for a moment, or after the longest wait.
    async fn quiet(&self) {
        let clock = SystemClock::new();
        let (begun, mut since) = (clock.elapsed(), clock.elapsed());
        while clock.elapsed() - begun < LAST_ANSWERS && clock.elapsed() - since < RECORDED {
            if self.gate.under_way.load(Ordering::SeqCst) > 0 {
                since = clock.elapsed();
            }
            clock.sleep(LOOK).await;
        }
    }

    async fn give_back(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        for (grant, lease) in held.into_values() {
            // One that cannot be given back runs out by itself.
            let _ = lease.release(&grant).await;
        }
    }
}

/// Ready when somebody asks this process to stop. Without a signal handler nobody can.
async fn asked() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    };
    select(pin!(interrupted), pin!(terminated())).await;
}

#[cfg(unix)]
async fn terminated() {
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    pending().await
}

struct Gated {
    inner: Arc<dyn Transport>,
    gate: Arc<Gate>,
}

impl Gated {
    /// Waits for ever once somebody asked to stop: the work is dropped there.
    async fn enter(&self) -> UnderWay<'_> {
        // Counted before the gate is looked at, so that no request slips through unseen.
        let entered = UnderWay::new(&self.gate);
        if self.gate.closed.load(Ordering::SeqCst) {
            drop(entered);
            pending().await
        } else {
            entered
        }
    }
}

#[async_trait]
impl Transport for Gated {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let _entered = self.enter().await;
        self.inner.send(request).await
    }

    async fn stream(&self, request: Request) -> Result<http::Response<ByteStream>, Error> {
        let _entered = self.enter().await;
        self.inner.stream(request).await
    }
}

/// A request that has begun and is not answered.
struct UnderWay<'a>(&'a Gate);

impl<'a> UnderWay<'a> {
    fn new(gate: &'a Gate) -> Self {
        gate.under_way.fetch_add(1, Ordering::SeqCst);
        Self(gate)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Counted {
    inner: Arc<dyn Lease>,
    held: Arc<Mutex<BTreeMap<(LeaseKey, String), Held>>>,
}

impl Counted {
    fn keep(&self, grant: &Grant) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert((grant.key.clone(), grant.holder.clone()), (grant.clone(), self.inner.clone()));
    }
}

#[async_trait]
impl Lease for Counted {
    async fn acquire(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Error> {
        let grant = self.inner.acquire(key, holder, term).await?;
        self.keep(&grant);
        Ok(grant)
    }

    async fn renew(&self, grant: &Grant, term: Duration) -> Result<Grant, Error> {
        let grant = self.inner.renew(grant, term).await?;
        self.keep(&grant);
        Ok(grant)
    }

    async fn release(&self, grant: &Grant) -> Result<(), Error> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&(grant.key.clone(), grant.holder.clone()));
        self.inner.release(grant).await
    }
}
