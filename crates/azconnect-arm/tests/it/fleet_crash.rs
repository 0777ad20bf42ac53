//! A fleet whose process is killed anywhere goes on or is cleaned up: no leak, no second machine, no foundation under a machine.

use std::sync::Arc;
use std::time::Duration;

use azconnect_arm::{Fleet, Provisioner};
use azconnect_core::Clock;
use azconnect_emulator::Intervention;

use crate::crash::{Dying, provisioner};
use crate::fleet::{fleet_id, fleet_plan};
use crate::stage::Stage;

const MACHINES: usize = 2;

/// Runs until the process is killed around an exchange, or to its end.
async fn killed_at<T>(stage: &Stage, nth: u64, verdict: Intervention, work: impl Future<Output = T>) {
    let first = stage.emulator.exchanges();
    stage.emulator.on_exchange(Arc::new(move |exchange| match (exchange.number - first).cmp(&nth) {
        std::cmp::Ordering::Less => Intervention::Proceed,
        std::cmp::Ordering::Equal => verdict.clone(),
        std::cmp::Ordering::Greater => Intervention::DropBefore,
    }));
    let (emulator, clock) = (stage.emulator.clone(), stage.clock.clone());
    let killed = std::pin::pin!(async move {
        while emulator.exchanges() < first + nth {
            clock.sleep(Duration::from_millis(20)).await;
        }
    });
    futures_util::future::select(std::pin::pin!(work), killed).await;
    stage.emulator.on_exchange(Arc::new(|_| Intervention::Proceed));
    stage.clock.sleep(Duration::from_secs(60)).await;
}

/// Whatever stands, stands on something.
fn assert_founded(stage: &Stage, name: &str) {
    let live = stage.live();
    let has = |kind: &str| live.iter().any(|id| id.contains(kind));
    let founded = has("/virtualNetworks/") && has("/networkSecurityGroups/");
    assert!(!has("/virtualMachines/") || founded, "{name}: {live:?}");
}

async fn assert_whole(stage: &Stage, fleet: &Fleet, name: &str) {
    let ever = stage.ever("Microsoft.Compute/virtualMachines");
    assert_eq!(ever, MACHINES, "{name}");
    let unfinished = stage.provisioner().unfinished().await.unwrap();
    assert!(unfinished.is_empty(), "{name}: {unfinished:?}");
    fleet.clean_up(&fleet_id()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    assert_eq!(stage.live(), Vec::<String>::new(), "{name}");
}

async fn exchanges(work: impl AsyncFnOnce(&Fleet)) -> u64 {
    let stage = Stage::new();
    let fleet = Fleet::new(provisioner(&stage).await);
    fleet.run(&fleet_plan(MACHINES)).await.unwrap();
    let before = stage.emulator.exchanges();
    work(&fleet).await;
    stage.emulator.exchanges() - before
}

async fn of_run() -> u64 {
    let stage = Stage::new();
    let fleet = Fleet::new(provisioner(&stage).await);
    let before = stage.emulator.exchanges();
    fleet.run(&fleet_plan(MACHINES)).await.unwrap();
    stage.emulator.exchanges() - before
}

#[tokio::test(start_paused = true)]
async fn killed_around_every_exchange_a_fleet_goes_on() {
    let total = of_run().await;
    assert!(total >= 20, "{total} exchanges");
    for nth in 1..=total {
        for verdict in [Intervention::DropBefore, Intervention::LoseAnswer] {
            let name = format!("exchange {nth}, {verdict:?}");
            let stage = Stage::new();
            let fleet = Fleet::new(provisioner(&stage).await);
            killed_at(&stage, nth, verdict, fleet.run(&fleet_plan(MACHINES))).await;
            assert_founded(&stage, &name);
            let outcome = fleet.resume(&fleet_id()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!((outcome.machines.len(), outcome.failures().count()), (MACHINES, 0), "{name}: {outcome:?}");
            assert_whole(&stage, &fleet, &name).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_around_every_exchange_a_fleet_is_cleaned_up() {
    for nth in 1..=of_run().await {
        for verdict in [Intervention::DropBefore, Intervention::LoseAnswer] {
            let name = format!("exchange {nth}, {verdict:?}");
            let stage = Stage::new();
            let fleet = Fleet::new(provisioner(&stage).await);
            killed_at(&stage, nth, verdict, fleet.run(&fleet_plan(MACHINES))).await;
            let done = fleet.clean_up(&fleet_id()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert!(done.foundation.is_some(), "{name}: {done:?}");
            assert_eq!(stage.live(), Vec::<String>::new(), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clean_up_of_a_fleet_that_is_killed_anywhere_is_finished_by_the_next() {
    let total = exchanges(async |fleet| drop(fleet.clean_up(&fleet_id()).await.unwrap())).await;
    for nth in 1..=total {
        let name = format!("exchange {nth}");
        let stage = Stage::new();
        let fleet = Fleet::new(provisioner(&stage).await);
        fleet.run(&fleet_plan(MACHINES)).await.unwrap();
        killed_at(&stage, nth, Intervention::LoseAnswer, fleet.clean_up(&fleet_id())).await;
        assert_founded(&stage, &name);
        let unfinished = stage.provisioner().unfinished().await.unwrap();
        assert!(
            unfinished.iter().any(|one| one.id == fleet_id()),
            "{name}: a clean-up that was begun is known as such"
        );
        // Resuming goes on with the clean-up, and says that there is no fleet any more.
        fleet.resume(&fleet_id()).await.unwrap_err();
        assert_eq!(stage.live(), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_is_killed_anywhere_is_finished_by_the_next() {
    let total = exchanges(async |fleet| drop(fleet.remove(&fleet_id(), &["web-2"]).await.unwrap())).await;
    for nth in 1..=total {
        let name = format!("exchange {nth}");
        let stage = Stage::new();
        let fleet = Fleet::new(provisioner(&stage).await);
        fleet.run(&fleet_plan(MACHINES)).await.unwrap();
        killed_at(&stage, nth, Intervention::LoseAnswer, fleet.remove(&fleet_id(), &["web-2"])).await;
        let removed = fleet.remove(&fleet_id(), &["web-2"]).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(removed[0].outcome.is_ok(), "{name}");
        let live = stage.live();
        assert!(!live.iter().any(|id| id.contains("web-2")), "{name}: {live:?}");
        assert!(live.iter().any(|id| id.ends_with("/virtualMachines/web-1")), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn dead_before_and_after_every_append_a_fleet_goes_on() {
    let mut appends = 0;
    for after in [false, true] {
        let mut at = 1;
        loop {
            let name = format!("append {at} {after}");
            let stage = Stage::new();
            let journal = Arc::new(Dying::new(stage.journal.clone(), at, after));
            let (secrets, lease) = (Arc::new(stage.secrets.clone()), Arc::new(stage.lease.clone()));
            let dying = Fleet::new(Provisioner::new(stage.subscription(), journal, secrets, lease));
            let outcome = dying.run(&fleet_plan(MACHINES)).await;
            let died = outcome.as_ref().map_or(true, |outcome| outcome.failures().count() > 0);
            assert_founded(&stage, &name);
            let unfinished = stage.provisioner().unfinished().await.unwrap();
            let machines = stage.live().iter().filter(|id| id.contains("/virtualMachines/")).count();
            let known = !unfinished.is_empty() || machines == MACHINES || stage.live().is_empty();
            assert!(known, "{name}: nobody knows what is to be resumed");
            stage.clock.sleep(Duration::from_secs(60)).await;
            let fleet = Fleet::new(provisioner(&stage).await);
            let outcome = fleet.run(&fleet_plan(MACHINES)).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(outcome.failures().count(), 0, "{name}: {outcome:?}");
            assert_whole(&stage, &fleet, &name).await;
            if !died {
                break;
            }
            at += 1;
            appends = appends.max(at);
        }
    }
    assert!(appends > 25, "{appends} appends");
}
