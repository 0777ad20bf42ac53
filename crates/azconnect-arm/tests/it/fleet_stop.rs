//! A fleet that is stopped while it is built, as by a deadline: what runs stays, and nothing else is left.

use std::sync::Arc;
use std::time::Duration;

use azconnect_arm::provision::{AgentFailure, FnProbe, Probed};
use azconnect_arm::{Fleet, Phase};
use azconnect_core::{Clock, ErrorKind};

use crate::fleet::{fleet_id, fleet_plan};
use crate::stage::{Stage, agent, id, plan, spec};

fn machines(stage: &Stage) -> Vec<String> {
    let machine = |id: &String| id.split_once("/virtualMachines/").map(|(_, name)| name.to_owned());
    stage.live().iter().filter_map(machine).filter(|name| !name.contains('/')).collect()
}

/// Two of three machines at a time: at every moment of a stop some run, some are being built, and some were not begun.
#[tokio::test(start_paused = true)]
async fn whenever_it_is_stopped_what_runs_stays_and_nothing_else_is_left() {
    let mut kept = std::collections::BTreeSet::new();
    for seconds in [0, 1, 2, 4, 8, 20, 40, 50, 55, 60, 80, 100, 400] {
        let stage = Stage::new();
        let fleet = Fleet::new(stage.provisioner()).with_concurrency(2);
        let stop = stage.clock.sleep(Duration::from_secs(seconds));
        let outcome = fleet.run_until(&fleet_plan(3), stop).await;
        let built: Vec<String> = match &outcome {
            Ok(outcome) => {
                let stopped = outcome.failures().all(|(_, error)| error.kind() == ErrorKind::Timeout);
                assert!(stopped && outcome.machines.len() == 3, "{seconds}: {outcome:?}");
                let runs = outcome.machines.iter().filter(|machine| machine.outcome.is_ok());
                runs.map(|machine| machine.name.clone()).collect()
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Timeout, "{seconds}: {error:?}");
                Vec::new()
            }
        };
        assert_eq!(machines(&stage), built, "{seconds}");
        let live = stage.live();
        assert_eq!(live.is_empty(), built.is_empty(), "{seconds}: {live:?}");
        for gone in ["web-1", "web-2", "web-3"].iter().filter(|name| !built.iter().any(|built| built == *name)) {
            assert!(!live.iter().any(|id| id.contains(gone)), "{seconds}: {live:?}");
        }
        let listed: Vec<Phase> = fleet.machines(&fleet_id()).await.unwrap().iter().map(|one| one.phase).collect();
        assert_eq!(listed, vec![Phase::Finished; built.len()], "{seconds}");
        assert!(stage.provisioner().unfinished().await.unwrap().is_empty(), "{seconds}");
        if !built.is_empty() {
            let resumed = fleet.resume(&fleet_id()).await.unwrap();
            assert_eq!((resumed.machines.len(), resumed.failures().count()), (built.len(), 0), "{seconds}");
        }
        assert_eq!(fleet.run(&fleet_plan(3)).await.unwrap().failures().count(), 0, "{seconds}");
        assert_eq!(machines(&stage).len(), 3, "{seconds}");
        fleet.clean_up(&fleet_id()).await.unwrap();
        assert_eq!(stage.live(), Vec::<String>::new(), "{seconds}");
        kept.insert(built.len());
    }
    assert_eq!(kept.into_iter().collect::<Vec<_>>(), [0, 2, 3], "the moments cover every case");
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_grows_loses_nothing_when_it_is_stopped() {
    for seconds in [0, 10] {
        let stage = Stage::new();
        let fleet = Fleet::new(stage.provisioner());
        fleet.run(&fleet_plan(2)).await.unwrap();
        let before = stage.live();
        let stop = stage.clock.sleep(Duration::from_secs(seconds));
        let outcome = fleet.run_until(&fleet_plan(4), stop).await.unwrap();
        let failed: Vec<&str> = outcome.failures().map(|(name, _)| name).collect();
        assert_eq!(failed, ["web-3", "web-4"], "{seconds}");
        assert_eq!(stage.live(), before, "{seconds}");
        assert_eq!(fleet.machines(&fleet_id()).await.unwrap().len(), 2, "{seconds}");
        assert!(stage.provisioner().unfinished().await.unwrap().is_empty(), "{seconds}");
    }
}

// What failed by itself is not taken for stopped: it stays on the list, with its reason.
#[tokio::test(start_paused = true)]
async fn a_machine_that_failed_before_the_stop_keeps_its_reason() {
    use azconnect_emulator::arm::Failure;
    use azconnect_emulator::{Fault, FaultAction};
    let stage = Stage::new();
    let refused = Fault::new(FaultAction::Fail(Failure::new("InvalidParameter"))).with_method("PUT");
    stage.emulator.faults().add(refused.with_path("/virtualMachines/web-1?").with_count(1));
    let fleet = Fleet::new(stage.provisioner());
    let outcome = fleet.run_until(&fleet_plan(2), stage.clock.sleep(Duration::from_secs(25))).await.unwrap();
    let kinds: Vec<_> = outcome.failures().map(|(name, error)| (name, error.kind())).collect();
    assert_eq!(kinds, [("web-1", ErrorKind::Conflict), ("web-2", ErrorKind::Timeout)]);
    let (_, failed) = outcome.failures().next().unwrap();
    assert!(failed.message().contains("it had failed at the virtual machine"), "{failed:?}");
    assert_eq!(machines(&stage), Vec::<String>::new());
    let listed = fleet.machines(&fleet_id()).await.unwrap();
    assert!(listed.len() == 1 && listed[0].failure.is_some(), "{listed:?}");
    fleet.clean_up(&fleet_id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

// A machine whose agent failed runs and stays, perhaps in use: a second attempt that is cancelled must not delete it.
#[tokio::test(start_paused = true)]
async fn a_machine_that_ran_before_the_call_stays_when_it_is_cancelled() {
    let stage = Stage::new();
    let failing = FnProbe::new(|_| Probed::Failed(AgentFailure::new("no agent")));
    let provisioner = stage.provisioner().with_probe(Arc::new(failing));
    provisioner.run(&plan(spec().with_agent(agent()))).await.unwrap_err();
    let before = stage.live();
    assert!(!before.is_empty());
    let provisioner =
        stage.provisioner().with_probe(Arc::new(FnProbe::new(|_| Probed::NotYet("it starts".to_owned()))));
    let cancel = stage.clock.sleep(Duration::from_secs(30));
    let error = provisioner.run_until(&plan(spec().with_agent(agent())), cancel).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.advice().contains("resume it"), "{error:?}");
    assert_eq!(stage.live(), before);
    let provisioner = stage.provisioner().with_probe(Arc::new(FnProbe::new(|_| Probed::Online)));
    assert!(provisioner.resume(&id()).await.is_ok());
}
