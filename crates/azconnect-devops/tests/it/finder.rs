//! Finding the service connections that use an application's secret, against the emulator.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use azconnect_core::{Clock, Error, ErrorKind, Secret};
use azconnect_credential::{ConsumerFinder, CredentialSink, SinkId};
use azconnect_devops::{
    AzureConnection, AzureCredential, AzureScope, ConnectionSearch, DevOpsClient, Endpoint, EndpointQuery, Execution,
    OrganizationName, Picker, ProjectAddress, ProjectRef, ServiceConnectionSink, ServiceConnections,
};
use azconnect_devops::{ConnectionAddress, ProjectState};
use azconnect_emulator::{CannedAnswer, Fault, FaultAction, Service, Settings};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::conformance::consumer_finder::{self, FinderHarness};
use serde_json::json;

use crate::emulated::{APPLICATION, AUTOMATIC, AZURE, CLUSTER, REGISTRY, SERVER, SUBSCRIPTION, TENANT, World};

const DOCKER: &str = "50000000-0000-4000-8000-000000000002";
const PLACES: [&str; 2] = ["Mobile", "Web"];

fn contoso() -> OrganizationName {
    OrganizationName::new("contoso").unwrap()
}

fn project(name: &str) -> ProjectAddress {
    ProjectAddress::new(contoso(), ProjectRef::new(name).unwrap())
}

fn finder(search: ConnectionSearch) -> Arc<dyn ConsumerFinder> {
    Arc::new(search.finder(TENANT.parse().unwrap(), APPLICATION.parse().unwrap()))
}

fn named(id: &str) -> SinkId {
    SinkId::new(format!("devops:contoso/{id}")).unwrap()
}

struct Found {
    world: World,
    client: DevOpsClient,
    made: AtomicUsize,
}

impl Found {
    fn new() -> Self {
        let world = World::new(Settings::default(), AZURE);
        Self { client: world.client("anns-access-token"), world, made: AtomicUsize::new(0) }
    }

    async fn add(&self, place: &str, client: &str) -> SinkId {
        let name = format!("connection {}", self.made.fetch_add(1, Ordering::SeqCst));
        let organization = self.client.organization(&contoso()).unwrap();
        let project = organization.project(&ProjectRef::new(place).unwrap()).await.unwrap();
        let secret = Secret::new("deployer-old");
        let (tenant, client) = (TENANT.parse().unwrap(), client.parse().unwrap());
        let credential = AzureCredential::Secret { tenant, client, secret: &secret };
        let scope = AzureScope::subscription(SUBSCRIPTION.parse().unwrap(), "P");
        let connection = AzureConnection::new(name, scope, credential).build(&project).unwrap();
        let created = organization.create_connection(&connection).await.unwrap();
        // The name is that of the sink which a rotation would be given.
        let endpoints = organization.endpoints(ProjectRef::new(place).unwrap());
        ServiceConnectionSink::new(endpoints, created.id()).unwrap().id().clone()
    }
}

#[async_trait]
impl FinderHarness for Found {
    fn finder(&self) -> Arc<dyn ConsumerFinder> {
        let search = self.client.connection_search();
        finder(PLACES.iter().fold(search, |search, place| search.with_project(project(place))))
    }
    async fn add_consumer(&self, place: usize) -> SinkId {
        self.add(PLACES[place], APPLICATION).await
    }
    async fn add_stranger(&self) -> SinkId {
        self.add(PLACES[0], "10000000-0000-4000-8000-000000000009").await
    }
    fn secret(&self) -> Secret {
        Secret::new("deployer-old")
    }
    async fn close(&self) {
        let denied = json!({"message": "TF400813: not authorized", "typeKey": "UnauthorizedRequestException"});
        let answer = FaultAction::Answer(CannedAnswer::new(403).with_body(denied));
        let fault = Fault::new(answer).with_service(Service::DevOps).with_path("/contoso/Mobile/_apis");
        self.world.emulator().faults().add(fault.forever());
    }
    async fn open(&self) {
        self.world.emulator().faults().clear();
    }
    async fn disconnect(&self) {
        self.world.close();
    }
}

#[tokio::test(start_paused = true)]
async fn the_client_s_search_conforms() {
    consumer_finder::all(async || Found::new()).await;
}

#[tokio::test(start_paused = true)]
async fn a_whole_organization_is_searched_and_each_connection_is_called_as_its_sink_calls_it() {
    let found = Found::new();
    let search = found.client.connection_search().with_organization(contoso());
    let consumers = finder(search).consumers().await.unwrap();
    let names: Vec<_> = consumers.consumers.iter().map(|consumer| consumer.sink.clone()).collect();
    assert_eq!(names, [AZURE, DOCKER, AUTOMATIC, REGISTRY, SERVER, CLUSTER].map(named), "of every kind");
    assert!(consumers.is_complete());
    let sink = ServiceConnectionSink::new(found.world.web(), AZURE.parse().unwrap()).unwrap();
    let report = sink.inspect().await.unwrap();
    assert_eq!(consumers.consumer(sink.id()).unwrap().title, report.title);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_several_projects_share_is_one_consumer() {
    let found = Found::new();
    let organization = found.client.organization(&contoso()).unwrap();
    let projects = organization.projects(ProjectState::All).await.unwrap();
    let mobile = projects.iter().find(|project| project.name == "Mobile").unwrap();
    organization.share(AZURE.parse().unwrap(), &[(mobile, "production")]).await.unwrap();
    let search = found.client.connection_search().with_organization(contoso()).with_project(project("Mobile"));
    let scan = search.scan().await;
    assert_eq!(scan.connections.iter().filter(|one| one.sink == named(AZURE)).count(), 2);
    let consumers = finder(search).consumers().await.unwrap();
    assert_eq!(consumers.consumers.iter().filter(|one| one.sink == named(AZURE)).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_organization_or_project_that_is_not_there_is_a_check_and_no_failure() {
    let found = Found::new();
    let gone = OrganizationName::new("nowhere").unwrap();
    let search = found.client.connection_search().with_organization(gone).with_project(project("Web"));
    let consumers = finder(search.with_project(project("Closed"))).consumers().await.unwrap();
    assert_eq!(consumers.consumers.len(), 3);
    let codes: Vec<_> = consumers.checks.iter().map(|check| (check.code.as_str(), check.subject.as_str())).collect();
    assert_eq!(codes, [("organization-unreadable", "nowhere"), ("project-unreadable", "contoso/Closed")]);
    assert!(consumers.checks.is_clear() && !consumers.is_complete());
}

#[tokio::test(start_paused = true)]
async fn a_search_without_places_is_refused_before_anything_is_sent() {
    let found = Found::new();
    let before = found.world.emulator().exchanges();
    let error = finder(found.client.connection_search()).consumers().await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("projects")));
    assert_eq!(found.world.emulator().exchanges(), before);
}

/// A service whose connections show nothing but their ids, which takes a second for each answer.
struct Veiled {
    clock: VirtualClock,
    running: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl ServiceConnections for Veiled {
    async fn list(&self, project: &ProjectAddress, query: &EndpointQuery) -> Result<Vec<Endpoint>, Error> {
        let failed = Endpoint::from_json(
            br#"{"id": "5e47a0d8-c745-44f8-8f93-784f18ff31c4", "operationStatus": {"state": "Failed"}}"#,
        );
        assert!(query.selects(&failed.unwrap()), "a creation that failed may hold the secret");
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        self.clock.sleep(std::time::Duration::from_secs(1)).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        let number: u128 = project.project.to_string().trim_start_matches('P').parse().unwrap();
        let id = uuid::Uuid::from_u128(0x5e47_0000_0000_4000_8000_0000_0000_0000 + number);
        Ok(vec![Endpoint::from_value(json!({"id": id.to_string()})).unwrap()])
    }
    async fn read(&self, _: &ConnectionAddress) -> Result<Endpoint, Error> {
        Err(Error::new(ErrorKind::Unsupported, "not asked for"))
    }
    async fn find(&self, _: &ProjectAddress, _: &str) -> Result<Option<Endpoint>, Error> {
        Ok(None)
    }
    async fn choices(&self, _: &ProjectAddress) -> Result<Picker, Error> {
        Err(Error::new(ErrorKind::Unsupported, "not asked for"))
    }
    async fn executions(&self, _: &ConnectionAddress, _: usize) -> Result<Vec<Execution>, Error> {
        Ok(Vec::new())
    }
}

#[tokio::test(start_paused = true)]
async fn what_shows_nothing_of_itself_may_be_a_consumer_and_a_check_says_so() {
    let found = Found::new();
    let clock = VirtualClock::new();
    let veiled = Arc::new(Veiled { clock, running: AtomicUsize::new(0), most: AtomicUsize::new(0) });
    let search = ConnectionSearch::new(veiled.clone(), Arc::new(found.client.clone())).with_parallelism(3);
    let search = (0..10).fold(search, |search, number| search.with_project(project(&format!("P{number}"))));
    let consumers = finder(search.with_project(project("P0"))).consumers().await.unwrap();
    assert!(consumers.consumers.is_empty() && !consumers.is_complete());
    assert_eq!(consumers.checks.len(), 10, "each project is read once: {}", consumers.checks);
    assert!(consumers.checks.of("connection-unreadable").unwrap().cause.contains('1'));
    assert_eq!(veiled.most.load(Ordering::SeqCst), 3, "as many at a time as was said, and no more");
}
