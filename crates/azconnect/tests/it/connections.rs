//! `Connections` keeps the promises of its port.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{Clock, Effect, Error, ErrorKind, Secret, SecretId, SecretStore};
use azconnect::credential::{ConnectionKeeper, CredentialKind};
use azconnect::store::MemorySecrets;
use azconnect::{Azure, ConnectRequest, Connections};
use azconnect_emulator::{Emulator, Fault, FaultAction, Seed, Service};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::conformance::connection_keeper::{self, KeeperHarness};

/// Longer than the life that the seed leaves the secret.
const PAST_ITS_END: Duration = Duration::from_secs(10 * 86_400);

/// Sealed secrets in memory, counted.
#[derive(Default)]
struct Counted {
    secrets: MemorySecrets,
    names: Mutex<HashSet<SecretId>>,
}

#[async_trait]
impl SecretStore for Counted {
    async fn put(&self, id: &SecretId, secret: &Secret) -> Result<(), Error> {
        self.secrets.put(id, secret).await?;
        self.names.lock().unwrap().insert(id.clone());
        Ok(())
    }
    async fn get(&self, id: &SecretId) -> Result<Option<Secret>, Error> {
        self.secrets.get(id).await
    }
    async fn remove(&self, id: &SecretId) -> Result<(), Error> {
        self.names.lock().unwrap().remove(id);
        self.secrets.remove(id).await
    }
}

struct Stage {
    clock: Arc<VirtualClock>,
    emulator: Emulator,
    secrets: Arc<Counted>,
    connections: Connections,
}

impl Stage {
    fn new() -> Self {
        let clock = Arc::new(VirtualClock::new());
        let seed = Seed::from_json(include_str!("../../doc/seed.json")).unwrap();
        let emulator = Emulator::from_seed(seed, clock.clone()).unwrap();
        let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());
        let secrets = Arc::new(Counted::default());
        let connections = Connections::new(azure, secrets.clone());
        Self { clock, emulator, secrets, connections }
    }
}

#[async_trait]
impl KeeperHarness for Stage {
    fn keeper(&self) -> Arc<dyn ConnectionKeeper> {
        Arc::new(self.connections.clone())
    }
    fn request(&self) -> ConnectRequest {
        ConnectRequest::new(
            "shop".parse().unwrap(),
            "22222222-2222-4222-8222-222222222222".parse().unwrap(),
            "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap(),
            "a0000000-0000-4000-8000-000000000002".parse().unwrap(),
        )
    }
    fn working_secret(&self) -> Secret {
        self.emulator.secret_of("b0000000-0000-4000-8000-000000000002".parse().unwrap()).unwrap()
    }
    async fn end_secrets(&self) {
        self.clock.sleep(PAST_ITS_END).await;
    }
    async fn disconnect_service(&self) {
        let broken = Fault::new(FaultAction::DropBefore).with_service(Service::Login).forever();
        self.emulator.faults().add(broken);
    }
    async fn kept(&self) -> usize {
        self.secrets.names.lock().unwrap().len()
    }
}

#[tokio::test(start_paused = true)]
async fn connections_conform() {
    connection_keeper::all(async || Stage::new()).await;
}

/// A certificate's private key lies sealed under the same kind of name, and would be sent to Entra ID as if it were a secret.
#[tokio::test(start_paused = true)]
async fn a_record_of_a_certificate_is_refused_before_anything_is_opened_or_sent() {
    let stage = Stage::new();
    let mut record = stage.connections.connect(stage.request(), stage.working_secret()).await.unwrap();
    let exchanges = stage.emulator.exchanges();
    let CredentialKind::ClientSecret { secret, ends_at, .. } = record.credential else { panic!("a client secret") };
    record.credential = CredentialKind::Certificate { secret, ends_at };
    let tested = stage.connections.test(&record).await.unwrap_err();
    let signed_in = stage.connections.identity(&record).await.err().unwrap();
    for error in [tested, signed_in] {
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, Effect::None));
        assert_eq!(error.field(), Some("connection.credential"));
        assert!(error.message().contains("certificate") && error.advice().contains("client secret"), "{error}");
    }
    assert_eq!(stage.emulator.exchanges(), exchanges);
    // What was stored for it can still be destroyed.
    stage.connections.disconnect(&record).await.unwrap();
    assert_eq!(stage.kept().await, 0);
}
