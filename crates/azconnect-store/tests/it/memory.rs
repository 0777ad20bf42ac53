//! The stores in memory.

use std::sync::Arc;

use azconnect_core::{DocumentStore, Journal, Lease, SecretId, SecretStore};
use azconnect_store::{MemoryDocuments, MemoryJournal, MemoryLease, MemorySecrets};
use azconnect_testkit::{Canary, ManualClock, conformance};

#[tokio::test]
async fn journal_conforms() {
    conformance::journal::all(async || Arc::new(MemoryJournal::new()) as Arc<dyn Journal>).await;
}

#[tokio::test]
async fn secrets_conform() {
    conformance::secret_store::all(async || Arc::new(MemorySecrets::new()) as Arc<dyn SecretStore>).await;
}

#[tokio::test]
async fn documents_conform() {
    conformance::document_store::all(async || Arc::new(MemoryDocuments::new()) as Arc<dyn DocumentStore>).await;
}

#[tokio::test]
async fn lease_conforms() {
    conformance::lease::all(async |clock| Arc::new(MemoryLease::new(clock)) as Arc<dyn Lease>).await;
}

#[tokio::test]
async fn clones_share_what_they_hold() {
    let (journal, secrets) = (MemoryJournal::new(), MemorySecrets::new());
    let lease = MemoryLease::new(Arc::new(ManualClock::new()));
    conformance::journal::durable(async || Arc::new(journal.clone()) as Arc<dyn Journal>).await;
    conformance::secret_store::durable(async || Arc::new(secrets.clone()) as Arc<dyn SecretStore>).await;
    let documents = MemoryDocuments::new();
    conformance::document_store::durable(async || Arc::new(documents.clone()) as Arc<dyn DocumentStore>).await;
    let key = "key".parse().unwrap();
    lease.acquire(&key, "a", std::time::Duration::from_secs(1)).await.unwrap();
    assert!(lease.clone().acquire(&key, "b", std::time::Duration::from_secs(1)).await.is_err());
}

#[tokio::test]
async fn debug_reveals_no_secret() {
    let canary = Canary::new();
    let _ears = canary.listen();
    let secrets = MemorySecrets::new();
    let id: SecretId = "a".parse().unwrap();
    secrets.put(&id, &canary.secret()).await.unwrap();
    let held = secrets.get(&id).await.unwrap();
    canary.assert_absent("Debug", format!("{secrets:?} {held:?}").as_bytes());
    canary.assert_absent_from_logs();
}
