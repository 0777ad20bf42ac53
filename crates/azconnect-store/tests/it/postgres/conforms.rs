//! The suites of the ports, with the server itself and over a pooler that gives each transaction another session.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{DocumentStore, Journal, Lease, SecretStore};
use azconnect_store::PostgresStore;
use azconnect_testkit::conformance;
use azconnect_testkit::conformance::lease::LeaseHarness;
use time::OffsetDateTime;
use tokio_postgres::Client;

use super::{Place, pooler};

async fn all(place: &Place) {
    let open = async || Arc::new(place.open().await);
    conformance::journal::all(async || open().await as Arc<dyn Journal>).await;
    conformance::journal::durable(async || open().await as Arc<dyn Journal>).await;
    conformance::secret_store::all(async || open().await as Arc<dyn SecretStore>).await;
    conformance::secret_store::durable(async || open().await as Arc<dyn SecretStore>).await;
    conformance::document_store::all(async || open().await as Arc<dyn DocumentStore>).await;
    conformance::document_store::durable(async || open().await as Arc<dyn DocumentStore>).await;
    conformance::lease::by_its_own_clock(async || Arc::new(Leases::of(place).await) as Arc<dyn LeaseHarness>).await;
    conformance::lease::durable_by_its_own_clock(async || Arc::new(Leases::of(place).await) as Arc<dyn LeaseHarness>)
        .await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn every_port_conforms() {
    all(&Place::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn the_journal_conforms_on_several_threads() {
    let place = Place::new();
    conformance::journal::durable(async || Arc::new(place.open().await) as Arc<dyn Journal>).await;
}

/// A pooler in transaction mode gives each transaction another session: settings, prepared statements and locks of a session
/// would be lost, or be somebody else's.
#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn every_port_conforms_behind_a_pooler() {
    all(&Place::at(pooler())).await;
}

/// Leases whose time passes by bringing their ends nearer: the server's clock cannot be set.
struct Leases {
    store: Arc<PostgresStore>,
    intruder: Client,
}

impl Leases {
    async fn of(place: &Place) -> Self {
        Self { store: Arc::new(place.open().await), intruder: place.intruder().await }
    }
}

#[async_trait]
impl LeaseHarness for Leases {
    fn lease(&self) -> Arc<dyn Lease> {
        self.store.clone()
    }

    async fn now(&self) -> OffsetDateTime {
        self.intruder.query_one("SELECT clock_timestamp()", &[]).await.unwrap().get(0)
    }

    async fn pass(&self, time: Duration) {
        let sql = format!("UPDATE lease SET expires_at = expires_at - interval '{} microseconds'", time.as_micros());
        self.intruder.batch_execute(&sql).await.unwrap();
    }

    fn slack(&self) -> Duration {
        Duration::from_secs(10)
    }
}
