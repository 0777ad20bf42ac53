//! What scripts put out: given to whoever asks for it, without what was sealed, and seen nowhere else.

use std::sync::Arc;
use std::time::Duration;

use azconnect_arm::provision::{AgentFailure, FnProbe, Probed};
use azconnect_arm::resource::compute::{InstanceView, RunCommand};
use azconnect_arm::spec::ExtensionScript;
use azconnect_arm::{AgentInstall, Fault, OnFailure, Provisioner, VmSpec};
use azconnect_core::{Error, Journal, Secret, SecretStore, Sequence, StreamId};
use azconnect_emulator::arm::{AgentOutcome, AgentScript, CommandOutcome};
use azconnect_testkit::Canary;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::stage::{Stage, agent, id, plan, spec};

/// Everything that is kept or shown of a provisioning, without being asked for.
async fn kept_or_shown(stage: &Stage, provisioner: &Provisioner, error: &Error) -> String {
    let entries = stage.journal.read(&StreamId::new("provision/contoso/web").unwrap(), Sequence::START).await.unwrap();
    let journal: String = entries.into_iter().map(|entry| entry.record.payload).collect();
    let state = provisioner.state(&id()).await.unwrap();
    let progress = serde_json::to_string(&provisioner.progress(&id()).await.unwrap()).unwrap();
    let sources: Vec<String> = std::iter::successors(std::error::Error::source(error), |source| source.source())
        .map(|source| format!("{source} {source:?}"))
        .collect();
    let serialised = serde_json::to_string(error).unwrap();
    let (failure, fault) = (AgentFailure::of(error), Fault::of(error));
    format!(
        "{journal} {state:?} {progress} {error} {error:?} {} {} {serialised} {sources:?} {failure:?} {fault:?}",
        error.message(),
        error.advice()
    )
}

async fn sealed(stage: &Stage, script: &str) -> VmSpec {
    let name = id().script_secret("agent").unwrap();
    stage.secrets.put(&name, &Secret::new(script)).await.unwrap();
    spec().with_agent(AgentInstall::extension(ExtensionScript::Sealed(name)))
}

fn prints(stage: &Stage, output: impl Into<String>) {
    stage.emulator.resource_manager().on_machines("", AgentScript::new(AgentOutcome::Fails(7)).with_output(output));
}

#[tokio::test(start_paused = true)]
async fn the_output_of_a_script_is_given_on_request_and_kept_nowhere() {
    let canary = Canary::new();
    let _ears = canary.listen();
    let stage = Stage::new();
    // A secret that the script made itself: nobody here knows it.
    prints(&stage, format!("+ TOKEN={}\nE: no such package\n", canary.secret().expose()));
    let provisioner = stage.provisioner();
    let kept = spec().with_agent(agent()).with_on_failure(OnFailure::Keep);
    let error = provisioner.run(&plan(kept)).await.unwrap_err();
    canary.assert_absent("what is kept", kept_or_shown(&stage, &provisioner, &error).await.as_bytes());
    canary.assert_absent_from_logs();
    let failure = AgentFailure::of(&error).unwrap();
    assert_eq!(failure.exit_code(), Some(7));
    assert!(failure.output().ends_with("E: no such package"), "the output is not given");
    assert!(failure.output().contains(canary.secret().expose()), "the test proves nothing");
}

#[tokio::test(start_paused = true)]
async fn what_a_sealed_script_prints_of_itself_is_hidden_in_its_output_too() {
    for canary in [Canary::new(), Canary::awkward()] {
        let _ears = canary.listen();
        let stage = Stage::new();
        let secret = canary.secret();
        let text = secret.expose();
        let spec = sealed(&stage, &format!("#!/bin/sh -x\nTOKEN='{text}'\ninstall --token \"$TOKEN\"\n")).await;
        let encoded = STANDARD.encode(format!("agent:{text}"));
        let percent: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        prints(
            &stage,
            format!(
                "+ TOKEN={text}\n+ install --token '{text}'\n{encoded}\n?token={percent}\n{text:?}\ndisk is full\n"
            ),
        );
        let provisioner = stage.provisioner();
        let error = provisioner.run(&plan(spec)).await.unwrap_err();
        canary.assert_absent("what is kept", kept_or_shown(&stage, &provisioner, &error).await.as_bytes());
        canary.assert_absent_from_logs();
        let failure = AgentFailure::of(&error).unwrap();
        assert_eq!(failure.exit_code(), Some(7), "{error}");
        assert!(failure.output().contains("disk is full"), "the output is not given");
        canary.assert_absent("the output", failure.output().as_bytes());
        let fault = Fault::of(&error).unwrap();
        assert_eq!(fault.code, "VMExtensionProvisioningError");
        canary.assert_absent("the service's account", fault.service_message().as_bytes());
    }
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_failed_says_its_exit_code_its_step_and_where_the_output_is() {
    let stage = Stage::new();
    let spec = sealed(&stage, "#!/bin/sh\nexit 7\n").await;
    prints(&stage, "disk is full");
    let error = stage.provisioner().run(&plan(spec)).await.unwrap_err();
    assert!(error.message().ends_with("the script of the extension ended with exit code 7"), "{error}");
    assert!(
        error.advice().contains("AgentFailure::output") && error.advice().contains("/var/log/"),
        "{}",
        error.advice()
    );
    let progress = stage.provisioner().progress(&id()).await.unwrap();
    assert_eq!(progress.failure.unwrap().step, azconnect_arm::Step::Extension);
}

#[tokio::test(start_paused = true)]
async fn an_output_that_cannot_be_searched_for_sealed_secrets_is_withheld() {
    let canary = Canary::new();
    let stage = Stage::new();
    let spec = sealed(&stage, &format!("#!/bin/sh\necho {}\n", canary.secret().expose())).await;
    let (secrets, name) = (stage.secrets.clone(), id().script_secret("agent").unwrap());
    let printed = canary.secret();
    // The script is gone by the time the agent fails.
    let probe = FnProbe::new(move |_| {
        futures_util::future::FutureExt::now_or_never(secrets.remove(&name)).unwrap().unwrap();
        Probed::Failed(AgentFailure::new("the script ended").with_exit_code(1).with_output(printed.expose()))
    });
    let error = stage.provisioner().with_probe(Arc::new(probe)).run(&plan(spec)).await.unwrap_err();
    let failure = AgentFailure::of(&error).unwrap();
    canary.assert_absent("the output", failure.output().as_bytes());
    assert!(failure.output().contains("withheld"), "{}", failure.output());
    assert_eq!(failure.exit_code(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn the_error_output_of_the_probe_s_command_is_in_no_message() {
    let canary = Canary::new();
    let _ears = canary.listen();
    let stage = Stage::new();
    let text = canary.secret().expose().to_owned();
    let script = AgentScript::new(AgentOutcome::Never).with_responder(Arc::new(move |_| {
        let mut outcome = CommandOutcome::new(0, format!("status: running\nazconnect-log:\n{text}"));
        outcome.error.clone_from(&text);
        Some(outcome)
    }));
    stage.emulator.resource_manager().on_machines("", script);
    let provisioner = stage.provisioner();
    let install = agent().with_time_limit(Duration::from_secs(60));
    let error = provisioner.run(&plan(spec().with_agent(install))).await.unwrap_err();
    assert!(error.message().contains("the script has not ended yet"), "{error}");
    canary.assert_absent("what is kept", kept_or_shown(&stage, &provisioner, &error).await.as_bytes());
    canary.assert_absent_from_logs();
}

/// The log of a late agent, like that of a failed one, may quote what was sealed.
#[tokio::test(start_paused = true)]
async fn what_is_sealed_is_hidden_in_the_log_of_a_late_agent() {
    let canary = Canary::new();
    let _ears = canary.listen();
    let stage = Stage::new();
    let text = canary.secret().expose().to_owned();
    let spec = sealed(&stage, &format!("#!/bin/sh\nTOKEN='{text}'\n")).await;
    let script = AgentScript::new(AgentOutcome::Succeeds).with_responder(Arc::new(move |_| {
        Some(CommandOutcome::new(0, format!("status: running\nazconnect-log:\n+ TOKEN={text}\nconnecting\n")))
    }));
    stage.emulator.resource_manager().on_machines("", script);
    let provisioner = stage.provisioner().with_probe(Arc::new(FnProbe::new(|_| Probed::NotYet("silence".into()))));
    let error = provisioner.run(&plan(spec)).await.unwrap_err();
    let failure = AgentFailure::of(&error).unwrap();
    assert!(failure.output().ends_with("connecting"), "the log is not given");
    canary.assert_absent("the log", failure.output().as_bytes());
    canary.assert_absent("what is kept", kept_or_shown(&stage, &provisioner, &error).await.as_bytes());
    canary.assert_absent_from_logs();
}

#[test]
fn the_views_of_a_machine_show_and_serialise_no_output() {
    let canary = Canary::new();
    let text = canary.secret().expose().to_owned();
    let status = json!({"code": "ProvisioningState/failed/1", "displayStatus": "Provisioning failed", "message": text});
    let view: InstanceView = serde_json::from_value(json!({
        "statuses": [status],
        "extensions": [{"name": "azconnect-agent", "statuses": [status], "substatuses": [status]}]
    }))
    .unwrap();
    let command: RunCommand = serde_json::from_value(json!({
        "properties": {"instanceView": {"output": text, "error": text, "exitCode": 1, "executionState": "Failed"}}
    }))
    .unwrap();
    let written = format!("{} {}", serde_json::to_string(&view).unwrap(), serde_json::to_string(&command).unwrap());
    assert!(
        written.contains("Provisioning failed") && written.contains("executionState")
            || written.contains("execution_state")
    );
    canary.assert_absent("the views", format!("{view:?} {command:?} {written}").as_bytes());
    // Whoever asks for it has it.
    assert!(view.output_of("azconnect-agent").unwrap().expose().contains(&text));
    let outcome = command.properties.instance_view.unwrap();
    assert_eq!((outcome.output.unwrap().expose(), outcome.error.unwrap().expose()), (text.as_str(), text.as_str()));
}
