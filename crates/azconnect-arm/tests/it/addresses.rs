//! The signed addresses of operations: sealed while they are needed, forgotten afterwards, and never journalled.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_arm::provision::{FnProbe, Probed, StepState};
use azconnect_arm::spec::ExtensionScript;
use azconnect_arm::{AgentInstall, Arm, OnFailure, Phase, ProvisionPlan, Provisioner, Step, VmSpec};
use azconnect_core::{
    Append, Clock, Effect, Entry, Error, ErrorKind, Journal, Secret, SecretId, SecretStore, Sequence, StreamId,
};
use azconnect_emulator::arm::Failure;
use azconnect_emulator::{Fault, FaultAction, Intervention};
use azconnect_http::{Pipeline, Transport};
use azconnect_saga::within;
use azconnect_store::{MemoryJournal, MemorySecrets};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::forged::rewrite;
use crate::stage::{Stage, id, plan, spec, subscription_id};

/// Journal and secrets of a process that dies before or after one of its writes to either.
struct Mortal {
    journal: MemoryJournal,
    secrets: MemorySecrets,
    /// What is sealed, by name: the store itself lists nothing.
    sealed: Mutex<BTreeMap<String, String>>,
    writes: AtomicU64,
    dies: Option<(u64, bool)>,
}

impl Mortal {
    fn new(stage: &Stage, dies: Option<(u64, bool)>) -> Arc<Self> {
        let (journal, secrets) = (stage.journal.clone(), stage.secrets.clone());
        Arc::new(Self { journal, secrets, sealed: Mutex::default(), writes: AtomicU64::new(0), dies })
    }

    /// The next process, with what the one before it left.
    fn reborn(&self) -> Arc<Self> {
        let (journal, secrets) = (self.journal.clone(), self.secrets.clone());
        let sealed = Mutex::new(self.sealed.lock().unwrap().clone());
        Arc::new(Self { journal, secrets, sealed, writes: AtomicU64::new(0), dies: None })
    }

    /// Whether the process dies before this write, or after it.
    fn write(&self) -> Result<bool, Error> {
        let number = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        match self.dies {
            Some((at, after)) if number > at || (number == at && !after) => Err(dead()),
            Some((at, true)) => Ok(number == at),
            _ => Ok(false),
        }
    }

    fn names(&self) -> Vec<String> {
        self.sealed.lock().unwrap().keys().cloned().collect()
    }
}

fn dead() -> Error {
    Error::new(ErrorKind::Unavailable, "the process died")
}

#[async_trait]
impl Journal for Mortal {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        let dies = self.write()?;
        let sequence = self.journal.append(append).await?;
        if dies { Err(dead()) } else { Ok(sequence) }
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

#[async_trait]
impl SecretStore for Mortal {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        let dies = self.write()?;
        self.secrets.put(id, secret).await?;
        self.sealed.lock().unwrap().insert(id.to_string(), secret.expose().to_owned());
        if dies { Err(dead()) } else { Ok(()) }
    }

    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        self.secrets.get(id).await
    }

    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        let dies = self.write()?;
        self.secrets.remove(id).await?;
        self.sealed.lock().unwrap().remove(id.as_str());
        if dies { Err(dead()) } else { Ok(()) }
    }

    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        self.secrets.list(prefix, after).await
    }
}

fn provisioner(stage: &Stage, mortal: &Arc<Mortal>) -> Provisioner {
    Provisioner::new(stage.subscription(), mortal.clone(), mortal.clone(), Arc::new(stage.lease.clone()))
        .with_probe(Arc::new(FnProbe::new(|_| Probed::Online)))
}

/// With a sealed script, and two zones, of which the first lacks capacity.
async fn whole(stage: &Stage, secrets: &dyn SecretStore) -> ProvisionPlan {
    let fault = Fault::new(FaultAction::Fail(Failure::new("ZonalAllocationFailed").in_operation()))
        .with_method("PUT")
        .with_path("/virtualMachines/web?")
        .with_count(1);
    stage.emulator.faults().add(fault);
    let script = id().script_secret("agent").unwrap();
    secrets.put(&script, &Secret::new("#!/bin/sh\necho ours\n")).await.unwrap();
    let install = AgentInstall::extension(ExtensionScript::Sealed(script));
    plan(spec().with_zone("1").with_zone("2").with_agent(install))
}

const KEPT: [&str; 2] = ["machine/contoso/web/script:agent", "machine/contoso/web/ssh"];

#[tokio::test(start_paused = true)]
async fn no_payload_of_a_whole_provisioning_holds_a_signed_address() {
    let stage = Stage::new();
    let mortal = Mortal::new(&stage, None);
    let provisioner = provisioner(&stage, &mortal);
    let plan = whole(&stage, &*mortal).await;
    let seen = Arc::new(Mutex::new(0));
    let (signed, watched) = (seen.clone(), mortal.clone());
    let provisioner = provisioner.with_observer(move |_| {
        let sealed = watched.sealed.lock().unwrap();
        *signed.lock().unwrap() +=
            sealed.values().filter(|text| text.contains("&c=MII") && text.contains("&s=")).count();
    });
    provisioner.run(&plan).await.unwrap();
    assert_eq!(mortal.names(), KEPT, "an address outlived its operation");
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(mortal.names(), KEPT[..1], "an address outlived its operation");
    assert!(*seen.lock().unwrap() > 10, "the emulator signed no address: the test proves nothing");

    let entries = stage.journal.read(&StreamId::new("provision/contoso/web").unwrap(), Sequence::START).await.unwrap();
    let kinds: Vec<&str> = entries.iter().map(|entry| entry.record.kind.as_str()).collect();
    for kind in ["accepted", "fell_back", "removing", "cleaned_up"] {
        assert!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
    for entry in &entries {
        for part in ["https://", "?t=", "&t=", "&c=", "&s=", "&h=", "api-version", "MII"] {
            assert!(!entry.record.payload.contains(part), "{} holds {part}", entry.record.kind);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_at_every_write_no_address_is_left() {
    for after in [false, true] {
        for at in 1.. {
            let name = format!("write {at}, dead after it: {after}");
            let stage = Stage::new();
            let plan = whole(&stage, &stage.secrets).await;
            let mortal = Mortal::new(&stage, Some((at, after)));
            let died = provisioner(&stage, &mortal).run(&plan).await.is_err();
            // A process that died gives no lease back, and appends nothing more.
            stage.clock.sleep(Duration::from_secs(60)).await;
            let reborn = mortal.reborn();
            let next = provisioner(&stage, &reborn);
            next.run(&plan).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(reborn.names(), KEPT[1..], "{name}");
            next.clean_up(&id()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!((reborn.names(), stage.live()), (Vec::new(), Vec::new()), "{name}");
            if !died {
                assert!(at > 40, "only {at} writes");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clean_up_killed_at_every_write_leaves_no_address() {
    for after in [false, true] {
        for at in 1.. {
            let name = format!("write {at}, dead after it: {after}");
            let stage = Stage::new();
            let plan = whole(&stage, &stage.secrets).await;
            let first = Mortal::new(&stage, None);
            provisioner(&stage, &first).run(&plan).await.unwrap();
            let mortal = Mortal { dies: Some((at, after)), ..Arc::into_inner(first.reborn()).unwrap() };
            let mortal = Arc::new(mortal);
            let died = provisioner(&stage, &mortal).clean_up(&id()).await.is_err();
            stage.clock.sleep(Duration::from_secs(60)).await;
            let reborn = mortal.reborn();
            provisioner(&stage, &reborn).clean_up(&id()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!((reborn.names(), stage.live()), (Vec::new(), Vec::new()), "{name}");
            if !died {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_built_again_and_again_leaves_no_address() {
    let stage = Stage::new();
    let mortal = Mortal::new(&stage, None);
    let provisioner = provisioner(&stage, &mortal);
    for _ in 0..3 {
        provisioner.run(&plan(spec())).await.unwrap();
        assert_eq!(mortal.names(), KEPT[1..]);
        provisioner.clean_up(&id()).await.unwrap();
        assert_eq!(mortal.names(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_step_that_is_kept_is_written_again_and_not_found_failed_for_ever() {
    let stage = Stage::new();
    let fault = Fault::new(FaultAction::Fail(Failure::new("InternalExecutionError").in_operation()))
        .with_method("PUT")
        .with_path("/virtualMachines/web?")
        .with_count(3);
    stage.emulator.faults().add(fault);
    let mortal = Mortal::new(&stage, None);
    let provisioner = provisioner(&stage, &mortal);
    let kept: VmSpec = spec().with_on_failure(OnFailure::Keep);
    provisioner.run(&plan(kept)).await.unwrap_err();
    assert_eq!(provisioner.state(&id()).await.unwrap().phase, Phase::Failed);
    assert_eq!(mortal.names(), KEPT[1..], "the address of an operation that ended is left");
    provisioner.resume(&id()).await.unwrap();
}

/// A provisioning that was killed while the network's parts were being created.
async fn interrupted(stage: &Stage) {
    within(&stage.clock, Duration::from_secs(2), "the run", stage.provisioner().run(&plan(spec()))).await.unwrap_err();
    stage.clock.sleep(Duration::from_secs(60)).await;
}

fn sealed_network() -> SecretId {
    SecretId::new("machine/contoso/web/operation:network:0").unwrap()
}

/// What a version wrote that knew no sealed addresses.
async fn in_the_clear(stage: &mut Stage, change: impl Fn(&mut Value)) -> String {
    let held = stage.secrets.get(&sealed_network()).await.unwrap().expect("a network that is being created");
    let mut held: Value = serde_json::from_str(held.expose()).unwrap();
    let status = held["operation"]["status"].as_str().unwrap().to_owned();
    let path = url::Url::parse(&status).unwrap().path().to_owned();
    change(&mut held["operation"]);
    rewrite(stage, |payload| {
        if payload["event"] == "accepted" && payload["step"] == "network" {
            payload["operation"] = held["operation"].clone();
        }
    })
    .await;
    stage.secrets.remove(&sealed_network()).await.unwrap();
    path
}

/// Every path that is asked from now on, with its method.
fn asked(stage: &Stage) -> Arc<Mutex<Vec<String>>> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    stage.emulator.on_exchange(Arc::new(move |exchange| {
        seen.lock().unwrap().push(format!("{} {}", exchange.method, exchange.path));
        Intervention::Proceed
    }));
    asked
}

#[tokio::test(start_paused = true)]
async fn an_address_that_an_earlier_version_journalled_in_the_clear_is_still_polled() {
    let mut stage = Stage::new();
    interrupted(&stage).await;
    let status = in_the_clear(&mut stage, |_| {}).await;
    let asked = asked(&stage);
    stage.provisioner().resume(&id()).await.unwrap();
    let asked = asked.lock().unwrap();
    assert!(asked.contains(&format!("GET {status}")), "{asked:#?}");
    let written = |one: &&String| one.starts_with("PUT ") && one.contains("/virtualNetworks/");
    assert_eq!(asked.iter().filter(written).count(), 0, "what goes on already was written again");
}

/// The emulator, and a service elsewhere that says to everything that it has succeeded.
struct Elsewhere {
    emulator: Arc<dyn Transport>,
    heard: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Elsewhere {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, Error> {
        if request.uri().host() == Some("management.azure.com") {
            return self.emulator.send(request).await;
        }
        self.heard.lock().unwrap().push(format!("{} {:?}", request.uri(), request.headers()));
        Ok(http::Response::new(r#"{"status":"Succeeded"}"#.into()))
    }
}

impl Elsewhere {
    fn new(stage: &Stage) -> Arc<Self> {
        Arc::new(Self { emulator: stage.emulator.transport(), heard: Mutex::default() })
    }

    fn provisioner(self: &Arc<Self>, stage: &Stage) -> Provisioner {
        let pipeline = Pipeline::new(self.clone(), Arc::new(stage.clock.clone()));
        let arm = Arm::new(pipeline, &stage.emulator.cloud(), stage.sign_in());
        stage.provisioner_in(arm.subscription(subscription_id()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_address_in_the_journal_gets_no_token_and_is_not_believed() {
    for field in ["status", "location", "resource"] {
        let mut stage = Stage::new();
        interrupted(&stage).await;
        in_the_clear(&mut stage, |operation| operation[field] = json!("https://evil.example/op?t=1&c=2&s=3")).await;
        let elsewhere = Elsewhere::new(&stage);
        let provisioner = elsewhere.provisioner(&stage);
        let error = provisioner.resume(&id()).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{field}: {error:?}");
        assert_eq!(error.field(), Some(format!("operation.{field}").as_str()));
        assert_eq!(*elsewhere.heard.lock().unwrap(), Vec::<String>::new(), "{field}");
        let state = provisioner.state(&id()).await.unwrap();
        assert!(matches!(state.steps[&Step::Network], StepState::Accepted(_)), "{field}: {:?}", state.steps);
        // A clean-up polls no creation, so it needs none of these addresses.
        provisioner.clean_up(&id()).await.unwrap();
        assert_eq!((stage.live(), elsewhere.heard.lock().unwrap().len()), (Vec::new(), 0), "{field}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_address_of_a_deletion_gets_no_token_and_is_not_believed() {
    for field in ["status", "location", "resource"] {
        let mut stage = Stage::new();
        stage.provisioner().run(&plan(spec())).await.unwrap();
        within(&stage.clock, Duration::from_secs(2), "it", stage.provisioner().clean_up(&id())).await.unwrap_err();
        stage.clock.sleep(Duration::from_secs(60)).await;
        let name = SecretId::new("machine/contoso/web/operation:machine:1").unwrap();
        let held = stage.secrets.get(&name).await.unwrap().expect("a machine that is being deleted");
        let mut held: Value = serde_json::from_str(held.expose()).unwrap();
        held["operation"][field] = json!("https://evil.example/op?t=1&c=2&s=3");
        rewrite(&mut stage, |payload| {
            if payload["event"] == "removing" {
                payload["operation"] = held["operation"].clone();
            }
        })
        .await;
        let elsewhere = Elsewhere::new(&stage);
        let provisioner = elsewhere.provisioner(&stage);
        let error = provisioner.clean_up(&id()).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{field}: {error:?}");
        assert_eq!(*elsewhere.heard.lock().unwrap(), Vec::<String>::new(), "{field}");
        let state = provisioner.state(&id()).await.unwrap();
        assert!(matches!(state.steps[&Step::Machine], StepState::Removing(_)), "{field}: {:?}", state.steps);
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_whose_address_is_gone_is_begun_again() {
    let stage = Stage::new();
    interrupted(&stage).await;
    stage.secrets.remove(&sealed_network()).await.unwrap();
    stage.provisioner().resume(&id()).await.unwrap();
    stage.provisioner().clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_operation_of_another_resource_is_not_believed() {
    let mut stage = Stage::new();
    interrupted(&stage).await;
    in_the_clear(&mut stage, |operation| {
        let resource = operation["resource"].as_str().unwrap().replace("rg-web", "rg-production");
        operation["resource"] = json!(resource);
    })
    .await;
    let before = stage.emulator.exchanges();
    let error = stage.provisioner().resume(&id()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Corrupt, Some("operation.resource")));
    let ours = stage.emulator.exchanges() - before;
    assert!(ours <= 8, "{ours} exchanges: the other parts only");
}

#[tokio::test(start_paused = true)]
async fn the_success_of_a_write_is_not_taken_for_that_of_a_deletion() {
    let stage = Stage::new();
    interrupted(&stage).await;
    let held = stage.secrets.get(&sealed_network()).await.unwrap().unwrap();
    let provisioner = stage.provisioner();
    // Killed while the network is being deleted; then somebody puts the address of its creation in that place.
    let deleted = SecretId::new("machine/contoso/web/operation:network:1").unwrap();
    for _ in 0..600 {
        if stage.secrets.get(&deleted).await.unwrap().is_some() {
            break;
        }
        within(&stage.clock, Duration::from_secs(1), "the clean-up", provisioner.clean_up(&id())).await.unwrap_err();
        stage.clock.sleep(Duration::from_secs(60)).await;
    }
    stage.secrets.remove(&deleted).await.unwrap();
    stage.secrets.put(&deleted, &held).await.unwrap();
    let error = provisioner.clean_up(&id()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::Corrupt, Some("operation")));
    let state = provisioner.state(&id()).await.unwrap();
    assert!(matches!(state.steps[&Step::Network], StepState::Removing(_)), "{:?}", state.steps);
}
