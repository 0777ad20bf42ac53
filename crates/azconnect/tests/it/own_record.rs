//! `SealedOwnRecord` keeps the promises of its port, in memory and in SQLite; and two processes share one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{
    Append, ClientId, Clock, Effect, Error, ErrorKind, Integrity, Journal, Record, Secret, SecretId, SecretStore,
    StreamId, TenantId,
};
use azconnect::credential::Candidate;
use azconnect::identity::OwnRecord;
use azconnect::rotation::{Policy, RotationOutcome, SinkBinding};
use azconnect::store::SqliteStore;
use azconnect::{Azure, SealedOwnRecord, Storage};
use azconnect_emulator::{Emulator, Seed, Settings};
use azconnect_testkit::conformance::own_record::{self, OwnRecordHarness};
use azconnect_testkit::{Canary, VirtualClock};
use rusqlite::Connection;
use tempfile::TempDir;

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
const OPERATOR: &str = "a0000000-0000-4000-8000-000000000001";
const SECRET: &str = "Emu8Q~a.secret.of.this.example.only_0001";

fn tenant() -> TenantId {
    TENANT.parse().unwrap()
}

fn operator() -> ClientId {
    OPERATOR.parse().unwrap()
}

/// A cloud, and the folder of the product's database.
struct Stage {
    clock: Arc<VirtualClock>,
    emulator: Emulator,
    folder: TempDir,
}

impl Stage {
    fn new() -> Self {
        let clock = Arc::new(VirtualClock::new());
        let seed = Seed::from_json(include_str!("../../doc/seed.json")).unwrap();
        let emulator = Emulator::from_seed(seed, clock.clone()).unwrap().with_settings(Settings::realistic());
        Self { clock, emulator, folder: tempfile::tempdir().unwrap() }
    }

    fn azure(&self) -> Azure {
        Azure::new(self.emulator.cloud(), self.emulator.transport(), self.clock.clone())
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// The storage as one more process opens it.
    async fn store(&self) -> Arc<SqliteStore> {
        let key = self.folder.path().join("seal.key");
        Arc::new(SqliteStore::open_with_key_file(self.database(), key, self.clock.clone()).await.unwrap())
    }

    async fn record(&self) -> SealedOwnRecord {
        self.azure().own_record(&Storage::of(self.store().await), operator()).unwrap()
    }

    fn tamper(&self, sql: &str) {
        Connection::open(self.database()).unwrap().execute_batch(sql).unwrap();
    }
}

/// A record in SQLite, opened anew for every question.
struct InSqlite {
    stage: Stage,
    record: SealedOwnRecord,
}

#[async_trait]
impl OwnRecordHarness for InSqlite {
    fn record(&self) -> Arc<dyn OwnRecord> {
        Arc::new(self.record.clone())
    }
    async fn after_restart(&self) -> Secret {
        let repair = "UPDATE journal SET changes = changes - 1000000 WHERE changes >= 1000000";
        self.stage.tamper(repair);
        self.stage.record().await.load().await.unwrap().unwrap()
    }
    async fn break_storage(&self) {
        // Totals that bear no true mark: no append is done any more. No trigger of ours would run.
        self.stage.tamper("UPDATE journal SET changes = changes + 1000000");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_in_sqlite_conforms() {
    own_record::all(async || {
        let stage = Stage::new();
        let record = stage.record().await;
        InSqlite { stage, record }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_replaced_is_destroyed_and_none_is_in_the_clear() {
    let canary = Canary::new();
    let stage = Stage::new();
    let record = stage.record().await;
    assert!(record.load().await.unwrap().is_none());
    for number in 0..5 {
        let secret = Secret::new(format!("own~secret~of~this~test~{number}"));
        canary.watch(&secret);
        record.store(&Candidate::new(&secret)).await.unwrap();
        record.store(&Candidate::new(&secret)).await.unwrap();
        assert!(record.load().await.unwrap().unwrap().same_as(&secret), "{number}");
    }
    let database = Connection::open(stage.database()).unwrap();
    let count = |sql: &str| database.query_row(sql, (), |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM secret"), 1);
    assert_eq!(count("SELECT count(*) FROM entry"), 5, "storing the same again writes nothing");
    let store = stage.store().await;
    assert!(store.unfinished().await.unwrap().is_empty());
    let stream = format!("own-secret/{OPERATOR}").parse().unwrap();
    assert_eq!(store.latest(&stream).await.unwrap().len(), 1, "a long history costs what a short one does");
    for file in stage.folder.path().read_dir().unwrap() {
        let path = file.unwrap().path();
        canary.assert_absent(&path.display().to_string(), &std::fs::read(&path).unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn processes_that_store_at_once_leave_one_secret_that_everybody_reads() {
    let stage = Stage::new();
    let records = [stage.record().await, stage.record().await, stage.record().await];
    let secrets = ["first", "second", "third"].map(Secret::new);
    let store = |place: usize| {
        let (record, secret) = (records[place].clone(), secrets[place].duplicate());
        async move { record.store(&Candidate::new(&secret)).await }
    };
    let (one, two, three) = tokio::join!(store(0), store(1), store(2));
    for outcome in [one, two, three] {
        outcome.unwrap();
    }
    let held = records[0].load().await.unwrap().unwrap();
    assert!(secrets.iter().any(|secret| secret.same_as(&held)));
    for record in &records {
        assert!(record.load().await.unwrap().unwrap().same_as(&held));
    }
    let database = Connection::open(stage.database()).unwrap();
    let left: u32 = database.query_row("SELECT count(*) FROM secret", (), |row| row.get(0)).unwrap();
    assert_eq!(left, 1);
}

#[tokio::test(start_paused = true)]
async fn a_sealed_secret_that_is_lost_is_told_and_can_be_stored_anew() {
    let stage = Stage::new();
    let record = stage.record().await;
    record.store(&Candidate::new(&Secret::new("first"))).await.unwrap();
    Connection::open(stage.database()).unwrap().execute("DELETE FROM secret", ()).unwrap();
    let error = record.load().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.advice().contains("backup"), "{}", error.advice());
    record.store(&Candidate::new(&Secret::new("first"))).await.unwrap();
    assert_eq!(record.load().await.unwrap().unwrap().expose(), "first");
}

#[tokio::test(start_paused = true)]
async fn an_identity_of_an_empty_record_says_what_to_do() {
    let stage = Stage::new();
    let record = Arc::new(stage.record().await);
    let error = stage.azure().identity_with_record(tenant(), operator(), record).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.advice().contains("store a working secret"), "{}", error.advice());
}

#[tokio::test(start_paused = true)]
async fn one_process_rotates_the_secret_of_both_and_the_other_goes_on() -> Result<(), Error> {
    let stage = Stage::new();
    stage.record().await.store(&Candidate::new(&Secret::new(SECRET))).await?;
    let (azure, graph) = (stage.azure(), stage.emulator.cloud().graph_scope());
    let first = azure.identity_with_record(tenant(), operator(), Arc::new(stage.record().await)).await?;
    let second = stage.azure().identity_with_record(tenant(), operator(), Arc::new(stage.record().await)).await?;
    second.tokens().token(&graph).await?;

    let old = stage.emulator.truth().application(operator()).unwrap().passwords[0].key_id;
    let own = first.own_credential(Arc::new(stage.record().await))?;
    let policy = Policy::default().with_settle(Duration::from_secs(30)).with_grace(Duration::from_secs(900));
    let target = first.target(operator())?.with_policy(policy).with_adopted(old);
    let target = target.with_sink(SinkBinding::new(Arc::new(own)));
    let rotator = azure.rotator(&Storage::of(stage.store().await));
    let mut outcome = rotator.rotate_now(&target).await?;
    for _ in 0..50 {
        if matches!(outcome, RotationOutcome::Rotated { .. }) {
            break;
        }
        stage.clock.sleep(Duration::from_secs(300)).await;
        outcome = rotator.rotate(&target).await?;
    }
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    let truth = stage.emulator.truth();
    assert!(!truth.application(operator()).unwrap().passwords.iter().any(|key| key.key_id == old && key.live));

    // Its token has ended, and the secret that it has in memory was removed. Nobody starts it again.
    stage.clock.sleep(Duration::from_secs(7200)).await;
    second.tokens().token(&graph).await?;
    second.tokens().token(&stage.emulator.cloud().resource_manager_scope()).await?;
    let restarted = stage.azure().identity_with_record(tenant(), operator(), Arc::new(stage.record().await)).await?;
    restarted.tokens().token(&graph).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_record_that_names_somebody_elses_secret_opens_and_destroys_nothing() {
    let stage = Stage::new();
    let (record, store) = (stage.record().await, stage.store().await);
    record.store(&Candidate::new(&Secret::new("own~secret"))).await.unwrap();
    let victim = SecretId::new("connection/victim/1").unwrap();
    store.put(&victim, &Secret::new("the victim's")).await.unwrap();
    let stream: StreamId = format!("own-secret/{OPERATOR}").parse().unwrap();
    let last = store.latest(&stream).await.unwrap().pop().unwrap();
    let forged = Record::checkpoint(last.record.kind, victim.as_str(), last.record.at);
    let append = Append::new(stream, last.sequence, last.epoch, vec![forged]).with_at_rest(true);
    store.append(append).await.unwrap();
    for error in
        [record.load().await.err().unwrap(), record.store(&Candidate::new(&Secret::new("another"))).await.unwrap_err()]
    {
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{error}");
        assert!(error.to_string().contains("connection/victim/1"), "{error}");
    }
    assert_eq!(store.get(&victim).await.unwrap().unwrap().expose(), "the victim's");
}

#[tokio::test]
async fn a_storage_says_whether_its_journal_is_authenticated() {
    let stage = Stage::new();
    assert_eq!(Storage::of(stage.store().await).integrity(), Integrity::Authenticated);
    assert_eq!(Storage::in_memory(stage.clock.clone()).integrity(), Integrity::None);
}
