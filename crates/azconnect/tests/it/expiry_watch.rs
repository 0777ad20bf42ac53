//! The radar keeps the promises of its port.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{Clock, Diagnosis, DocumentStore, ErrorKind, KeyId};
use azconnect::credential::{ConnectionId, ConnectionRecord, EndReader, EndReading, ExpiryWatch, Records};
use azconnect::store::MemoryDocuments;
use azconnect::{Azure, Storage};
use azconnect_emulator::Emulator;
use azconnect_testkit::VirtualClock;
use azconnect_testkit::conformance::expiry_watch::{self, WatchHarness};
use time::OffsetDateTime;

/// A clock whose wall time can be set back.
struct Turned(VirtualClock, AtomicI64);

#[async_trait]
impl Clock for Turned {
    fn now(&self) -> OffsetDateTime {
        self.0.now() - time::Duration::seconds(self.1.load(Ordering::SeqCst))
    }
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}

/// What the service says, as a test has it.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<BTreeMap<String, EndReading>>>);

#[async_trait]
impl EndReader for Said {
    async fn end(&self, record: &ConnectionRecord, _: Option<KeyId>) -> EndReading {
        let said = self.0.lock().unwrap().get(record.id.as_str()).cloned();
        said.unwrap_or_else(|| EndReading::Unread(Diagnosis::new(ErrorKind::PermissionDenied, "nobody may read it")))
    }
}

struct Stage {
    clock: Arc<Turned>,
    documents: MemoryDocuments,
    said: Said,
}

impl Stage {
    fn records(&self) -> Records<ConnectionRecord> {
        Records::new(Arc::new(self.documents.clone()))
    }
}

#[async_trait]
impl WatchHarness for Stage {
    fn watch(&self) -> Arc<dyn ExpiryWatch> {
        let emulator = Emulator::new(self.clock.clone());
        let documents: Arc<dyn DocumentStore> = Arc::new(self.documents.clone());
        let rest = Storage::in_memory(self.clock.clone());
        let storage = Storage::new(rest.journal(), rest.secrets(), rest.lease(), documents);
        let azure = Azure::new(emulator.cloud(), emulator.transport(), self.clock.clone());
        Arc::new(azure.expiry_radar(&storage).with_ends(Arc::new(self.said.clone())))
    }
    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
    async fn advance(&self, time: Duration) {
        self.clock.sleep(time).await;
    }
    fn turn_back(&self, time: Duration) {
        self.clock.1.fetch_add(time.as_secs() as i64, Ordering::SeqCst);
    }
    async fn put(&self, record: ConnectionRecord) {
        let records = self.records();
        match records.get(&record.id.as_str().parse().unwrap()).await.unwrap() {
            Some(held) => records.replace(&record, held.revision).await.unwrap(),
            None => records.insert(&record).await.unwrap(),
        };
    }
    async fn remove(&self, id: &ConnectionId) {
        let (records, id) = (self.records(), id.as_str().parse().unwrap());
        let held = records.get(&id).await.unwrap().unwrap();
        records.remove(&id, held.revision).await.unwrap();
    }
    fn say(&self, id: &ConnectionId, reading: EndReading) {
        self.said.0.lock().unwrap().insert(id.to_string(), reading);
    }
}

#[tokio::test(start_paused = true)]
async fn the_radar_conforms() {
    expiry_watch::all(async || {
        let clock = Arc::new(Turned(VirtualClock::new(), AtomicI64::new(0)));
        Stage { clock, documents: MemoryDocuments::new(), said: Said::default() }
    })
    .await;
}
