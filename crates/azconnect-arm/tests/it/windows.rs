//! Windows machines: their password, their configuration, and their agent.

use std::sync::Arc;

use azconnect_arm::provision::{AgentFailure, FnProbe, Probed};
use azconnect_arm::spec::{ExtensionScript, Windows, WindowsUpdates};
use azconnect_arm::{AgentInstall, GroupChoice, InboundRule, Phase, PreflightCheck, ProvisionEvent, VmSpec, preflight};
use azconnect_core::{Effect, ErrorKind, Journal, Secret, SecretId, SecretStore, Sequence, StreamId};
use azconnect_credential::CheckStatus;
use azconnect_emulator::arm::{AgentOutcome, AgentScript, Failure};
use azconnect_emulator::{Fault, FaultAction};
use azconnect_testkit::Canary;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::disks::shown;
use crate::stage::{Stage, group_name, id, plan, subscription_id};

fn windows() -> VmSpec {
    let image = "Win2022AzureEdition".parse().unwrap();
    VmSpec::new("web", "westeurope", "Standard_D2s_v5", image, GroupChoice::Create(group_name()))
        .unwrap()
        .with_rule(InboundRule::rdp(vec!["203.0.113.7/32".parse().unwrap()]))
        .with_windows(Windows::new().with_time_zone("W. Europe Standard Time").with_updates(WindowsUpdates::ByPlatform))
}

fn machine_id() -> String {
    format!(
        "/subscriptions/{}/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/web",
        subscription_id()
    )
}

#[tokio::test(start_paused = true)]
async fn a_windows_machine_runs_and_its_password_is_told_to_its_owner_alone() {
    let canary = Canary::new();
    let ears = canary.listen();
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    let plan = provisioner.plan(id(), windows()).await.unwrap();
    assert!(plan.to_string().contains("Windows, computer name web"), "{plan}");
    // A password that a process sealed before it was killed is used, never replaced: so the test knows what to look for.
    let name = SecretId::new("machine/contoso/web/password").unwrap();
    let known = azconnect_core::Secret::new(format!("Aa1-{}", canary.secret().expose()));
    stage.secrets.put(&name, &known).await.unwrap();

    let machine = provisioner.run(&plan).await.unwrap();
    assert_eq!(machine.fingerprint, "");
    let profile = &shown(&stage)["properties"]["osProfile"];
    let configuration = json!({
        "provisionVMAgent": true, "enableAutomaticUpdates": true, "timeZone": "W. Europe Standard Time",
        "patchSettings": {"patchMode": "AutomaticByPlatform"}
    });
    assert_eq!((&profile["windowsConfiguration"], &profile["computerName"]), (&configuration, &json!("web")));
    assert!(profile.get("linuxConfiguration").is_none() && profile.get("adminPassword").is_none());
    assert!(stage.emulator.resource_manager().has_password(&machine_id(), known.expose()));

    // Given as often as it is asked for, until it is forgotten; it has no key.
    for _ in 0..2 {
        assert_eq!(provisioner.admin_password(&id()).await.unwrap().password.expose(), known.expose());
    }
    let shown = provisioner.admin_password(&id()).await.unwrap();
    canary.assert_absent("the password's Debug", format!("{shown:?}").as_bytes());
    assert_eq!(provisioner.private_key(&id()).await.unwrap_err().kind(), ErrorKind::NotFound);
    provisioner.forget_admin_password(&id(), &shown.id).await.unwrap();
    assert_eq!(provisioner.admin_password(&id()).await.unwrap_err().kind(), ErrorKind::NotFound);

    let entries = stage.journal.read(&StreamId::new("provision/contoso/web").unwrap(), Sequence::START).await.unwrap();
    let journal: String = entries.into_iter().map(|entry| entry.record.payload).collect();
    assert!(journal.contains("password_sealed") && journal.contains(&shown.id), "{journal}");
    canary.assert_absent("journal", journal.as_bytes());
    let history = format!("{:?}", provisioner.history(&id()).await.unwrap());
    let state = format!("{:?}", provisioner.state(&id()).await.unwrap());
    for (place, text) in [("history", history), ("state", state), ("outcome", format!("{machine:?}{plan:?}"))] {
        canary.assert_absent(place, text.as_bytes());
    }
    canary.assert_absent_from_logs();
    drop(ears);
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_password_is_made_and_sealed_before_anything_is_written() {
    let stage = Stage::new();
    let refused = Fault::new(FaultAction::Fail(Failure::new("AuthorizationFailed"))).with_method("PUT").forever();
    stage.emulator.faults().add(refused);
    let spec = windows().with_on_failure(azconnect_arm::OnFailure::Keep);
    let provisioner = stage.provisioner();
    provisioner.run(&plan(spec)).await.unwrap_err();
    let name = SecretId::new("machine/contoso/web/password").unwrap();
    let sealed = stage.secrets.get(&name).await.unwrap().unwrap();
    assert_eq!(sealed.expose().len(), 32);
    let state = provisioner.state(&id()).await.unwrap();
    assert!(state.password_sealed && state.phase == Phase::Failed);
    // The same one opens the machine that is built at last, and none is left after it.
    stage.emulator.faults().clear();
    provisioner.resume(&id()).await.unwrap();
    assert!(stage.emulator.resource_manager().has_password(&machine_id(), sealed.expose()));
    provisioner.clean_up(&id()).await.unwrap();
    assert!(stage.secrets.get(&name).await.unwrap().is_none());
}

/// A page may confirm that it kept a password long after the machine was deleted and built again under its name.
#[tokio::test(start_paused = true)]
async fn a_late_confirmation_does_not_forget_the_password_of_a_later_build() {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    provisioner.run(&plan(windows())).await.unwrap();
    let first = provisioner.admin_password(&id()).await.unwrap();
    provisioner.clean_up(&id()).await.unwrap();
    provisioner.run(&plan(windows())).await.unwrap();
    for late in [first.id.as_str(), ""] {
        let error = provisioner.forget_admin_password(&id(), late).await.unwrap_err();
        let said = (error.kind(), error.effect(), error.field());
        assert_eq!(said, (ErrorKind::Conflict, Effect::None, Some("password_id")));
    }
    let second = provisioner.admin_password(&id()).await.unwrap();
    assert_ne!((first.id, first.password.expose()), (second.id.clone(), second.password.expose()));
    provisioner.forget_admin_password(&id(), &second.id).await.unwrap();
    provisioner.forget_admin_password(&id(), &second.id).await.expect("it is forgotten");
    assert_eq!(provisioner.admin_password(&id()).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn an_event_without_the_password_s_name_is_read() {
    let first: ProvisionEvent = serde_json::from_value(json!({"event": "password_sealed"})).unwrap();
    assert_eq!(first, ProvisionEvent::PasswordSealed { password: String::new() });
    assert_eq!(serde_json::to_value(&first).unwrap(), json!({"event": "password_sealed"}));
}

/// The handler quotes the command that failed, in which the script stands in base64 of UTF-16.
#[tokio::test(start_paused = true)]
async fn the_encoded_command_that_windows_quotes_is_shown_without_what_was_sealed() {
    let stage = Stage::new();
    let name = id().script_secret("agent").unwrap();
    let script = "Install-Agent -Token 'hunter2-hunter2'";
    stage.secrets.put(&name, &Secret::new(script)).await.unwrap();
    let wide: Vec<u8> = format!("# {script}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let encoded = STANDARD.encode(wide);
    let quoted = format!("powershell.exe -EncodedCommand {encoded}\nno such package\n");
    stage.emulator.resource_manager().on_machines("", AgentScript::new(AgentOutcome::Fails(7)).with_output(quoted));
    let spec = windows().with_agent(AgentInstall::extension(ExtensionScript::Sealed(name)));
    let error = stage.provisioner().run(&plan(spec)).await.unwrap_err();
    let failure = AgentFailure::of(&error).unwrap();
    assert!(failure.output().contains("no such package"), "{}", failure.output());
    let shown =
        format!("{} {error} {:?}", failure.output(), azconnect_arm::Fault::of(&error).unwrap().service_message());
    let pieces: Vec<_> = encoded.as_bytes().windows(24).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
    assert!(!pieces.iter().any(|piece| shown.contains(piece)), "{shown}");
}

/// The extension ends well with its script, and says nothing of what the script has started.
#[tokio::test(start_paused = true)]
async fn an_agent_of_windows_that_nobody_looked_at_is_told_with_a_warning() {
    let script = ExtensionScript::Plain("Write-Output 'agent'".to_owned());
    let spec = windows().with_agent(AgentInstall::extension(script));
    let stage = Stage::new();
    let warning = stage.provisioner().run(&plan(spec.clone())).await.unwrap().warning.unwrap();
    assert!(warning.contains("nobody looked") && warning.contains("with_probe"), "{warning}");
    let seen = Stage::new();
    let probe = FnProbe::new(|_| Probed::Online);
    assert_eq!(seen.provisioner().with_probe(Arc::new(probe)).run(&plan(spec)).await.unwrap().warning, None);
    assert_eq!(Stage::new().provisioner().run(&plan(windows())).await.unwrap().warning, None, "it has no agent");
}

/// Windows has no log of ours: its extension tells what the script put out.
#[tokio::test(start_paused = true)]
async fn what_the_extension_of_a_late_windows_agent_put_out_is_given() {
    let stage = Stage::new();
    stage
        .emulator
        .resource_manager()
        .on_machines("", AgentScript::new(AgentOutcome::Succeeds).with_output("installed"));
    let script = ExtensionScript::Plain("Write-Output 'installed'".to_owned());
    let silent = stage.provisioner().with_probe(Arc::new(FnProbe::new(|_| Probed::NotYet("silence".into()))));
    let error = silent.run(&plan(windows().with_agent(AgentInstall::extension(script)))).await.unwrap_err();
    assert_eq!(AgentFailure::of(&error).unwrap().output(), "installed", "{error}");
}

/// A service may quote what it refuses.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_quotes_the_password_is_told_without_it() {
    let canary = Canary::new();
    let ears = canary.listen();
    let stage = Stage::new();
    let known = azconnect_core::Secret::new(format!("Aa1-{}", canary.secret().expose()));
    stage.secrets.put(&SecretId::new("machine/contoso/web/password").unwrap(), &known).await.unwrap();
    let message = format!("The value '{}' of parameter adminPassword is not allowed.", known.expose());
    let fault = Fault::new(FaultAction::Fail(Failure::new("InvalidParameter").with_message(message)))
        .with_method("PUT")
        .with_path("/virtualMachines/web?");
    stage.emulator.faults().add(fault);
    let provisioner = stage.provisioner();
    let error = provisioner.run(&plan(windows())).await.unwrap_err();
    canary.assert_absent("error", format!("{error:?} {error} {}", error.advice()).as_bytes());
    canary.assert_absent("history", format!("{:?}", provisioner.history(&id()).await.unwrap()).as_bytes());
    canary.assert_absent_from_logs();
    drop(ears);
}

#[tokio::test(start_paused = true)]
async fn the_agent_of_windows_comes_by_its_own_extension() {
    let stage = Stage::new();
    let script = ExtensionScript::Plain("Write-Output 'agent'".to_owned());
    let provisioner = stage.provisioner();
    provisioner.run(&plan(windows().with_agent(AgentInstall::extension(script.clone())))).await.unwrap();
    let id_of = format!("{}/extensions/azconnect-agent", machine_id());
    let extension = stage.emulator.resource_manager().resource(&id_of).unwrap();
    let properties = &extension["properties"];
    assert_eq!(
        (&properties["publisher"], &properties["type"], &properties["typeHandlerVersion"]),
        (&json!("Microsoft.Compute"), &json!("CustomScriptExtension"), &json!("1.10"))
    );
    assert!(!extension.to_string().contains("EncodedCommand"), "protected settings are shown to nobody");
    provisioner.clean_up(&id()).await.unwrap();

    let failing = AgentScript::new(AgentOutcome::Fails(7)).with_output("no such package");
    stage.emulator.resource_manager().on_machines("", failing);
    let spec = windows().with_agent(AgentInstall::extension(script));
    let error = provisioner.run(&plan(spec)).await.unwrap_err();
    assert_eq!(AgentFailure::of(&error).unwrap().exit_code(), Some(7), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_image_of_the_other_system_is_refused_before_anything_is_created() {
    let stage = Stage::new();
    let mut linux = windows();
    linux.image = "Ubuntu2404".parse().unwrap();
    let refused = stage.provisioner().plan(id(), linux.clone()).await.unwrap_err();
    assert_eq!((refused.kind(), refused.field()), (ErrorKind::InvalidInput, Some("image")));
    let report = preflight(&stage.subscription(), &linux).await;
    let check = report.iter().find(|check| check.code == PreflightCheck::Image.code()).unwrap();
    assert_eq!(check.status, CheckStatus::Failed, "{check:?}");
    assert_eq!(stage.live(), Vec::<String>::new());
}

/// A journal that speaks of a password while the store has none is not built on.
#[tokio::test(start_paused = true)]
async fn no_machine_is_built_without_the_password_that_was_sealed() {
    let stage = Stage::new();
    let fault = Fault::new(FaultAction::Fail(Failure::new("AuthorizationFailed"))).with_method("PUT").with_count(1);
    stage.emulator.faults().add(fault);
    let provisioner = stage.provisioner();
    provisioner.run(&plan(windows().with_on_failure(azconnect_arm::OnFailure::Keep))).await.unwrap_err();
    stage.secrets.remove(&SecretId::new("machine/contoso/web/password").unwrap()).await.unwrap();
    assert_eq!(provisioner.resume(&id()).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(stage.ever("Microsoft.Compute/virtualMachines"), 0);
}
