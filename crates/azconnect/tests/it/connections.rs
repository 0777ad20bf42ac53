//! `Connections` keeps the promises of its ports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{Clock, Effect, ErrorKind, Secret, SecretId, SecretStore};
use azconnect::credential::{
    ConnectionKeeper, ConnectionRecord, ConnectionRecords, CredentialKind, CredentialSink, Records,
};
use azconnect::store::{MemoryDocuments, MemoryJournal, MemoryLease, MemorySecrets};
use azconnect::{Azure, ConnectRequest, Connections, NewSecret, Storage};
use azconnect_emulator::{Emulator, Fault, FaultAction, Seed, Service};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::conformance::connection_keeper::{self, KeeperHarness};
use time::OffsetDateTime;

/// Longer than the life that the seed leaves the secret.
const PAST_ITS_END: Duration = Duration::from_secs(10 * 86_400);

pub(crate) struct Stage {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) emulator: Emulator,
    pub(crate) secrets: MemorySecrets,
    pub(crate) documents: MemoryDocuments,
    pub(crate) connections: Connections,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(VirtualClock::new());
        let seed = Seed::from_json(include_str!("../../doc/seed.json")).unwrap();
        let emulator = Emulator::from_seed(seed, clock.clone()).unwrap();
        let (secrets, documents) = (MemorySecrets::new(), MemoryDocuments::new());
        let azure = Azure::new(emulator.cloud(), emulator.transport(), clock.clone());
        let storage = Storage::new(
            Arc::new(MemoryJournal::new()),
            Arc::new(secrets.clone()),
            Arc::new(MemoryLease::new(clock.clone())),
            Arc::new(documents.clone()),
        );
        let connections = azure.connections(&storage);
        Self { clock, emulator, secrets, documents, connections }
    }

    pub(crate) fn records(&self) -> Records<ConnectionRecord> {
        Records::new(Arc::new(self.documents.clone()))
    }

    pub(crate) async fn sealed(&self) -> Vec<SecretId> {
        self.secrets.list("", None).await.unwrap()
    }

    /// A record that says what the one of a connection does, and something else.
    async fn overwrite(&self, change: impl FnOnce(&mut ConnectionRecord)) {
        let records = self.records();
        let mut held = records.get(&"shop".parse().unwrap()).await.unwrap().unwrap();
        change(&mut held.value);
        records.replace(&held.value, held.revision).await.unwrap();
    }
}

pub(crate) fn request(id: &str) -> ConnectRequest {
    ConnectRequest::new(
        id.parse().unwrap(),
        "22222222-2222-4222-8222-222222222222".parse().unwrap(),
        "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap(),
        "a0000000-0000-4000-8000-000000000002".parse().unwrap(),
    )
}

#[async_trait]
impl KeeperHarness for Stage {
    fn keeper(&self) -> Arc<dyn ConnectionKeeper> {
        Arc::new(self.connections.clone())
    }
    fn records(&self) -> Arc<dyn ConnectionRecords> {
        Arc::new(self.connections.clone())
    }
    fn request(&self) -> ConnectRequest {
        request("shop")
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
        self.sealed().await.len()
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
    let id = stage.connections.connect(stage.request(), stage.working_secret()).await.unwrap().record.id;
    let exchanges = stage.emulator.exchanges();
    stage
        .overwrite(|record| {
            let CredentialKind::ClientSecret { secret, ends_at, .. } = record.credential.clone() else { panic!() };
            record.credential = CredentialKind::Certificate { secret, ends_at };
        })
        .await;
    let tested = stage.connections.test(&id).await.unwrap_err();
    let signed_in = stage.connections.identity(&id).await.err().unwrap();
    for error in [tested, signed_in] {
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, Effect::None));
        assert_eq!(error.field(), Some("connection.credential"));
        assert!(error.message().contains("certificate") && error.advice().contains("client secret"), "{error}");
    }
    assert_eq!(stage.emulator.exchanges(), exchanges);
    // What was stored for it can still be destroyed.
    stage.connections.disconnect(&id).await.unwrap();
    assert_eq!(stage.kept().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_not_sent_to_the_login_of_another_cloud() {
    let stage = Stage::new();
    let id = stage.connections.connect(stage.request(), stage.working_secret()).await.unwrap().record.id;
    let exchanges = stage.emulator.exchanges();
    stage.overwrite(|record| record.cloud = Some("AzureChinaCloud".to_owned())).await;
    let replaced = stage.connections.replace_secret(&id, NewSecret::new(stage.working_secret())).await;
    for error in [stage.connections.test(&id).await.unwrap_err(), replaced.unwrap_err()] {
        assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("connection.cloud")), "{error}");
        assert!(error.message().contains("AzureChinaCloud"), "{error}");
    }
    assert_eq!(stage.emulator.exchanges(), exchanges);
}

/// An application that may read itself finds out which of its keys it was given, so that a rotation retires that one.
#[tokio::test(start_paused = true)]
async fn the_key_and_its_end_are_found_by_the_hint_where_the_application_may_read_itself() {
    let stage = Stage::new();
    let mut own = request("operator");
    own.client = "a0000000-0000-4000-8000-000000000001".parse().unwrap();
    let key = stage.emulator.truth().application(own.client).unwrap().passwords[0].key_id;
    let secret = stage.emulator.secret_of(key).unwrap();
    let record = stage.connections.connect(own, secret).await.unwrap().record;
    let CredentialKind::ClientSecret { key: found, ends_at, .. } = record.credential else { panic!() };
    assert_eq!(found, Some(key));
    assert!(ends_at.is_some());
    // One that may not is connected all the same.
    let record = stage.connections.connect(request("shop"), stage.working_secret()).await.unwrap().record;
    assert!(matches!(record.credential, CredentialKind::ClientSecret { key: None, ends_at: None, .. }));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_minted_seconds_ago_is_pending_and_not_wrong() {
    let stage = Stage::new();
    let unknown = || Secret::new("Abc8Q~a.secret.that.no.replica.knows.yet");
    let new = request("shop").with_minted_at(stage.clock.now() - Duration::from_secs(5));
    let error = stage.connections.connect(new, unknown()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None), "{error:?}");
    assert!(
        matches!(error.retry(), azconnect::core::Retry::After(_)) && error.message().contains("not know"),
        "{error:?}"
    );
    let old = request("shop").with_minted_at(stage.clock.now() - Duration::from_secs(86_400));
    let error = stage.connections.connect(old, unknown()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
    assert_eq!(stage.kept().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_the_product_kept_is_adopted_with_its_secret() {
    let stage = Stage::new();
    let connected = stage.connections.connect(stage.request(), stage.working_secret()).await.unwrap().record;
    // As the first format had it, in a database of the product's own.
    let mut value = serde_json::to_value(&connected).unwrap();
    for later in ["version", "cloud", "created_at", "changed_at"] {
        value.as_object_mut().unwrap().remove(later);
    }
    let kept: ConnectionRecord = serde_json::from_value(value).unwrap();
    let held = stage.records().get(&"shop".parse().unwrap()).await.unwrap().unwrap();
    stage.records().remove(&"shop".parse().unwrap(), held.revision).await.unwrap();
    assert_eq!(stage.connections.test(&kept.id).await.unwrap_err().kind(), ErrorKind::NotFound);

    let adopted = stage.connections.adopt(&kept).await.unwrap();
    assert_eq!((adopted.credential, adopted.cloud), (connected.credential, connected.cloud));
    assert!(stage.connections.test(&kept.id).await.unwrap().is_accepted());
    assert_eq!(stage.connections.adopt(&kept).await.unwrap_err().kind(), ErrorKind::Conflict);
    let mut stranger = kept.clone();
    stranger.id = "stranger".parse().unwrap();
    assert_eq!(stage.connections.adopt(&stranger).await.unwrap_err().kind(), ErrorKind::Corrupt);
    stage.connections.disconnect(&kept.id).await.unwrap();
    assert_eq!(stage.connections.adopt(&kept).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_forgets_what_no_record_names_once_it_is_old() {
    let (stage, day) = (Stage::new(), Duration::from_secs(86_400));
    stage.connections.connect(stage.request(), stage.working_secret()).await.unwrap();
    let named = stage.sealed().await;
    // As a crash leaves it: sealed for a connection, and named by no record.
    let orphan = stage.connections.connect(request("orphan"), stage.working_secret()).await.unwrap().record;
    let held = stage.records().get(&"orphan".parse().unwrap()).await.unwrap().unwrap();
    stage.records().remove(&"orphan".parse().unwrap(), held.revision).await.unwrap();
    let CredentialKind::ClientSecret { secret: orphan, .. } = orphan.credential else { panic!() };
    // Of an earlier version of this program, and of another part of it.
    let older = "connection/4b6f0c/7c9e6679-7425-40de-944b-e07fc1f90ae7".parse().unwrap();
    for name in [&older, &"own-secret/a".parse().unwrap()] {
        stage.secrets.put(name, &Secret::new("not a connection's of today")).await.unwrap();
    }

    let young = stage.connections.sweep(day).await.unwrap();
    assert!(young.forgotten.is_empty());
    assert_eq!(young.kept.iter().collect::<Vec<_>>().len(), 2);
    stage.clock.sleep(day).await;
    let old = stage.connections.sweep(day).await.unwrap();
    assert_eq!((old.forgotten, old.kept), (vec![orphan], vec![older]));
    assert_eq!(stage.kept().await, 3);
    assert!(stage.sealed().await.contains(&named[0]));
    assert!(stage.connections.identity(&"shop".parse().unwrap()).await.is_ok());
    let hasty = stage.connections.sweep(Duration::from_secs(60)).await.unwrap_err();
    assert_eq!((hasty.kind(), hasty.field()), (ErrorKind::InvalidInput, Some("age")));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_stops_where_the_records_are_not_those_of_the_secrets() {
    let (stage, day) = (Stage::new(), Duration::from_secs(86_400));
    stage.connections.connect(stage.request(), stage.working_secret()).await.unwrap();
    stage.connections.connect(request("other"), stage.working_secret()).await.unwrap();
    stage.clock.sleep(day * 2).await;
    // An empty store of records beside the sealed secrets: the wrong one, or one that was restored.
    let azure = Azure::new(stage.emulator.cloud(), stage.emulator.transport(), stage.clock.clone());
    let empty = Storage::in_memory(stage.clock.clone());
    let storage = Storage::new(empty.journal(), Arc::new(stage.secrets.clone()), empty.lease(), empty.documents());
    assert_eq!(azure.connections(&storage).sweep(day).await.unwrap_err().kind(), ErrorKind::Conflict);
    // A record of a later version may name anything.
    let key = azconnect::core::DocumentKey::new("connections".parse().unwrap(), "later".parse().unwrap());
    let later = azconnect::core::Document::new(r#"{"version":99,"id":"later"}"#);
    azconnect::core::DocumentStore::insert(&stage.documents, &key, &later).await.unwrap();
    assert_eq!(stage.connections.sweep(day).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(stage.kept().await, 2);
    // It hides no other from a list.
    let page = stage.connections.list(&azconnect::ConnectionQuery::new()).await.unwrap();
    assert_eq!((page.connections.len(), page.unreadable.len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_is_told_who_stays_and_what_cannot_be_seen() {
    let stage = Stage::new();
    let azure = Azure::new(stage.emulator.cloud(), stage.emulator.transport(), stage.clock.clone());
    let empty = Storage::in_memory(stage.clock.clone());
    let storage = Storage::new(
        empty.journal(),
        Arc::new(stage.secrets.clone()),
        empty.lease(),
        Arc::new(stage.documents.clone()),
    );
    for id in ["one", "two"] {
        stage.connections.connect(request(id), stage.working_secret()).await.unwrap();
    }
    let ended = azure.disconnect(&storage, &"one".parse().unwrap()).await.unwrap().unwrap();
    assert!(!ended.rotation_ended, "the other one's rotation goes on");
    assert_eq!(ended.shares_application_with, ["two".parse().unwrap()]);
    assert_eq!(ended.machines.unwrap(), []);
    stage.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(Service::ResourceManager).forever());
    let ended = azure.disconnect(&storage, &"two".parse().unwrap()).await.unwrap().unwrap();
    assert!(ended.rotation_ended && ended.shares_application_with.is_empty());
    assert!(ended.machines.is_err(), "what cannot be seen is not nothing");
    assert_eq!(stage.kept().await, 0);
}

/// A customer disconnects, and connects again under the same name with another application.
#[tokio::test(start_paused = true)]
async fn a_connection_of_another_application_keeps_its_secret() {
    use azconnect::credential::Candidate;
    let stage = Stage::new();
    let record = stage.connections.connect(stage.request(), stage.working_secret()).await.unwrap().record;
    let stranger: azconnect::core::ClientId = "a0000000-0000-4000-8000-0000000000ff".parse().unwrap();
    let pushed = Secret::new("Abc8Q~a.secret.of.the.former.application");
    let sink = stage.connections.sink(&record.id).unwrap();
    assert!(sink.clone().with_application(record.tenant, record.client).inspect().await.unwrap().accepts());
    for (tenant, client) in [(record.tenant, stranger), (stranger.to_string().parse().unwrap(), record.client)] {
        let sink = sink.clone().with_application(tenant, client);
        let report = sink.inspect().await.unwrap();
        assert!(!report.accepts() && report.checks.of("other-application").is_some(), "{report:?}");
        let error = sink.push(&Candidate::new(&pushed)).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None), "{error:?}");
    }
    assert_eq!(stage.connections.get(&record.id).await.unwrap().unwrap().credential, record.credential);
    assert_eq!(stage.kept().await, 1);
}

/// What a rotation's consumer does is checked here and not by the suite of the port: its secrets must be real ones.
#[tokio::test(start_paused = true)]
async fn a_connection_is_a_consumer_of_its_applications_secret() {
    use azconnect::credential::{Candidate, CredentialVerdict};
    let stage = Stage::new();
    let before = stage.connections.connect(stage.request(), stage.working_secret()).await.unwrap().record;
    let sink = stage.connections.sink(&before.id).unwrap();
    assert!(sink.inspect().await.unwrap().accepts());
    assert_eq!(sink.id().as_str(), "connection:shop");

    let (new, other) = (stage.working_secret(), Secret::new("Abc8Q~a.secret.that.nobody.has.ever.minted"));
    let ends_at: OffsetDateTime = stage.clock.now() + Duration::from_secs(86_400);
    let same = sink.push(&Candidate::new(&new)).await.unwrap();
    assert_eq!(stage.connections.get(&before.id).await.unwrap().unwrap().credential, before.credential);
    assert!(sink.verify(&Candidate::new(&new).with_revision(same.revision.as_deref())).await.is_accepted());

    // Whether it works is for the rotation to find out before it pushes; what was pushed is what is held.
    let receipt = sink.push(&Candidate::new(&other).with_ends_at(ends_at)).await.unwrap();
    let after = stage.connections.get(&before.id).await.unwrap().unwrap();
    assert_eq!(after.credential.ends_at(), Some(ends_at));
    assert_eq!(stage.kept().await, 1, "the former one is forgotten");
    let pushed = Candidate::new(&other).with_revision(receipt.revision.as_deref());
    assert_eq!(sink.verify(&pushed).await.verdict, CredentialVerdict::Rejected);
    assert_eq!(sink.verify(&pushed).await.service_code(), Some("AADSTS7000215"), "asked, and refused");
    let overtaken = Candidate::new(&new).with_revision(same.revision.as_deref());
    assert_eq!(sink.verify(&overtaken).await.service_code(), None, "not asked: it holds another one");
    sink.push(&Candidate::new(&new)).await.unwrap();
    assert!(sink.verify(&Candidate::new(&new)).await.is_accepted());

    stage.connections.disconnect(&before.id).await.unwrap();
    assert_eq!(sink.push(&Candidate::new(&new)).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(sink.verify(&Candidate::new(&new)).await.verdict, CredentialVerdict::Inconclusive);
    assert_eq!(stage.kept().await, 0, "nothing is sealed for a connection that is gone");
}
