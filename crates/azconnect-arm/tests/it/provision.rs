//! Provisioning from end to end in virtual time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use azconnect_arm::provision::{FnProbe, Probed, StepState};
use azconnect_arm::spec::ExtensionScript;
use azconnect_arm::{
    AgentInstall, Class, Fault, GroupChoice, Phase, Power, ProvisionEvent, ProvisionId, ProvisionPlan, Step, VmSpec,
};
use azconnect_core::{Clock, Effect, ErrorKind, SecretId, SecretStore};
use azconnect_emulator::arm::{AgentOutcome, AgentScript, ArmSettings, Failure, OperationKind};
use azconnect_emulator::{Fault as Script, FaultAction};
use azconnect_testkit::Canary;
use serde_json::json;

use crate::stage::{CLIENT, Stage, agent, group_name, id, plan, spec, subscription_id};

fn fails(stage: &Stage, path: &str, failure: Failure) {
    let fault = Script::new(FaultAction::Fail(failure)).with_method("PUT").with_path(path).forever();
    stage.emulator.faults().add(fault);
}

const MACHINE: &str = "/virtualMachines/web?";

#[tokio::test(start_paused = true)]
async fn a_machine_comes_up_with_its_agent_online() {
    let stage = Stage::new();
    let slow =
        AgentScript::new(AgentOutcome::Succeeds).with_boot(Duration::from_secs(15)).with_run(Duration::from_secs(30));
    stage.emulator.resource_manager().on_machines("", slow);
    let provisioner = stage.provisioner();
    let plan = provisioner.plan(id(), spec().with_agent(agent()).with_identity()).await.unwrap();
    assert_eq!(plan.placements[0].trusted_launch, Some(true));

    let machine = provisioner.run(&plan).await.unwrap();
    assert!(machine.address.is_some());
    let running = stage.subscription().machine(&machine.machine).unwrap();
    assert_eq!(running.instance_view().await.unwrap().power(), Power::Running);
    assert_eq!(provisioner.state(&id()).await.unwrap().phase, Phase::Finished);
    assert!(provisioner.unfinished().await.unwrap().is_empty());

    // Again is the same machine.
    let again = provisioner.run(&plan).await.unwrap();
    assert_eq!(again.address, machine.address);
    assert_eq!(stage.ever("Microsoft.Compute/virtualMachines"), 1);

    // The key, until it is forgotten.
    let key = provisioner.private_key(&id()).await.unwrap();
    assert!(key.expose().starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"));
    assert_eq!(
        provisioner.private_key(&id()).await.unwrap().expose(),
        key.expose(),
        "a crash after the first loses it"
    );
    provisioner.forget_private_key(&id(), &machine.fingerprint).await.unwrap();
    assert_eq!(provisioner.private_key(&id()).await.unwrap_err().kind(), ErrorKind::NotFound);

    // And gone with everything that belongs to it.
    let subscription = stage.subscription();
    assert_eq!(subscription.own_machines().await.unwrap()[0].id, id());
    assert_eq!(provisioner.clean_up(&id()).await.unwrap().kept, None);
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_parts_of_the_network_are_created_at_once() {
    let stage = Stage::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (events, clock) = (seen.clone(), stage.clock.clone());
    let provisioner = stage.provisioner().with_observer(move |event| {
        events.lock().unwrap().push((clock.elapsed().as_secs(), event.clone()));
    });
    provisioner.run(&plan(spec())).await.unwrap();
    let seen = seen.lock().unwrap();
    let at = |wanted: Step| {
        seen.iter()
            .find_map(|(at, event)| {
                matches!(event, ProvisionEvent::Intended { step } if *step == wanted).then_some(*at)
            })
            .unwrap()
    };
    assert_eq!(at(Step::SecurityGroup), at(Step::Network));
    assert_eq!(at(Step::Network), at(Step::PublicIp));
}

#[tokio::test(start_paused = true)]
async fn without_room_the_next_zone_and_then_the_next_size_is_tried() {
    let stage = Stage::new();
    let fault = Script::new(FaultAction::Fail(Failure::new("ZonalAllocationFailed").in_operation()))
        .with_method("PUT")
        .with_path(MACHINE)
        .with_count(1);
    stage.emulator.faults().add(fault);
    let fault = Script::new(FaultAction::Fail(Failure::new("SkuNotAvailable")))
        .with_method("PUT")
        .with_path(MACHINE)
        .with_nth(2)
        .with_count(1);
    stage.emulator.faults().add(fault);
    let provisioner = stage.provisioner();
    let spec = spec().with_zone("1").with_zone("2").with_fallback_size("Standard_D2s_v5");
    let machine = provisioner.run(&plan(spec)).await.unwrap();
    assert_eq!(machine.placement.size, "Standard_D2s_v5");
    assert_eq!(machine.placement.zone.as_deref(), Some("1"));
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_interface_that_is_reserved_for_a_while_is_waited_for() {
    let stage = Stage::new();
    let fault = Script::new(FaultAction::Fail(Failure::new("NicReservedForAnotherVm")))
        .with_method("PUT")
        .with_path(MACHINE)
        .with_count(60);
    let id = stage.emulator.faults().add(fault);
    stage.provisioner().run(&plan(spec())).await.unwrap();
    assert_eq!(stage.emulator.faults().hits(id), 60);
}

#[tokio::test(start_paused = true)]
async fn without_room_anywhere_nothing_is_left() {
    let stage = Stage::new();
    fails(&stage, MACHINE, Failure::new("AllocationFailed").in_operation());
    let error = stage.provisioner().run(&plan(spec())).await.unwrap_err();
    assert_eq!(Fault::of(&error).unwrap().class, Class::FallBack);
    assert_eq!(stage.live(), Vec::<String>::new());
    let key = SecretId::new("machine/contoso/web/ssh").unwrap();
    assert!(stage.secrets.get(&key).await.unwrap().is_none(), "the key of a machine that never was is forgotten");
}

#[tokio::test(start_paused = true)]
async fn every_refusal_of_the_machine_leaves_nothing_behind() {
    for code in
        ["QuotaExceeded", "InvalidParameter", "RequestDisallowedByPolicy", "MarketplacePurchaseEligibilityFailed"]
    {
        let stage = Stage::new();
        fails(&stage, MACHINE, Failure::new(code));
        let error = stage.provisioner().run(&plan(spec().with_zone("1").with_zone("2"))).await.unwrap_err();
        assert_eq!(error.service_code(), Some(code));
        assert_eq!(stage.live(), Vec::<String>::new(), "{code}");
        // A refusal that is no lack of room is not tried elsewhere.
        assert_eq!(stage.ever("Microsoft.Compute/virtualMachines"), 0, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_kept_stays_until_it_is_cleaned_up() {
    let stage = Stage::new();
    fails(&stage, MACHINE, Failure::new("InvalidParameter"));
    let provisioner = stage.provisioner();
    let spec = spec().with_on_failure(azconnect_arm::OnFailure::Keep);
    assert!(provisioner.run(&plan(spec)).await.is_err());
    assert_eq!(provisioner.state(&id()).await.unwrap().phase, Phase::Failed);
    assert!(stage.live().iter().any(|id| id.contains("networkInterfaces")));
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_did_not_report_in_time_is_kept_and_probed() {
    let stage = Stage::new();
    let fault = Script::new(FaultAction::Fail(Failure::new("OSProvisioningTimedOut").in_operation()))
        .with_method("PUT")
        .with_path(MACHINE)
        .with_count(1);
    stage.emulator.faults().add(fault);
    let provisioner = stage.provisioner().with_probe(Arc::new(FnProbe::new(|_| Probed::Online)));
    let machine = provisioner.run(&plan(spec().with_agent(agent()))).await.unwrap();
    assert!(machine.warning.unwrap().contains("boot diagnostics"));
}

#[tokio::test(start_paused = true)]
async fn cancelling_deletes_what_was_created() {
    for seconds in [0, 1, 3, 5, 8, 20, 40] {
        let stage = Stage::new();
        let provisioner = stage.provisioner();
        let cancel = stage.clock.sleep(Duration::from_secs(seconds));
        let outcome = provisioner.run_until(&plan(spec()), cancel).await;
        assert!(outcome.is_err(), "{seconds}");
        assert_eq!(stage.live(), Vec::<String>::new(), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_created_is_neither_changed_nor_deleted() {
    let stage = Stage::for_group_only();
    let group = stage.subscription().group(&group_name());
    let foreign = plan(spec()).names.network;
    let body = serde_json::json!({"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}});
    group.virtual_network(&foreign).unwrap().create(&body).await.unwrap().wait().await.unwrap();
    let before = stage.live();
    let error = stage.provisioner().run(&plan(spec())).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None));
    assert_eq!(stage.live(), before);
}

#[tokio::test(start_paused = true)]
async fn an_identity_of_one_group_provisions_there_and_the_group_stays() {
    let stage = Stage::for_group_only();
    let provisioner = stage.provisioner();
    let spec = VmSpec::new(
        "web",
        "westeurope",
        "Standard_B2s",
        "Ubuntu2404".parse().unwrap(),
        GroupChoice::Existing(group_name()),
    )
    .unwrap();
    let plan = provisioner.plan(id(), spec).await.unwrap();
    provisioner.run(&plan).await.unwrap();
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
    assert!(stage.subscription().group(&group_name()).handle().find().await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_group_that_holds_something_else_stays() {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    provisioner.run(&plan(spec())).await.unwrap();
    let group = stage.subscription().group(&group_name());
    let body = serde_json::json!({"location": "westeurope"});
    group.network_security_group("others").unwrap().create(&body).await.unwrap().wait().await.unwrap();
    let kept = provisioner.clean_up(&id()).await.unwrap().kept.unwrap();
    assert!(kept.contains("others"), "{kept}");
    let live = stage.live();
    assert!(live.iter().any(|id| id.ends_with("/others")));
    assert_eq!(live.iter().filter(|id| id.contains("/providers/")).count(), 1, "{live:?}");
}

#[tokio::test(start_paused = true)]
async fn another_specification_under_the_same_name_is_refused() {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    provisioner.run(&plan(spec())).await.unwrap();
    let error = provisioner.run(&plan(spec().with_tag("a", "b"))).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Conflict, Some("provision_id")));
}

#[tokio::test(start_paused = true)]
async fn a_sealed_script_goes_into_the_machine_and_nowhere_else() {
    let canary = Canary::new();
    let ears = canary.listen();
    let stage = Stage::new();
    let script = id().script_secret("agent").unwrap();
    let text = azconnect_core::Secret::new(format!("#!/bin/sh\necho {}\n", canary.secret().expose()));
    stage.secrets.put(&script, &text).await.unwrap();
    let provisioner = stage.provisioner().with_probe(Arc::new(FnProbe::new(|_| Probed::Online)));
    let install = AgentInstall::extension(ExtensionScript::Sealed(script));
    let machine = provisioner.run(&plan(spec().with_agent(install))).await.unwrap();
    canary.assert_absent("outcome", format!("{machine:?}").as_bytes());
    canary.assert_absent("journal", format!("{:?}", provisioner.state(&id()).await.unwrap()).as_bytes());
    canary.assert_absent_from_logs();
    drop(ears);
    assert_eq!(stage.ever("Microsoft.Compute/virtualMachines/extensions"), 1);
}

#[tokio::test(start_paused = true)]
async fn two_provisioners_do_not_work_on_one_machine_at_once() {
    let slow = ArmSettings::default().with_duration(OperationKind::MachineCreate, Duration::from_secs(120));
    let stage = Stage::with(slow, json!([{"principal": CLIENT, "role": "Contributor"}]));
    let (one, two) = (stage.provisioner(), stage.provisioner());
    let plan = plan(spec());
    let (first, second) = tokio::join!(one.run(&plan), async {
        // Late enough for the lease to have run out, had it not been renewed.
        stage.clock.sleep(Duration::from_secs(62)).await;
        two.run(&plan).await
    });
    first.unwrap();
    let error = second.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None));
    assert!(error.advice().contains("another process works on this"), "{}", error.advice());
    assert_eq!(stage.ever("Microsoft.Compute/virtualMachines"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_was_cancelled_can_be_built_again_at_once() {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    let cancel = stage.clock.sleep(Duration::from_secs(20));
    let error = provisioner.run_until(&plan(spec()), cancel).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(provisioner.state(&id()).await.unwrap().phase, Phase::CleanedUp);
    provisioner.run(&plan(spec())).await.unwrap();
}

/// Ends in a comment, as every key that somebody made.
const OWN: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIuFQO6hUQi39rH8bEL0y9ja8J/DhFKn5FMSBTfprk8L me@home";

#[tokio::test(start_paused = true)]
async fn a_machine_with_a_key_of_the_caller_s_own_has_no_private_key_here() {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    let machine = provisioner.run(&plan(spec().with_public_key(format!("  {OWN}\n")))).await.unwrap();
    assert!(machine.fingerprint.starts_with("SHA256:"));
    let built = stage.emulator.resource_manager().resource(machine.machine.as_str()).unwrap().to_string();
    assert!(built.contains(OWN.split(' ').nth(1).unwrap()), "{built}");
    assert!(stage.secrets.get(&SecretId::new("machine/contoso/web/ssh").unwrap()).await.unwrap().is_none());
    let error = provisioner.private_key(&id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("of your own"), "{error}");
    provisioner.forget_private_key(&id(), &machine.fingerprint).await.unwrap();
}

#[test]
fn a_key_that_azure_does_not_take_is_refused_with_its_field() {
    let short = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDAYRLAHMzP1iWv16K8nWSkar48+RUqWX8zUzH9GRVzIQJ0mw3JMYg9szU5Ll7m22I+gzf4LAtMrbWMgFVD+Omnxjub/+U+GughIcAh9mlUHRBPmkFks/2e1eIg47WdJ7WZTFKfo3fJwQ79TkRMtbmhH5g3lZDqhr6FTMphgU367w==";
    for line in ["", "-----BEGIN OPENSSH PRIVATE KEY-----", "ssh-ed25519 AAAB", short] {
        let error = spec().with_public_key(line).check().unwrap_err();
        assert_eq!(error.field(), Some("public_key"), "{line}");
        assert!(line.is_empty() || !format!("{error:?}").contains(line), "what was pasted may be a private key");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_being_deleted_is_waited_for() {
    let stage = Stage::new();
    let group = stage.subscription().group(&group_name());
    group.handle().create(&json!({"location": "westeurope"})).await.unwrap().wait().await.unwrap();
    let going = group.handle().delete().await.unwrap();
    stage.provisioner().run(&plan(spec())).await.unwrap();
    drop(going);
    assert_eq!(stage.ever("Microsoft.Resources/resourceGroups"), 2, "the one that went, and ours");
    stage.provisioner().clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_longest_name_of_a_machine_gives_names_that_the_service_takes() {
    let stage = Stage::new();
    let name = "m".repeat(64);
    let spec = VmSpec::new(
        &name,
        "westeurope",
        "Standard_B2s",
        "Ubuntu2404".parse().unwrap(),
        GroupChoice::Create(group_name()),
    );
    let plan = plan(spec.unwrap());
    assert!(plan.names.network.len() <= 64, "{}", plan.names.network);
    assert!(plan.os_disk(0).len() <= 80 && plan.names.interface.len() <= 80);
    stage.provisioner().run(&plan).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_history_is_safe_to_send_to_a_browser() {
    let canary = Canary::new();
    let stage = Stage::new();
    let script = format!("#!/bin/sh\n# {}\n", canary.secret().expose());
    let provisioner = stage.provisioner().with_probe(Arc::new(FnProbe::new(|_| Probed::Online)));
    let plan = plan(spec().with_agent(AgentInstall::cloud_init(script)));
    provisioner.run(&plan).await.unwrap();
    let history = serde_json::to_string(&provisioner.history(&id()).await.unwrap()).unwrap();
    canary.assert_absent("the history", history.as_bytes());
    for absent in ["https://", "PRIVATE KEY", "ssh-ed25519 "] {
        assert!(!history.contains(absent), "{absent}: {history}");
    }
    for told in ["\"planned\"", "virtual machine: created", "the machine runs", "public key SHA256:"] {
        assert!(history.contains(told), "{told}: {history}");
    }
}

/// Its name is the caller's own, and ours may have been replaced by hand since.
#[tokio::test(start_paused = true)]
async fn a_machine_of_somebody_else_under_the_same_name_is_not_deleted() {
    let stage = Stage::for_group_only();
    let image = || "Ubuntu2404".parse().unwrap();
    let group = || GroupChoice::Existing(group_name());
    let spec = || VmSpec::new("web", "westeurope", "Standard_B2s", image(), group()).unwrap();
    let provisioner = stage.provisioner();
    let machine = provisioner.run(&plan(spec())).await.unwrap();
    let ours = stage.subscription().machine(&machine.machine).unwrap();
    ours.delete().await.unwrap().wait().await.unwrap();
    let other = ProvisionId::new("contoso/other").unwrap();
    provisioner.run(&ProvisionPlan::new(other.clone(), subscription_id(), spec()).unwrap()).await.unwrap();

    let kept = provisioner.clean_up(&id()).await.unwrap().kept;
    assert!(kept.is_some_and(|kept| kept.contains("web stays")));
    let there = || stage.live().iter().any(|id| id.ends_with("/virtualMachines/web"));
    assert!(there(), "it is deleted");

    // Its owner may delete it, even if somebody has taken its tags away.
    ours.update(&json!({"tags": {"owner": "nobody"}})).await.unwrap().wait().await.unwrap();
    provisioner.clean_up(&other).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

/// The intent is journalled and the request never arrives; before the run is resumed, somebody takes the name.
#[tokio::test(start_paused = true)]
async fn a_machine_that_took_the_name_after_our_intent_is_neither_changed_nor_deleted() {
    let stage = Stage::for_group_only();
    let image = || "Ubuntu2404".parse().unwrap();
    let group = || GroupChoice::Existing(group_name());
    let spec = || VmSpec::new("web", "westeurope", "Standard_B2s", image(), group()).unwrap();
    let lost = Script::new(FaultAction::DropBefore).with_method("PUT").with_path(MACHINE).forever();
    stage.emulator.faults().add(lost);
    let provisioner = stage.provisioner();
    let error = provisioner.run(&plan(spec())).await.unwrap_err();
    assert_eq!(provisioner.state(&id()).await.unwrap().steps[&Step::Machine], StepState::Intended, "{error}");
    stage.emulator.faults().clear();
    let other = ProvisionId::new("contoso/other").unwrap();
    provisioner.run(&ProvisionPlan::new(other.clone(), subscription_id(), spec()).unwrap()).await.unwrap();

    let error = provisioner.resume(&id()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None), "{error}");
    assert!(error.message().contains("exists already"), "{error}");
    assert_eq!(provisioner.state(&id()).await.unwrap().phase, Phase::CleanedUp);
    provisioner.resume(&other).await.expect("the other machine runs as before");
    let theirs = |id: &String| id.ends_with("/virtualMachines/web");
    assert!(stage.live().iter().any(theirs), "it is deleted");
}

#[tokio::test(start_paused = true)]
async fn a_key_is_not_forgotten_while_another_process_works_on_the_machine() {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    let built = provisioner.run(&plan(spec())).await.unwrap();
    let other = stage.provisioner();
    let going = stage.provisioner();
    let id = id();
    let (_, refused) = tokio::join!(going.clean_up(&id), async {
        stage.clock.sleep(Duration::from_secs(1)).await;
        other.forget_private_key(&id, &built.fingerprint).await
    });
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
}
