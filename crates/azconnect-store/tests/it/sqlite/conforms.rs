//! The suites of the ports.

use std::sync::Arc;

use azconnect_core::{Clock, DocumentStore, ErrorKind, Journal, Lease, Record, Secret, SecretStore, Sequence};
use azconnect_store::SqliteStore;
use azconnect_testkit::conformance;
use time::macros::datetime;

use super::{Place, append, key, open};

#[tokio::test]
async fn journal_conforms() {
    let place = Place::new();
    conformance::journal::all(async || Arc::new(place.open().await) as Arc<dyn Journal>).await;
    conformance::journal::durable(async || Arc::new(place.open().await) as Arc<dyn Journal>).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journal_conforms_on_several_threads() {
    let place = Place::new();
    conformance::journal::durable(async || Arc::new(place.open().await) as Arc<dyn Journal>).await;
}

#[tokio::test]
async fn secrets_conform() {
    let place = Place::new();
    conformance::secret_store::all(async || Arc::new(place.open().await) as Arc<dyn SecretStore>).await;
    conformance::secret_store::durable(async || Arc::new(place.open().await) as Arc<dyn SecretStore>).await;
}

#[tokio::test]
async fn documents_conform() {
    let place = Place::new();
    conformance::document_store::all(async || Arc::new(place.open().await) as Arc<dyn DocumentStore>).await;
    conformance::document_store::durable(async || Arc::new(place.open().await) as Arc<dyn DocumentStore>).await;
}

#[tokio::test]
async fn lease_conforms() {
    let place = Place::new();
    let make = async |clock: Arc<dyn Clock>| {
        Arc::new(SqliteStore::open(place.path(), key(1), clock).await.unwrap()) as Arc<dyn Lease>
    };
    conformance::lease::all(make).await;
    conformance::lease::durable(make).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_goes_by_virtual_time_too() {
    let place = Place::new();
    let clock = azconnect_testkit::VirtualClock::new();
    let store = SqliteStore::open(place.path(), key(1), Arc::new(clock.clone())).await.unwrap();
    let (lease_key, minute) = ("key".parse().unwrap(), std::time::Duration::from_secs(60));
    store.acquire(&lease_key, "a", minute).await.unwrap();
    assert_eq!(store.acquire(&lease_key, "b", minute).await.unwrap_err().kind(), ErrorKind::Conflict);
    clock.sleep(minute).await;
    store.acquire(&lease_key, "b", minute).await.unwrap();
}

#[tokio::test]
async fn what_a_column_cannot_hold_is_refused_before_anything_is_written() {
    let place = Place::new();
    let store = place.open().await;
    let mut huge = append("stream", 0, "x");
    huge.epoch = azconnect_core::Epoch(u64::MAX);
    assert_eq!(store.append(huge).await.unwrap_err().field(), Some("epoch"));
    let mut early = append("stream", 0, "x");
    early.records.push(Record::new("test", "x", datetime!(-0044-03-15 12:00 UTC)));
    assert_eq!(store.append(early).await.unwrap_err().field(), Some("at"));
    assert_eq!(store.read(&"stream".parse().unwrap(), Sequence::START).await.unwrap(), []);
    assert!(store.unfinished().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_error_names_its_operation() {
    let place = Place::new();
    let store = place.open().await;
    let id = "a".parse().unwrap();
    store.put(&id, &Secret::new("one")).await.unwrap();
    let error = store.put(&id, &Secret::new("two")).await.unwrap_err();
    assert_eq!(error.operation(), Some("store.secret.put"));
    assert_eq!(open(&place.path(), key(2)).await.unwrap_err().operation(), Some("store.open"));
}

#[tokio::test]
async fn a_dropped_call_leaves_the_store_usable() {
    let place = Place::new();
    let store = place.open().await;
    for _ in 0..20 {
        drop(tokio::time::timeout(std::time::Duration::ZERO, store.append(append("stream", 0, "x"))).await);
    }
    let stream = "stream".parse().unwrap();
    let last = store.read(&stream, Sequence::START).await.unwrap().len() as u64;
    assert!(last <= 1, "appends at the same position");
    // A call that was dropped may still be on its way: the position then tells.
    let next = store.append(append("stream", last, "y")).await;
    assert!(next.is_ok() || next.unwrap_err().kind() == ErrorKind::Conflict);
}
