//! A machine that runs is not lost because its agent fails, is late, or cannot be seen.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_arm::provision::{AgentFailure, AgentProbe, FnProbe, ProbeTarget, Probed};
use azconnect_arm::spec::ExtensionScript;
use azconnect_arm::{AgentInstall, OnFailure, Phase, Step};
use azconnect_core::{Clock, Error, ErrorKind};
use azconnect_emulator::arm::{AgentOutcome, AgentScript, CommandOutcome, Failure};
use azconnect_emulator::{Fault, FaultAction};

use crate::stage::{Stage, agent, id, plan, spec};

const DAY: Duration = Duration::from_secs(86_400);

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

/// The guest runs an extension again only if its settings or its `forceUpdateTag` differ: the same write again reports the old
/// failure.
#[tokio::test(start_paused = true)]
async fn an_extension_that_failed_is_tried_anew_once_its_cause_is_mended() {
    let stage = Stage::new();
    stage.emulator.resource_manager().on_machines("", AgentScript::new(AgentOutcome::Fails(7)).with_output("no disk"));
    let script = ExtensionScript::Plain("#!/bin/sh\ninstall\n".to_owned());
    let plan = plan(spec().with_agent(AgentInstall::extension(script)));
    let provisioner = stage.provisioner().with_probe(online());
    provisioner.run(&plan).await.unwrap_err();
    let machine = stage.live().into_iter().find(|id| id.ends_with("/virtualMachines/web")).unwrap();
    let tag = || {
        let extension = stage.emulator.resource_manager().resource(&format!("{machine}/extensions/azconnect-agent"));
        extension.unwrap()["properties"].get("forceUpdateTag").cloned()
    };
    let first = tag();
    // Nothing was mended: each look is a try of its own all the same.
    provisioner.resume(&id()).await.unwrap_err();
    let second = tag();
    stage.emulator.resource_manager().change_machine(&machine, AgentScript::new(AgentOutcome::Succeeds));
    provisioner.resume(&id()).await.unwrap();
    assert!(first != second && second != tag() && first != tag(), "{first:?} {second:?} {:?}", tag());
}

/// A script that hangs has said where: nobody needs the machine's key to see it.
#[tokio::test(start_paused = true)]
async fn the_log_of_an_agent_that_is_late_is_given_as_that_of_a_failed_one() {
    let stage = Stage::new();
    let inside = AgentScript::new(AgentOutcome::Never).with_responder(Arc::new(|_| {
        Some(CommandOutcome::new(0, "status: running\nazconnect-log:\nstep 1\nstep 2\n"))
    }));
    stage.emulator.resource_manager().on_machines("", inside);
    let install = agent().with_time_limit(Duration::from_secs(60));
    for on_failure in [OnFailure::Keep, OnFailure::CleanUp] {
        let spec = spec().with_agent(install.clone()).with_on_agent_failure(on_failure);
        let error = stage.provisioner().run(&plan(spec)).await.unwrap_err();
        let failure = AgentFailure::of(&error).expect("a late agent is a failure of the agent");
        assert_eq!((error.kind(), failure.output(), failure.exit_code()), (ErrorKind::Timeout, "step 1\nstep 2", None));
        assert!(error.advice().contains("AgentFailure::output") && !error.message().contains("step 1"), "{error}");
        stage.provisioner().clean_up(&id()).await.unwrap();
    }
}

/// The log is asked for whatever probe looked: one of the product's own sees no output.
#[tokio::test(start_paused = true)]
async fn a_probe_of_one_s_own_has_the_log_of_a_late_agent_too() {
    let stage = Stage::new();
    let inside = AgentScript::new(AgentOutcome::Never)
        .with_responder(Arc::new(|_| Some(CommandOutcome::new(0, "azconnect-ok\nazconnect-log:\ninstalled\n"))));
    stage.emulator.resource_manager().on_machines("", inside);
    let silent = stage.provisioner().with_probe(Arc::new(FnProbe::new(|_| Probed::NotYet("silence".into()))));
    let install = agent().with_time_limit(Duration::from_secs(60));
    let error = silent.run(&plan(spec().with_agent(install))).await.unwrap_err();
    assert_eq!(AgentFailure::of(&error).unwrap().output(), "installed");
}

/// Who may not send run commands has a probe of its own, and no log.
#[tokio::test(start_paused = true)]
async fn a_late_agent_is_late_whether_or_not_its_log_can_be_read() {
    for denied in [true, false] {
        let stage = Stage::new();
        let install = agent().with_time_limit(Duration::from_secs(60));
        let silent = stage.provisioner().with_probe(Arc::new(FnProbe::new(|_| Probed::NotYet("silence".into()))));
        let action = match denied {
            true => FaultAction::Fail(Failure::new("AuthorizationFailed")),
            false => FaultAction::Fail(Failure::new("InternalExecutionError").in_operation().with_time(DAY)),
        };
        let fault = Fault::new(action).with_method("PUT").with_path("/runCommands/").forever();
        stage.emulator.faults().add(fault);
        let before = stage.clock.elapsed();
        let error = silent.run(&plan(spec().with_agent(install))).await.unwrap_err();
        assert_eq!((error.kind(), AgentFailure::of(&error).unwrap().output()), (ErrorKind::Timeout, ""));
        assert!((stage.clock.elapsed() - before).as_secs() < 400 && machine_lives(&stage));
    }
}

/// What a page shows of a machine whose agent comes by cloud-init: it has no extension.
#[tokio::test(start_paused = true)]
async fn of_an_agent_by_cloud_init_nothing_speaks_of_an_extension() {
    for outcome in [AgentOutcome::Succeeds, AgentOutcome::Fails(3), AgentOutcome::Never] {
        let stage = Stage::new();
        stage.emulator.resource_manager().on_machines("", AgentScript::new(outcome).with_output("no disk"));
        let heard = Arc::new(Mutex::new(String::new()));
        let listener = heard.clone();
        let provisioner = stage.provisioner().with_observer(move |event| {
            listener.lock().unwrap().push_str(&format!("{} {}\n", event.what(), event.proof()));
        });
        let install = agent().with_time_limit(Duration::from_secs(60));
        let said = match provisioner.run(&plan(spec().with_agent(install))).await {
            Ok(machine) => format!("{machine:?}"),
            Err(error) => format!("{error} {} {:?}", error.advice(), AgentFailure::of(&error)),
        };
        let history = serde_json::to_string(&provisioner.history(&id()).await.unwrap()).unwrap();
        let progress = serde_json::to_string(&provisioner.progress(&id()).await.unwrap()).unwrap();
        let all = format!("{said} {history} {progress} {}", heard.lock().unwrap());
        assert!(all.contains("agent"), "{all}");
        assert!(!all.to_lowercase().contains("extension"), "{all}");
    }
}
