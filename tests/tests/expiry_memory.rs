//! The radar holds a page of connections and no more, however many there are.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a test, which prints its figures"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{
    Clock, Document, DocumentKey, DocumentPage, DocumentQuery, DocumentStore, Error, Revision, StoredDocument,
};
use azconnect::credential::{ConnectionRecord, CredentialKind, ExpirySurvey, ExpiryWatchExt as _, Kept as _};
use azconnect::{Azure, Storage};
use azconnect_emulator::Emulator;
use azconnect_testkit::ManualClock;
use azconnect_tests::watched::{Watched, most_held};

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// What a look may hold at most: a page of a hundred records and their standings, well below a megabyte.
const BOUND: usize = 1024 * 1024;

/// A store of so many connections, each of which ends in five days. It makes them when they are asked for, and only counts what
/// is written, so that what is held is the radar's own.
struct Many {
    connections: usize,
    record: ConnectionRecord,
    written: AtomicUsize,
}

impl Many {
    fn document(&self, key: &DocumentKey) -> StoredDocument {
        let mut record = self.record.clone();
        record.id = key.id.as_str().parse().unwrap();
        let document = Document::new(record.to_text().unwrap()).with_labels(record.document_labels().unwrap());
        StoredDocument::new(key.clone(), Revision(1), document)
    }
}

#[async_trait]
impl DocumentStore for Many {
    async fn insert(&self, _: &DocumentKey, _: &Document) -> Result<Revision, Error> {
        self.written.fetch_add(1, Ordering::SeqCst);
        Ok(Revision(2))
    }
    async fn get(&self, key: &DocumentKey) -> Result<Option<StoredDocument>, Error> {
        Ok((key.collection.as_str() == "connections").then(|| self.document(key)))
    }
    async fn list(&self, query: &DocumentQuery) -> Result<DocumentPage, Error> {
        let number = |id: &str| id.trim_start_matches("shop-").parse::<usize>().unwrap();
        let from = query.after.as_ref().map_or(0, |after| number(after.as_str()) + 1);
        let to = if query.collection.as_str() == "connections" { self.connections } else { 0 };
        let keys = (from..to).take(query.limit() + 1);
        let keys = keys.map(|n| DocumentKey::new(query.collection.clone(), format!("shop-{n:06}").parse().unwrap()));
        Ok(DocumentPage::cut(keys.map(|key| self.document(&key)).collect(), query.limit()))
    }
    async fn replace(&self, _: &DocumentKey, _: Revision, _: &Document) -> Result<Revision, Error> {
        panic!("each connection is noted once")
    }
    async fn remove(&self, _: &DocumentKey, _: Revision) -> Result<(), Error> {
        panic!("nothing is removed")
    }
}

fn survey(connections: usize) -> (usize, ExpirySurvey) {
    let clock = Arc::new(ManualClock::new());
    let ends_at = clock.now() + Duration::from_secs(5 * 86_400);
    let credential = CredentialKind::client_secret("connection/shop/1".parse().unwrap(), Some(ends_at));
    let id = "d1b2c3d4-0000-4000-8000-000000000001";
    let (subscription, tenant, client) = (id.parse().unwrap(), id.parse().unwrap(), id.parse().unwrap());
    let record = ConnectionRecord::new("shop".parse().unwrap(), subscription, tenant, client, credential)
        .with_created_at(clock.now());
    let many = Arc::new(Many { connections, record, written: AtomicUsize::new(0) });
    let rest = Storage::in_memory(clock.clone());
    let storage = Storage::new(rest.journal(), rest.secrets(), rest.lease(), many.clone());
    let emulator = Emulator::new(clock.clone());
    let radar = Azure::new(emulator.cloud(), emulator.transport(), clock).expiry_radar(&storage).without_reading();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (held, survey) = most_held(|| runtime.block_on(radar.survey()).unwrap());
    assert_eq!(many.written.load(Ordering::SeqCst), connections);
    (held, survey)
}

#[test]
fn ten_thousand_connections_are_looked_at_in_the_memory_of_a_page() {
    survey(1);
    let (few, _) = survey(1_000);
    let (many, counted) = survey(10_000);
    println!("a look at 1,000 connections holds {few} bytes at most, and at 10,000 {many}");
    assert_eq!((counted.overdue, counted.noted), (10_000, 10_000));
    assert!(many < BOUND && many < few + few / 10, "{few} bytes for a tenth of them, {many} for all");
}
