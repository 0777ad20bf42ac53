//! A key whose making takes seconds: nothing waits for it but the machine, and a crash loses none that was sealed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_arm::{KeyKind, ProvisionEvent, Provisioner, SshKey, Step, VmSpec};
use azconnect_core::{Clock, Error, ErrorKind, Secret, SecretId, SecretStore};
use azconnect_store::MemorySecrets;

use crate::crash::Dying;
use crate::stage::{Stage, id, plan, spec};

fn slow() -> VmSpec {
    spec().with_admin("azureuser", KeyKind::Rsa4096)
}

/// The kinds of what was recorded, each with the step that it is about.
async fn recorded(provisioner: &Provisioner) -> Vec<(&'static str, Option<Step>)> {
    provisioner.history(&id()).await.unwrap().iter().map(|entry| (entry.kind, entry.step)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_network_is_created_while_an_rsa_key_is_made() {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    let machine = provisioner.run(&plan(slow())).await.unwrap();
    let recorded = recorded(&provisioner).await;
    let at = |kind: &str, step| recorded.iter().position(|entry| *entry == (kind, step)).unwrap();
    let sealed = at("key_sealed", None);
    assert!(at("completed", Some(Step::Interface)) < sealed && sealed < at("intended", Some(Step::Machine)));
    let key = SshKey::read(provisioner.private_key(&id()).await.unwrap()).unwrap();
    assert_eq!(key.fingerprint, machine.fingerprint);
}

#[tokio::test(start_paused = true)]
async fn an_rsa_key_that_was_sealed_before_a_crash_is_the_machine_s() {
    let stage = Stage::new();
    let undisturbed = Stage::new();
    let counted = undisturbed.provisioner();
    counted.run(&plan(slow())).await.unwrap();
    let before = recorded(&counted).await.iter().position(|(kind, _)| *kind == "key_sealed").unwrap();
    let journal = Arc::new(Dying::new(stage.journal.clone(), before as u64 + 1, false));
    let dying =
        Provisioner::new(stage.subscription(), journal, Arc::new(stage.secrets.clone()), Arc::new(stage.lease.clone()));
    dying.run(&plan(slow())).await.unwrap_err();
    let provisioner = stage.provisioner();
    let died_before = recorded(&provisioner).await;
    assert!(!died_before.iter().any(|(kind, _)| *kind == "key_sealed"), "{died_before:?}");
    let name = SecretId::new("machine/contoso/web/ssh").unwrap();
    let sealed = SshKey::read(stage.secrets.get(&name).await.unwrap().expect("a sealed key")).unwrap();
    stage.clock.sleep(Duration::from_secs(60)).await;
    assert_eq!(provisioner.resume(&id()).await.unwrap().fingerprint, sealed.fingerprint);
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

/// A store whose reads fail.
struct Unread(MemorySecrets);

#[async_trait]
impl SecretStore for Unread {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        self.0.put(id, secret).await
    }

    async fn get(&self, _: &SecretId) -> Result<Option<Secret>, Error> {
        Err(Error::new(ErrorKind::Unavailable, "the store is away"))
    }

    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        self.0.remove(id).await
    }

    async fn list(&self, prefix: &str, after: Option<&SecretId>) -> Result<Vec<SecretId>, Error> {
        self.0.list(prefix, after).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_shows_before_anything_is_created() {
    for spec in [spec(), slow()] {
        let stage = Stage::new();
        let (journal, lease) = (Arc::new(stage.journal.clone()), Arc::new(stage.lease.clone()));
        let secrets = Arc::new(Unread(stage.secrets.clone()));
        let provisioner = Provisioner::new(stage.subscription(), journal, secrets, lease);
        assert_eq!(provisioner.run(&plan(spec)).await.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(stage.live(), Vec::<String>::new());
    }
}

/// The journal's event of a key has kept its place: the machine is never written without it.
#[tokio::test(start_paused = true)]
async fn every_machine_is_written_after_its_key_was_sealed() {
    for spec in [spec(), slow()] {
        let stage = Stage::new();
        let events = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = events.clone();
        let provisioner = stage.provisioner().with_observer(move |event| seen.lock().unwrap().push(event.clone()));
        provisioner.run(&plan(spec)).await.unwrap();
        let events = events.lock().unwrap();
        let sealed = events.iter().position(|event| matches!(event, ProvisionEvent::KeySealed { .. })).unwrap();
        let machine = ProvisionEvent::Intended { step: Step::Machine };
        assert!(sealed < events.iter().position(|event| *event == machine).unwrap());
    }
}
