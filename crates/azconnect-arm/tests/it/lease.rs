//! A process that stands still between its journal and its effect, while another one takes over.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_arm::{Arm, Provisioner};
use azconnect_core::{Append, Clock, Effect, Entry, Error, ErrorKind, Journal, Lease, LeaseKey, Sequence, StreamId};
use azconnect_emulator::Intervention;
use azconnect_http::Pipeline;
use azconnect_store::{MemoryJournal, MemoryLease};
use azconnect_testkit::VirtualClock;
use time::OffsetDateTime;

use crate::stage::{Stage, id, plan, spec, subscription_id};

/// A clock that can jump, as it does for a process that was suspended in the middle of a call.
#[derive(Clone)]
struct Jumping {
    inner: VirtualClock,
    ahead: Arc<Mutex<Duration>>,
}

#[async_trait]
impl Clock for Jumping {
    fn now(&self) -> OffsetDateTime {
        self.inner.now() + *self.ahead.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.inner.elapsed() + *self.ahead.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration).await;
    }
}

/// A journal at whose next record of a kind the process is suspended for longer than its term, and another takes over.
struct Suspending {
    journal: MemoryJournal,
    lease: MemoryLease,
    clock: Jumping,
    at: Mutex<Option<&'static str>>,
}

#[async_trait]
impl Journal for Suspending {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        let found = |part: &&str| append.records.iter().any(|record| record.payload.contains(*part));
        let suspends = self.at.lock().unwrap().take_if(|part| found(part)).is_some();
        let sequence = self.journal.append(append).await?;
        if suspends {
            *self.clock.ahead.lock().unwrap() += Duration::from_secs(61);
            let key = LeaseKey::new("provision/contoso/web").unwrap();
            self.lease.acquire(&key, "another process", Duration::from_secs(600)).await.unwrap();
        }
        Ok(sequence)
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        self.journal.read(stream, after).await
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        self.journal.latest(stream).await
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.journal.unfinished().await
    }
}

fn suspending(stage: &Stage) -> (Arc<Suspending>, Provisioner) {
    let clock = Jumping { inner: stage.clock.clone(), ahead: Arc::default() };
    let lease = MemoryLease::new(Arc::new(clock.clone()));
    let journal = stage.journal.clone();
    let journal = Arc::new(Suspending { journal, lease: lease.clone(), clock: clock.clone(), at: Mutex::default() });
    let pipeline = Pipeline::new(stage.emulator.transport(), Arc::new(clock));
    let arm = Arm::new(pipeline, &stage.emulator.cloud(), stage.sign_in());
    let subscription = arm.subscription(subscription_id());
    let secrets = Arc::new(stage.secrets.clone());
    (journal.clone(), Provisioner::new(subscription, journal, secrets, Arc::new(lease)))
}

#[tokio::test(start_paused = true)]
async fn a_process_that_lost_its_lease_after_an_intent_writes_nothing() {
    for step in ["group", "network", "machine"] {
        let stage = Stage::new();
        let (journal, provisioner) = suspending(&stage);
        let intent = ["{\"event\":\"intended\",\"step\":\"", step, "\"}"].concat();
        *journal.at.lock().unwrap() = Some(intent.leak());
        let error = provisioner.run(&plan(spec())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{step}: {error:?}");
        let kind = match step {
            "group" => "/resourceGroups/rg-web",
            "network" => "/virtualNetworks/",
            _ => "/virtualMachines/",
        };
        let live = stage.live();
        assert!(!live.iter().any(|id| id.contains(kind)), "{step}: {live:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_lost_its_lease_deletes_nothing() {
    let stage = Stage::new();
    let (journal, provisioner) = suspending(&stage);
    provisioner.run(&plan(spec())).await.unwrap();
    *journal.at.lock().unwrap() = Some("clean_up_begun");
    let before = stage.live();
    let asked = Arc::new(Mutex::new(0));
    let deletions = asked.clone();
    stage.emulator.on_exchange(Arc::new(move |exchange| {
        *deletions.lock().unwrap() += u32::from(exchange.method == "DELETE");
        Intervention::Proceed
    }));
    let error = provisioner.clean_up(&id()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None));
    assert_eq!((stage.live(), *asked.lock().unwrap()), (before, 0));
}
