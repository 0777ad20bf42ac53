//! The store in PostgreSQL. `scripts/postgres run` starts the server that these tests need.

mod conforms;
mod data_keys;
mod lost;
mod open;
mod processes;
mod proxy;
mod store_key;
mod tamper;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use azconnect_core::{Append, Clock, Epoch, Error, Record, Secret, Sequence};
use azconnect_store::seal::{SealingKey, SealingKeys};
use azconnect_store::{PostgresOptions, PostgresStore};
use azconnect_testkit::VirtualClock;
use tokio_postgres::{Client, NoTls};

/// A schema of one test in the database of the server that `scripts/postgres` started, removed at the end.
struct Place {
    url: String,
    schema: String,
}

/// What a variable of the environment says; `scripts/postgres` sets them all.
fn told(name: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "the way in which a test learns of its server")]
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: use `scripts/postgres run cargo test …`"))
}

fn server() -> String {
    told("AZCONNECT_TEST_POSTGRES")
}

fn pooler() -> String {
    told("AZCONNECT_TEST_PGBOUNCER")
}

impl Place {
    fn new() -> Self {
        Self::at(server())
    }

    /// A schema that is reached in another way.
    fn at(url: String) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        Self { url, schema: format!("test_{}_{number}", std::process::id()) }
    }

    fn options(&self) -> PostgresOptions {
        options(&self.url, &self.schema)
    }

    async fn open(&self) -> PostgresStore {
        self.open_with(key(1)).await.unwrap()
    }

    async fn open_with(&self, keys: impl Into<SealingKeys>) -> Result<PostgresStore, Error> {
        self.options().open(keys, clock()).await
    }

    /// A connection of somebody who may write every table, and has no key.
    async fn intruder(&self) -> Client {
        let client = connect(&server()).await;
        client.batch_execute(&format!("SET search_path = {}", self.schema)).await.unwrap();
        client
    }

    /// The name of another schema, for what somebody puts aside.
    fn beside(&self) -> String {
        format!("{}_beside", self.schema)
    }

    async fn change(&self, sql: &str) {
        self.intruder().await.batch_execute(sql).await.unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let schema = self.schema.clone();
        // On a runtime of its own: that of the test may be this thread. It stands still meanwhile, so that a transaction which
        // the store rolls back is open until the server ends it.
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let held = "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_class ON pg_class.oid = relation \
                    JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE pid <> pg_backend_pid()";
                let sql = format!(
                    "{held} AND nspname = '{schema}'; DROP SCHEMA IF EXISTS {schema} CASCADE; \
                     DROP SCHEMA IF EXISTS {schema}_beside CASCADE"
                );
                connect(&server()).await.batch_execute(&sql).await
            })
        });
        if !std::thread::panicking() {
            removed.join().unwrap().unwrap();
        }
    }
}

/// Everything in the schema, as text.
async fn content(place: &Place) -> String {
    let intruder = place.intruder().await;
    let mut text = String::new();
    let tables =
        ["document", "entry", "journal", "lease", "sealing_key", "secret", "store_key", "store_version", "stream"];
    for table in tables {
        for row in intruder.query(&format!("SELECT t::text FROM {table} t ORDER BY 1"), &[]).await.unwrap() {
            text += &format!("{table}: {}\n", row.get::<_, String>(0));
        }
    }
    text
}

fn options(url: &str, schema: &str) -> PostgresOptions {
    PostgresOptions::new(Secret::new(url)).with_schema(schema).with_root_certificates(certificate())
}

fn certificate() -> Vec<u8> {
    std::fs::read(told("AZCONNECT_TEST_POSTGRES_CA")).unwrap()
}

/// A connection past the store.
async fn connect(url: &str) -> Client {
    let mut config: tokio_postgres::Config = url.parse().unwrap();
    config.ssl_mode(tokio_postgres::config::SslMode::Disable);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a connection needs a task")]
    tokio::spawn(connection);
    client
}

/// Time as it passes: a server cannot be told to wait.
fn clock() -> Arc<dyn Clock> {
    Arc::new(VirtualClock::new())
}

/// A key of the test, the same for the same number.
fn key(number: u8) -> SealingKey {
    let bytes: Vec<u8> = (0..32).map(|place| place ^ (number << 4)).collect();
    SealingKey::from_bytes(&bytes).unwrap()
}

fn append(stream: &str, expected: u64, payload: &str) -> Append {
    let record = Record::new("test", payload, VirtualClock::new().now());
    Append::new(stream.parse().unwrap(), Sequence(expected), Epoch(1), vec![record])
}
