//! A journal that was changed behind our back: nothing of another owner is opened, deleted or sent.

use std::sync::Arc;
use std::time::Duration;

use azconnect_arm::provision::{FnProbe, Probed};
use azconnect_arm::spec::ExtensionScript;
use azconnect_arm::{AgentInstall, KeyKind, ProvisionId, ProvisionPlan, Provisioner, SshKey};
use azconnect_core::{
    Append, Clock, Effect, Epoch, Error, ErrorKind, Journal, Secret, SecretId, SecretStore, Sequence, StreamId,
};
use azconnect_saga::within;
use azconnect_store::MemoryJournal;
use serde_json::{Value, json};

use crate::stage::{Stage, id, plan, spec, subscription_id};

const VICTIM: &str = "machine/victim/web/ssh";

fn stream() -> StreamId {
    StreamId::new("provision/contoso/web").unwrap()
}

/// Writes the journal anew with every payload changed.
pub(crate) async fn rewrite(stage: &mut Stage, change: impl Fn(&mut Value)) {
    let entries = stage.journal.read(&stream(), Sequence::START).await.unwrap();
    let records = entries.into_iter().map(|entry| {
        let mut record = entry.record;
        let mut payload: Value = serde_json::from_str(&record.payload).unwrap();
        change(&mut payload);
        record.payload = payload.to_string();
        record
    });
    let journal = MemoryJournal::new();
    journal.append(Append::new(stream(), Sequence::START, Epoch(1), records.collect())).await.unwrap();
    stage.journal = journal;
}

/// Changes one value of the plan, by its path.
async fn forge(stage: &mut Stage, path: &str, forged: Value) {
    rewrite(stage, |payload| {
        if let Some(found) = payload.pointer_mut(&format!("/plan{path}")) {
            *found = forged.clone();
        }
    })
    .await;
}

async fn victim(stage: &Stage) -> SecretId {
    let name = SecretId::new(VICTIM).unwrap();
    stage.secrets.put(&name, &Secret::new("the victim's secret")).await.unwrap();
    name
}

async fn built() -> (Stage, Provisioner) {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    provisioner.run(&plan(spec())).await.unwrap();
    (stage, provisioner)
}

/// Every call that reads the journal refuses it, and sends nothing.
async fn refused_everywhere(stage: &Stage, field: &str) {
    let before = stage.emulator.exchanges();
    let provisioner = stage.provisioner();
    let check = |what: &str, error: Error| {
        assert_eq!(
            (error.kind(), error.effect(), error.field()),
            (ErrorKind::Corrupt, Effect::None, Some(field)),
            "{what}"
        );
        assert!(error.advice().contains("backup"), "{what}: {}", error.advice());
    };
    check("private_key", provisioner.private_key(&id()).await.unwrap_err());
    check("forget_private_key", provisioner.forget_private_key(&id(), "SHA256:any").await.unwrap_err());
    check("resume", provisioner.resume(&id()).await.unwrap_err());
    check("run", provisioner.run(&plan(spec())).await.unwrap_err());
    check("clean_up", provisioner.clean_up(&id()).await.unwrap_err());
    check("state", provisioner.state(&id()).await.unwrap_err());
    check("progress", provisioner.progress(&id()).await.unwrap_err());
    assert_eq!(stage.emulator.exchanges(), before, "something was sent");
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_names_another_owner_s_secret_opens_and_deletes_nothing() {
    let (mut stage, _) = built().await;
    let secret = victim(&stage).await;
    forge(&mut stage, "/key", json!(VICTIM)).await;
    refused_everywhere(&stage, "plan.key").await;
    assert!(stage.secrets.get(&secret).await.unwrap().is_some(), "the victim's secret is gone");
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_another_provisioning_is_refused() {
    let (mut stage, _) = built().await;
    let secret = victim(&stage).await;
    // A whole plan that is sound in itself, copied into this stream.
    let other = ProvisionId::new("victim/web").unwrap();
    let foreign = ProvisionPlan::new(other, subscription_id(), spec()).unwrap();
    forge(&mut stage, "", serde_json::to_value(foreign).unwrap()).await;
    refused_everywhere(&stage, "plan.id").await;
    assert!(stage.secrets.get(&secret).await.unwrap().is_some(), "the victim's secret is gone");
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_names_another_owner_s_resources_deletes_nothing() {
    for name in ["security_group", "network", "public_ip", "interface", "disks"] {
        let (mut stage, _) = built().await;
        forge(&mut stage, &format!("/names/{name}"), json!("production")).await;
        refused_everywhere(&stage, "plan.names").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_another_subscription_hands_out_no_key() {
    let (mut stage, _) = built().await;
    let elsewhere = "20000000-0000-4000-8000-00000000000f".parse().unwrap();
    let foreign = ProvisionPlan::new(id(), elsewhere, spec()).unwrap();
    forge(&mut stage, "", serde_json::to_value(foreign).unwrap()).await;
    let before = stage.emulator.exchanges();
    let provisioner = stage.provisioner();
    for error in [
        provisioner.private_key(&id()).await.unwrap_err(),
        provisioner.forget_private_key(&id(), "SHA256:any").await.unwrap_err(),
        provisioner.resume(&id()).await.unwrap_err(),
        provisioner.clean_up(&id()).await.unwrap_err(),
    ] {
        assert_eq!((error.effect(), error.field()), (Effect::None, Some("subscription")));
    }
    assert_eq!(stage.emulator.exchanges(), before);
    assert!(stage.secrets.get(&SecretId::new("machine/contoso/web/ssh").unwrap()).await.unwrap().is_some());
}

/// A provisioning that stopped before its machine, with an agent whose script is sealed.
async fn stopped() -> Stage {
    let stage = Stage::new();
    let script = id().script_secret("agent").unwrap();
    stage.secrets.put(&script, &Secret::new("#!/bin/sh\necho ours\n")).await.unwrap();
    let provisioner = stage.provisioner().with_probe(Arc::new(FnProbe::new(|_| Probed::Online)));
    let plan = plan(spec().with_agent(AgentInstall::extension(ExtensionScript::Sealed(script))));
    // Dropped in the middle, as a process that is killed; then its lease runs out.
    within(&stage.clock, Duration::from_secs(2), "the run", provisioner.run(&plan)).await.unwrap_err();
    stage.clock.sleep(Duration::from_secs(60)).await;
    stage
}

#[tokio::test(start_paused = true)]
async fn a_changed_plan_sends_no_other_owner_s_secret_into_a_machine() {
    let mut stage = stopped().await;
    let secret = victim(&stage).await;
    forge(&mut stage, "/spec/agent/way/extension/sealed", json!(VICTIM)).await;
    let before = stage.emulator.exchanges();
    let error = stage.provisioner().resume(&id()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect(), error.field()),
        (ErrorKind::Corrupt, Effect::None, Some("plan.agent_script"))
    );
    assert_eq!(stage.emulator.exchanges(), before, "something was sent");
    assert!(stage.secrets.get(&secret).await.unwrap().is_some());
    // What was created can still be deleted: that opens no script.
    stage.provisioner().clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
    assert!(stage.secrets.get(&secret).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_changed_public_key_gets_into_no_machine() {
    let mut stage = stopped().await;
    let theirs = SshKey::generate(KeyKind::Ed25519).unwrap();
    rewrite(&mut stage, |payload| {
        if payload["event"] == "key_sealed" {
            payload["public"] = json!(theirs.public);
        }
    })
    .await;
    let error = stage.provisioner().resume(&id()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Corrupt, Some("public_key")));
    assert_eq!(stage.ever("Microsoft.Compute/virtualMachines"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_script_that_is_sealed_under_another_name_is_refused_before_anything_is_sent() {
    let stage = Stage::new();
    let before = stage.emulator.exchanges();
    for name in ["agent-script", VICTIM, "machine/contoso/web/ssh", "machine/contoso/web/other/script:a"] {
        let script = ExtensionScript::Sealed(SecretId::new(name).unwrap());
        let spec = spec().with_agent(AgentInstall::extension(script));
        let error = ProvisionPlan::new(id(), subscription_id(), spec.clone()).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("agent_script")), "{name}");
        assert!(error.advice().contains("script_secret"), "{}", error.advice());
        // A plan's fields can be set: it is checked again when it is run.
        let mut changed = plan(crate::stage::spec());
        changed.spec = spec;
        let error = stage.provisioner().run(&changed).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("agent_script")), "{name}");
    }
    assert_eq!(stage.emulator.exchanges(), before);
    assert!(stage.journal.latest(&stream()).await.unwrap().is_empty(), "something was journalled");
}

#[tokio::test(start_paused = true)]
async fn a_plan_with_another_key_name_is_refused_before_anything_is_journalled() {
    let stage = Stage::new();
    let mut changed = plan(spec());
    changed.key = SecretId::new(VICTIM).unwrap();
    let error = stage.provisioner().run(&changed).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("plan.key")));
    assert!(stage.journal.latest(&stream()).await.unwrap().is_empty(), "something was journalled");
}
