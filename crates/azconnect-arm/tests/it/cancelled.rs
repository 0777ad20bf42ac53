//! What is told of a machine when a call is cancelled is what is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_arm::provision::{AgentFailure, FnProbe, Probed};
use azconnect_arm::spec::OnFailure;
use azconnect_arm::{Fleet, Provisioner, VmSpec};
use azconnect_core::{Append, Clock, Entry, Error, ErrorKind, Integrity, Journal, Sequence, StreamId};
use azconnect_emulator::arm::Failure;
use azconnect_emulator::{Fault, FaultAction};
use azconnect_store::MemoryJournal;
use tokio::sync::Notify;

use crate::fleet::{fleet_id, fleet_plan};
use crate::stage::{Stage, agent, plan, spec};

fn goes_with_its_agent() -> VmSpec {
    spec().with_agent(agent()).with_on_agent_failure(OnFailure::CleanUp)
}

// Its specification says that it goes when its agent fails, and it was going: nobody may be told that it stays.
#[tokio::test(start_paused = true)]
async fn a_machine_that_is_being_deleted_is_not_said_to_stay() {
    let mut ends = std::collections::BTreeSet::new();
    for seconds in [0, 1, 2, 5, 10, 20, 40, 60, 90, 120, 600] {
        let stage = Stage::new();
        let waiting = FnProbe::new(|_| Probed::NotYet("it starts".to_owned()));
        let first = stage.provisioner().with_probe(Arc::new(waiting));
        let plan = plan(goes_with_its_agent());
        // The process is killed while it waits for the agent.
        let killed = stage.clock.sleep(Duration::from_secs(120));
        tokio::select! { _ = first.run(&plan) => panic!("it waits"), () = killed => {} }
        stage.clock.sleep(Duration::from_secs(61)).await;
        let failing = FnProbe::new(|_| Probed::Failed(AgentFailure::new("no agent")));
        let second = stage.provisioner().with_probe(Arc::new(failing));
        let cancel = stage.clock.sleep(Duration::from_secs(seconds));
        let error = second.run_until(&plan, cancel).await.unwrap_err();
        let stays = error.message().contains("stays");
        assert_eq!(stage.live().is_empty(), !stays, "{seconds}: {error:?}");
        if !stays {
            assert_ne!(error.kind(), ErrorKind::Timeout, "{seconds}: the failure itself is told: {error:?}");
            assert!(second.unfinished().await.unwrap().is_empty(), "{seconds}");
        }
        ends.insert(stays);
    }
    assert!(ends.contains(&false), "the moments cover a deletion");
}

/// A journal whose append of one number is durable and never answers.
struct Hanging {
    inner: MemoryJournal,
    count: AtomicU64,
    at: u64,
    hangs: Notify,
}

impl Hanging {
    fn new(inner: MemoryJournal, at: u64) -> Arc<Self> {
        Arc::new(Self { inner, count: AtomicU64::new(0), at, hangs: Notify::new() })
    }
}

#[async_trait]
impl Journal for Hanging {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        let sequence = self.inner.append(append).await?;
        if number == self.at {
            self.hangs.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(sequence)
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        self.inner.read(stream, after).await
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        self.inner.latest(stream).await
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.inner.unfinished().await
    }

    fn integrity(&self) -> Integrity {
        self.inner.integrity()
    }
}

fn kept_in(stage: &Stage, journal: Arc<dyn Journal>) -> Provisioner {
    let (secrets, lease) = (Arc::new(stage.secrets.clone()), Arc::new(stage.lease.clone()));
    Provisioner::new(stage.subscription(), journal, secrets, lease)
}

// The append that says that it runs was durable when the call was cancelled.
#[tokio::test(start_paused = true)]
async fn a_machine_that_runs_at_the_very_moment_is_returned() {
    let counted = Stage::new();
    let journal = Hanging::new(counted.journal.clone(), u64::MAX);
    kept_in(&counted, journal.clone()).run(&plan(spec())).await.unwrap();
    let last = journal.count.load(Ordering::SeqCst);

    let stage = Stage::new();
    let journal = Hanging::new(stage.journal.clone(), last);
    let provisioner = kept_in(&stage, journal.clone());
    let machine = provisioner.run_until(&plan(spec()), journal.hangs.notified()).await.unwrap();
    assert_eq!(machine.machine.name(), "web");
    assert!(stage.live().iter().any(|id| id.ends_with("/virtualMachines/web")));
}

// Someone has locked the machines: what is not deleted is not said to be.
#[tokio::test(start_paused = true)]
async fn a_fleet_that_cannot_be_deleted_is_not_said_to_be() {
    let stage = Stage::new();
    let fleet = Fleet::new(stage.provisioner());
    fleet.run(&fleet_plan(2)).await.unwrap();
    let locked = FaultAction::Fail(Failure::new("ScopeLocked").with_status(409));
    let fault = Fault::new(locked).with_method("DELETE").with_path("/virtualMachines/").forever();
    stage.emulator.faults().add(fault);
    assert!(fleet.clean_up(&fleet_id()).await.unwrap().machines.iter().any(|machine| machine.outcome.is_err()));
    let before = stage.live();
    for seconds in [0, 1, 30, 600] {
        let stop = stage.clock.sleep(Duration::from_secs(seconds));
        let error = fleet.run_until(&fleet_plan(2), stop).await.unwrap_err();
        assert_eq!(error.service_code(), Some("ScopeLocked"), "{seconds}: {error:?}");
        assert!(error.advice().contains("clean the fleet up again"), "{seconds}: {}", error.advice());
    }
    let machines = |ids: &[String]| ids.iter().filter(|id| id.contains("/virtualMachines/")).count();
    assert_eq!(machines(&stage.live()), machines(&before));
}
