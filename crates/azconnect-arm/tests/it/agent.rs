//! A machine that runs is not lost because its agent fails, is late, or cannot be seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_arm::provision::{AgentFailure, AgentProbe, FnProbe, ProbeTarget, Probed};
use azconnect_arm::{OnFailure, Phase, Step};
use azconnect_core::{Clock, Error, ErrorKind};
use azconnect_emulator::arm::{AgentOutcome, AgentScript, CommandOutcome};

use crate::stage::{Stage, agent, id, plan, spec};

fn machine_lives(stage: &Stage) -> bool {
    stage.live().iter().any(|id| id.ends_with("/virtualMachines/web"))
}

fn online() -> Arc<FnProbe<impl Fn(&ProbeTarget) -> Probed + Send + Sync>> {
    Arc::new(FnProbe::new(|_| Probed::Online))
}

#[tokio::test(start_paused = true)]
async fn a_failing_agent_script_ends_in_an_answer_and_the_machine_stays() {
    let stage = Stage::new();
    let script = AgentScript::new(AgentOutcome::Fails(100)).with_output("E: Unable to locate package agent\n");
    stage.emulator.resource_manager().on_machines("", script);
    let provisioner = stage.provisioner();
    let error = provisioner.run(&plan(spec().with_agent(agent()))).await.unwrap_err();
    assert_eq!(error.message(), "the agent did not start: the script ended with exit code 100");
    for words in ["AgentFailure::output", "/var/log/", "the machine runs and stays", "resume", "clean it up"] {
        assert!(error.advice().contains(words), "{words}: {}", error.advice());
    }
    let failure = AgentFailure::of(&error).unwrap();
    assert_eq!((failure.exit_code(), failure.output()), (Some(100), "E: Unable to locate package agent"));

    assert!(machine_lives(&stage));
    let progress = provisioner.progress(&id()).await.unwrap();
    assert_eq!((progress.phase, progress.failure.unwrap().step), (Phase::Failed, Step::Agent));
    assert!(provisioner.unfinished().await.unwrap().is_empty(), "nothing goes on by itself");
    provisioner.private_key(&id()).await.expect("the way into the machine");

    // Somebody mended the agent in the machine.
    let before = stage.ever("Microsoft.Compute/virtualMachines");
    let machine = stage.provisioner().with_probe(online()).resume(&id()).await.unwrap();
    assert!(machine.address.is_some());
    assert_eq!(stage.ever("Microsoft.Compute/virtualMachines"), before);
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn who_wants_no_machine_without_its_agent_gets_none() {
    let stage = Stage::new();
    stage.emulator.resource_manager().on_machines("", AgentScript::new(AgentOutcome::Fails(100)));
    let spec = spec().with_agent(agent()).with_on_agent_failure(OnFailure::CleanUp);
    let error = stage.provisioner().run(&plan(spec)).await.unwrap_err();
    assert_eq!(AgentFailure::of(&error).unwrap().exit_code(), Some(100));
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_never_answers_ends_at_its_deadline_and_can_be_probed_again() {
    let stage = Stage::new();
    let silent = stage.provisioner().with_probe(Arc::new(FnProbe::new(|_| Probed::NotYet("silence".into()))));
    let install = agent().with_time_limit(Duration::from_secs(300)).with_probe_pause(Duration::from_secs(5));
    let error = silent.run(&plan(spec().with_agent(install.clone()))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.message().contains("silence"));
    assert!(machine_lives(&stage));
    // The same call again: the probe has its whole time anew.
    stage.provisioner().with_probe(online()).run(&plan(spec().with_agent(install))).await.unwrap();
}

/// A probe that never returns.
struct Hanging;

#[async_trait]
impl AgentProbe for Hanging {
    async fn probe(&self, _: &ProbeTarget) -> Result<Probed, Error> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_ends_with_the_time_of_the_agent() {
    let stage = Stage::new();
    let install = agent().with_time_limit(Duration::from_secs(300));
    let plan = plan(spec().with_agent(install));
    let run = stage.provisioner().with_probe(Arc::new(Hanging));
    let before = stage.clock.elapsed();
    let error = tokio::time::timeout(Duration::from_secs(3600), run.run(&plan)).await.expect("it hangs").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!((stage.clock.elapsed() - before).as_secs() < 400);
    assert!(machine_lives(&stage));
}

/// cloud-init shows the error of an early module from then on, while the script, the last of all, still runs.
#[tokio::test(start_paused = true)]
async fn an_error_of_an_early_module_does_not_end_a_script_that_still_runs() {
    let stage = Stage::new();
    let looks = Arc::new(AtomicU32::new(0));
    let count = looks.clone();
    let inside = AgentScript::new(AgentOutcome::Succeeds).with_responder(Arc::new(move |_| {
        let output = match count.fetch_add(1, Ordering::SeqCst) {
            0..3 => "status: error\nazconnect-running\nazconnect-log:\ninstalling",
            3..6 => "status: error\nazconnect-log:\ninstalling",
            _ => "status: error\nazconnect-ended\nazconnect-ok\nazconnect-log:\ndone",
        };
        Some(CommandOutcome::new(0, output))
    }));
    stage.emulator.resource_manager().on_machines("", inside);
    stage.provisioner().run(&plan(spec().with_agent(agent()))).await.unwrap();
    assert_eq!(looks.load(Ordering::SeqCst), 7);
}

/// A script that ends between two lines of the look, and a mark that one replica of the disk shows late.
#[tokio::test(start_paused = true)]
async fn a_script_without_a_mark_has_failed_only_if_a_second_look_says_so() {
    for (second, online) in [("status: done\nazconnect-ok\n", true), ("status: done\n", false)] {
        let stage = Stage::new();
        let looks = AtomicU32::new(0);
        let inside = AgentScript::new(AgentOutcome::Succeeds).with_responder(Arc::new(move |_| {
            let first = looks.fetch_add(1, Ordering::SeqCst) == 0;
            let head = if first { "status: done\n" } else { second };
            Some(CommandOutcome::new(0, format!("{head}azconnect-log:\n")))
        }));
        stage.emulator.resource_manager().on_machines("", inside);
        let outcome = stage.provisioner().run(&plan(spec().with_agent(agent()))).await;
        assert_eq!(outcome.is_ok(), online, "{second}: {outcome:?}");
    }
}
