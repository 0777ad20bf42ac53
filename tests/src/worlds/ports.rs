//! The ports of one process, under the world's control and the judge's eyes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{
    Append, Clock, Effect, Entry, Error, ErrorKind, Grant, Integrity, Journal, Lease, LeaseKey, Retry, Secret,
    SecretId, SecretStore, Sequence, StreamId,
};
use azconnect::http::{Request, Response, Transport, answer_lost, not_connected};

use super::answers::{refusal, throttled};
use super::call::Call;
use super::gate::Gate;
use super::happening::Fault;
use super::judge::Actor;
use super::stage::World;

/// How long a request is on its way, and an answer.
const ONE_WAY: Duration = Duration::from_millis(10);

/// A process as its ports know it.
#[derive(Clone)]
pub(super) struct Process {
    /// Its number.
    pub number: usize,
    /// Whether it runs.
    pub gate: Arc<Gate>,
    /// Where it lives.
    pub world: Arc<World>,
}

impl Process {
    /// One call: what is to happen before it, the call, and what is to happen after it.
    async fn call<T>(
        &self,
        call: Call,
        kinds: &[&str],
        work: impl AsyncFnOnce(Option<Duration>) -> Result<T, Error>,
        failed: impl Fn(Fault) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.gate.pass().await;
        let met = self.world.meet(self.number, call, kinds);
        match met.fault {
            Some(Fault::CrashBefore) => return self.gate.die().await,
            Some(Fault::SuspendBefore(time)) => {
                self.gate.suspend(time);
                self.gate.pass().await;
            }
            Some(fault @ (Fault::Dropped | Fault::Refused | Fault::Status(_) | Fault::Throttled(_))) => {
                return failed(fault);
            }
            Some(Fault::HangBefore) => return std::future::pending().await,
            Some(Fault::Slow(time)) => self.world.clock.sleep(time).await,
            _ => {}
        }
        let actor = Actor::Process(self.number);
        self.world.judge.delivered(self.number, call);
        self.world.heed();
        // Everything takes a moment on its way there and back, so that no two things happen at once.
        if call.is_exchange() {
            self.world.clock.sleep(ONE_WAY).await;
        }
        let late = if let Some(Fault::Late(time)) = met.fault { Some(time) } else { None };
        let outcome = work(late).await;
        if call.has_effect() {
            self.world.observe(actor);
        }
        if call.is_exchange() {
            self.world.clock.sleep(ONE_WAY).await;
        }
        for what in met.after {
            self.world.happen(what);
        }
        match met.fault {
            Some(Fault::CrashAfter) => return self.gate.die().await,
            Some(Fault::SuspendAfter(time)) => self.gate.suspend(time),
            Some(Fault::Lost) => return failed(Fault::Lost),
            Some(Fault::HangAfter) => return std::future::pending().await,
            _ => {}
        }
        self.gate.pass().await;
        outcome
    }
}

/// The way to the services.
pub(super) struct WorldTransport {
    /// Whose.
    pub process: Process,
    /// The cloud.
    pub inner: Arc<dyn Transport>,
}

#[async_trait]
impl Transport for WorldTransport {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let call = Call::of(&request);
        let failed = move |fault| match fault {
            Fault::Refused => Err(not_connected("the world refused the connection")),
            Fault::Status(status) => Ok(refusal(call, status)),
            Fault::Throttled(time) => Ok(throttled(time.as_secs())),
            _ => Err(answer_lost("the world broke the connection")),
        };
        let (inner, world, number) = (self.inner.clone(), self.process.world.clone(), self.process.number);
        let work = async move |late: Option<Duration>| {
            let Some(time) = late else { return inner.send(request).await };
            let arrival = async move {
                world.clock.sleep(time).await;
                let answer = inner.send(request).await;
                world.observe(Actor::Late(number));
                answer
            };
            // A task of its own: it arrives whether or not the process still waits, or lives.
            #[expect(clippy::disallowed_methods, reason = "a request on its way is nobody's any more")]
            let arrived = tokio::spawn(arrival);
            arrived.await.unwrap()
        };
        self.process.call(call, &[], work, failed).await
    }
}

/// The journal.
pub(super) struct WorldJournal(pub Process);

#[async_trait]
impl Journal for WorldJournal {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        let world = &self.0.world;
        let records = append.records.clone();
        let kinds: Vec<&str> = records.iter().map(|record| record.kind.as_str()).collect();
        let epoch = append.epoch;
        let work = async |_| {
            let outcome = world.journal.append(append).await;
            if outcome.is_ok() {
                for line in world.judge.appended(self.0.number, epoch, &records, world.clock.elapsed()) {
                    world.tell_of(self.0.number, &line);
                }
                world.heed();
            }
            outcome
        };
        self.0.call(Call::Append, &kinds, work, storage).await
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        self.0.call(Call::Read, &[], async |_| self.0.world.journal.read(stream, after).await, storage).await
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        self.0.call(Call::Read, &[], async |_| self.0.world.journal.latest(stream).await, storage).await
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.0.call(Call::Read, &[], async |_| self.0.world.journal.unfinished().await, storage).await
    }

    fn integrity(&self) -> Integrity {
        self.0.world.journal.integrity()
    }
}

/// The lease.
pub(super) struct WorldLease(pub Process);

#[async_trait]
impl Lease for WorldLease {
    async fn acquire(&self, key: &LeaseKey, holder: &str, term: Duration) -> Result<Grant, Error> {
        let world = &self.0.world;
        let grant =
            self.0.call(Call::Acquire, &[], async |_| world.lease.acquire(key, holder, term).await, storage).await?;
        world.judge.holds(self.0.number, grant.epoch);
        Ok(grant)
    }

    async fn renew(&self, grant: &Grant, term: Duration) -> Result<Grant, Error> {
        self.0.call(Call::Renew, &[], async |_| self.0.world.lease.renew(grant, term).await, storage).await
    }

    async fn release(&self, grant: &Grant) -> Result<(), Error> {
        self.0.call(Call::Release, &[], async |_| self.0.world.lease.release(grant).await, storage).await
    }
}

/// The sealed secrets.
pub(super) struct WorldSecrets(pub Process);

#[async_trait]
impl SecretStore for WorldSecrets {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        self.0.call(Call::Seal, &[], async |_| self.0.world.secrets.put(id, secret).await, storage).await
    }

    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        self.0.call(Call::Open, &[], async |_| self.0.world.secrets.get(id).await, storage).await
    }

    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        self.0.call(Call::Forget, &[], async |_| self.0.world.secrets.remove(id).await, storage).await
    }

    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        self.0.world.secrets.list(prefix, after).await
    }
}

/// How a store fails.
fn storage<T>(fault: Fault) -> Result<T, Error> {
    let error = Error::new(ErrorKind::Unavailable, "the store does not answer").with_retry(Retry::Backoff);
    Err(match fault {
        Fault::Lost | Fault::Dropped => error.with_effect(Effect::Unknown),
        _ => error.with_effect(Effect::None).with_message("no space is left on the device"),
    })
}
