//! The fakes keep the promises of the port that finds consumers, and finders that break one are named.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use azconnect_core::{Error, Secret};
use azconnect_credential::{ConsumerFinder, FoundConsumers, SinkId};
use azconnect_devops::{ConnectionSearch, OrganizationName, ProjectAddress, ProjectRef};
use azconnect_testkit::ManualClock;
use azconnect_testkit::conformance::consumer_finder::{self, FinderHarness};
use azconnect_testkit::fake::{Consumers, DevOps, DevOpsStep, Fault};
use serde_json::json;

use crate::judged::{named, verdict};

type Wrap = fn(Arc<dyn ConsumerFinder>) -> Arc<dyn ConsumerFinder>;

/// A harness of the fake, whose finder may be wrapped in a broken one.
struct Harness {
    consumers: Consumers,
    made: AtomicUsize,
    wrap: Wrap,
}

impl Harness {
    fn new(wrap: Wrap) -> Self {
        let consumers = Consumers::new();
        ["first", "second"].iter().for_each(|place| consumers.set_closed(place, false));
        Self { consumers, made: AtomicUsize::new(0), wrap }
    }

    fn next(&self) -> SinkId {
        SinkId::new(format!("fake:{}", self.made.fetch_add(1, Ordering::SeqCst))).unwrap()
    }
}

#[async_trait]
impl FinderHarness for Harness {
    fn finder(&self) -> Arc<dyn ConsumerFinder> {
        (self.wrap)(Arc::new(self.consumers.clone()))
    }
    async fn add_consumer(&self, place: usize) -> SinkId {
        let sink = self.next();
        self.consumers.add(["first", "second"][place], &sink, "a consumer");
        sink
    }
    async fn add_stranger(&self) -> SinkId {
        self.next()
    }
    fn secret(&self) -> Secret {
        Secret::new("fAk8Q~of-the-application")
    }
    async fn close(&self) {
        self.consumers.set_closed("first", true);
    }
    async fn open(&self) {
        self.consumers.set_closed("first", false);
    }
    async fn disconnect(&self) {
        self.consumers.break_down(Fault::Dropped);
    }
}

#[tokio::test]
async fn the_fake_finder_conforms() {
    consumer_finder::all(async || Harness::new(|good| good)).await;
}

/// Fails where it could not look everywhere.
struct Strict(Arc<dyn ConsumerFinder>);

#[async_trait]
impl ConsumerFinder for Strict {
    async fn consumers(&self) -> Result<FoundConsumers, Error> {
        let found = self.0.consumers().await?;
        match found.checks.iter().next() {
            Some(check) => Err(check.to_error(azconnect_core::ErrorKind::PermissionDenied, "closed")),
            None => Ok(found),
        }
    }
}

/// Says nothing of what it could not read, and takes silence for emptiness.
struct Careless(Arc<dyn ConsumerFinder>);

#[async_trait]
impl ConsumerFinder for Careless {
    async fn consumers(&self) -> Result<FoundConsumers, Error> {
        let found = self.0.consumers().await.unwrap_or_default();
        Ok(FoundConsumers::new(found.consumers))
    }
}

/// Tells each consumer twice, and finds everybody.
struct Stammering(Arc<dyn ConsumerFinder>);

#[async_trait]
impl ConsumerFinder for Stammering {
    async fn consumers(&self) -> Result<FoundConsumers, Error> {
        let mut found = self.0.consumers().await?;
        found.consumers.extend(found.consumers.clone());
        found.consumers.sort_by_key(|consumer| consumer.sink.to_string());
        Ok(found)
    }
}

#[tokio::test]
async fn a_broken_finder_is_named() {
    let run = async |wrap: Wrap| verdict(consumer_finder::all(async || Harness::new(wrap))).await;
    named(&run(|good| Arc::new(Strict(good))).await, &["a place that is closed is said to be, and hides no other"]);
    named(
        &run(|good| Arc::new(Careless(good))).await,
        &["a place that is closed is said to be, and hides no other", "an unreachable service is never called empty"],
    );
    named(&run(|good| Arc::new(Stammering(good))).await, &["each is found once, in the same order"]);
}

/// A harness of service connections behind their own fake.
struct Connections {
    service: DevOps,
    made: AtomicUsize,
}

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
const CLIENT: &str = "10000000-0000-4000-8000-000000000002";
const OTHER: &str = "10000000-0000-4000-8000-000000000009";

impl Connections {
    fn new() -> Self {
        let service = DevOps::new(Arc::new(ManualClock::new()));
        for name in ["contoso", "fabrikam"] {
            let organization = OrganizationName::new(name).unwrap();
            service.seed_organization(&organization, TENANT.parse().unwrap());
            service.seed_project(&organization, "Web");
        }
        Self { service, made: AtomicUsize::new(0) }
    }

    fn project(place: usize) -> ProjectAddress {
        let organization = OrganizationName::new(["contoso", "fabrikam"][place]).unwrap();
        ProjectAddress::new(organization, ProjectRef::new("Web").unwrap())
    }

    fn add(&self, place: usize, client: &str) -> SinkId {
        let project = Self::project(place);
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        let document = json!({
            "name": format!("connection {number}"), "type": "azurerm", "url": "https://management.azure.com/", "data": {},
            "authorization": {"scheme": "ServicePrincipal", "parameters": {"tenantid": TENANT, "serviceprincipalid": client}},
        });
        let id = self.service.seed_connection(&project, &document.to_string(), self.secret());
        SinkId::new(format!("devops:{}/{id}", project.organization)).unwrap()
    }
}

#[async_trait]
impl FinderHarness for Connections {
    fn finder(&self) -> Arc<dyn ConsumerFinder> {
        let caller = self.service.administrator();
        let search = ConnectionSearch::new(caller.clone(), caller).with_parallelism(1);
        let search = search.with_project(Self::project(0)).with_project(Self::project(1));
        Arc::new(search.finder(TENANT.parse().unwrap(), CLIENT.parse().unwrap()))
    }
    async fn add_consumer(&self, place: usize) -> SinkId {
        self.add(place, CLIENT)
    }
    async fn add_stranger(&self) -> SinkId {
        self.add(0, OTHER)
    }
    fn secret(&self) -> Secret {
        Secret::new("fAk8Q~of-the-application")
    }
    async fn close(&self) {
        // The places are read in turn, so the next read is that of the first one.
        self.service.script(DevOpsStep::Read, Fault::Refused(azconnect_core::ErrorKind::PermissionDenied));
    }
    async fn open(&self) {
        self.service.heal();
    }
    async fn disconnect(&self) {
        self.service.break_down(DevOpsStep::Read, Fault::Dropped);
    }
}

#[tokio::test]
async fn service_connections_are_found_through_their_ports() {
    consumer_finder::all(async || Connections::new()).await;
}
