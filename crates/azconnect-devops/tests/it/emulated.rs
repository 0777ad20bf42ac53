//! The conformance suites, and whole flows, against the emulator.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind, Scope, Secret};
use azconnect_credential::{AccessToken, Candidate, CredentialIssuer, CredentialSink, Minted, TokenProvider};
use azconnect_devops::{
    AzureConnection, AzureCredential, AzureScope, CandidateTest, Collection, ConversionRules, Deletion, DevOpsClient,
    EndpointChange, EndpointId, Endpoints, Ground, Organization, OrganizationName, PersonalAccessToken,
    PersonalTokenIssuer, ProjectRef, ProjectState, ReadyPolicy, RegistryCheck, ServerVersion, ServiceConnectionSink,
};
use azconnect_emulator::{Emulator, Fault, FaultAction, Seed, Service, Settings};
use azconnect_http::{Bearer, Pipeline, Request, Response, Transport, not_connected};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::conformance::{credential_issuer, credential_sink};
use serde_json::{Value, json};
use time::OffsetDateTime;

pub(crate) const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
pub(crate) const APPLICATION: &str = "10000000-0000-4000-8000-000000000002";
const CALLER: &str = "10000000-0000-4000-8000-000000000003";
pub(crate) const SUBSCRIPTION: &str = "20000000-0000-4000-8000-000000000001";
pub(crate) const AZURE: &str = "50000000-0000-4000-8000-000000000001";
pub(crate) const DOCKER: &str = "50000000-0000-4000-8000-000000000002";
pub(crate) const AUTOMATIC: &str = "50000000-0000-4000-8000-000000000003";
/// In the project `Other kinds`: an Azure Container Registry, a server of type Generic, and a Kubernetes cluster.
pub(crate) const REGISTRY: &str = "50000000-0000-4000-8000-000000000004";
pub(crate) const SERVER: &str = "50000000-0000-4000-8000-000000000005";
pub(crate) const CLUSTER: &str = "50000000-0000-4000-8000-000000000006";

/// Longer than the emulator's replicas need.
pub(crate) const SETTLED: Duration = Duration::from_secs(60);

fn seed_text() -> Value {
    let held = json!({"application": APPLICATION, "password": "old"});
    let azure = |name: &str, mode: &str| {
        json!({"name": name, "type": "azurerm", "url": "https://management.azure.com/", "unknownToUs": {"kept": [1, 2]},
            "data": {"subscriptionId": SUBSCRIPTION, "subscriptionName": "P", "environment": "AzureCloud", "scopeLevel": "Subscription", "creationMode": mode},
            "authorization": {"scheme": "ServicePrincipal", "parameters": {"tenantid": TENANT, "serviceprincipalid": APPLICATION, "authenticationType": "spnKey"}}})
    };
    let registry = json!({"name": "registry", "type": "dockerregistry", "url": "https://contoso.azurecr.io", "data": {"registrytype": "ACR"},
        "authorization": {"scheme": "ServicePrincipal", "parameters": {"loginServer": "contoso.azurecr.io", "tenantid": TENANT, "serviceprincipalid": APPLICATION, "authenticationType": "spnKey"}}});
    let server = json!({"name": "server", "type": "generic", "url": "https://server.contoso.com/", "data": {},
        "authorization": {"scheme": "UsernamePassword", "parameters": {"username": APPLICATION}}});
    let cluster = json!({"name": "cluster", "type": "kubernetes", "url": "https://cluster.contoso.com/", "data": {"authorizationType": "AzureSubscription"},
        "authorization": {"scheme": "Kubernetes", "parameters": {"azureEnvironment": "AzureCloud", "azureTenantId": TENANT, "spnId": APPLICATION}}});
    let docker = json!({"name": "images", "type": "dockerregistry", "url": "https://hub.docker.com/", "data": {"registrytype": "Others"},
        "authorization": {"scheme": "UsernamePassword", "parameters": {"registry": "https://contoso.azurecr.io", "username": APPLICATION, "email": ""}}});
    json!({
        "tenants": [{
            "id": TENANT, "domain": "contoso.onmicrosoft.com",
            "users": [{"userPrincipalName": "ann@contoso.com", "displayName": "Ann"}, {"userPrincipalName": "bob@contoso.com", "displayName": "Bob"}],
            "applications": [
                {"displayName": "Deployer", "clientId": APPLICATION, "subscriptionReader": [SUBSCRIPTION], "passwords": [{"name": "old", "secret": "deployer-old"}]},
                {"displayName": "Caller", "clientId": CALLER, "graphRoles": ["Application.ReadWrite.All"], "passwords": [{"secret": "the-callers-secret"}]}],
        }],
        "subscriptions": [{"id": SUBSCRIPTION, "tenant": TENANT, "name": "P"}],
        "registries": [{"host": "contoso.azurecr.io", "tenant": TENANT}],
        "organizations": [{
            "name": "contoso", "tenant": TENANT,
            "members": [{"user": "ann@contoso.com", "groups": ["[contoso]\\Project Collection Administrators"]}, {"user": "bob@contoso.com", "groups": ["[Web]\\Contributors"]}],
            "personalAccessTokens": [{"user": "ann@contoso.com", "displayName": "all", "token": "anns-access-token"}, {"user": "bob@contoso.com", "displayName": "all", "token": "bobs-access-token"}],
            "projects": [{"name": "Web", "connections": [
                {"id": AZURE, "secret": held, "document": azure("production", "Manual"), "executions": 120},
                {"id": DOCKER, "secret": held, "document": docker},
                {"id": AUTOMATIC, "secret": held, "document": azure("automatic", "Automatic")}]}, {"name": "Mobile"},
                {"name": "Other kinds", "connections": [
                    {"id": REGISTRY, "secret": held, "document": registry},
                    {"id": SERVER, "secret": held, "document": server},
                    {"id": CLUSTER, "secret": {"application": APPLICATION, "password": "old", "parameter": "spnKey"}, "document": cluster}]}],
        }],
    })
}

/// The way to the emulator, with somebody else at it.
struct Door {
    inner: Arc<dyn Transport>,
    connection: EndpointId,
    closed: AtomicBool,
    /// How many readings of the connection are left until somebody else changes it; 0 for never.
    meddle: AtomicUsize,
}

#[async_trait]
impl Transport for Door {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(not_connected("the door is closed"));
        }
        let reads =
            request.method() == "GET" && request.uri().path().ends_with(&format!("/endpoints/{}", self.connection));
        let turn =
            reads && self.meddle.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) == Ok(1);
        if turn {
            let before = self.inner.send(request.clone()).await?;
            let mut document: Value = serde_json::from_slice(before.body()).unwrap();
            document["description"] = "somebody else's words".into();
            let uri = format!(
                "https://dev.azure.com/contoso/_apis/serviceendpoint/endpoints/{}?api-version=7.1",
                self.connection
            );
            let mut put = http::Request::put(uri).body(document.to_string().into()).unwrap();
            put.headers_mut().insert("authorization", request.headers()["authorization"].clone());
            put.headers_mut().insert("content-type", "application/json".parse().unwrap());
            assert_eq!(self.inner.send(put).await?.status(), 200);
        }
        self.inner.send(request).await
    }
}

pub(crate) struct World {
    pub(crate) clock: VirtualClock,
    pub(crate) emulator: Emulator,
    door: Arc<Door>,
}

impl World {
    pub(crate) fn new(settings: Settings, connection: &str) -> Self {
        Self::changed(settings, connection, |_| {})
    }

    /// The same with another seed.
    pub(crate) fn changed(settings: Settings, connection: &str, change: impl FnOnce(&mut Value)) -> Self {
        let clock = VirtualClock::new();
        let mut text = seed_text();
        change(&mut text);
        let seed = Seed::from_json(&text.to_string()).unwrap();
        let emulator = Emulator::from_seed(seed, Arc::new(clock.clone())).unwrap().with_settings(settings);
        let door = Arc::new(Door {
            inner: emulator.transport(),
            connection: connection.parse().unwrap(),
            closed: AtomicBool::new(false),
            meddle: AtomicUsize::new(0),
        });
        Self { clock, emulator, door }
    }

    fn pipeline(&self) -> Pipeline {
        Pipeline::new(self.door.clone(), Arc::new(self.clock.clone()))
    }

    pub(crate) fn client(&self, token: &str) -> DevOpsClient {
        let token = PersonalAccessToken::new(Secret::new(token)).unwrap();
        DevOpsClient::new(self.pipeline(), &self.emulator.cloud(), Arc::new(token))
    }

    /// A client in the name of a person who signed in, which may list organizations too.
    pub(crate) fn signed_in(&self, user: &'static str) -> DevOpsClient {
        let tokens = Arc::new(SignedIn { emulator: self.emulator.clone(), user });
        let bearer = Bearer::new(tokens, self.emulator.cloud().devops_scope());
        DevOpsClient::new(self.pipeline(), &self.emulator.cloud(), Arc::new(bearer))
    }

    pub(crate) fn organization(&self, token: &str) -> Organization {
        self.client(token).organization(&OrganizationName::new("contoso").unwrap()).unwrap()
    }

    /// Whether a connection really holds a secret.
    pub(crate) fn holds(&self, connection: EndpointId, secret: &Secret) -> bool {
        let truth = self.emulator.truth();
        let Some(connection) = truth.connection(connection.as_uuid()) else { return false };
        let held = serde_json::to_value(&connection.holds).unwrap();
        let key = held["key_id"].as_str().map(|key| key.parse().unwrap());
        key.and_then(|key| self.emulator.secret_of(key)).is_some_and(|held| held.same_as(secret))
    }

    pub(crate) fn emulator(&self) -> &Emulator {
        &self.emulator
    }

    /// Breaks every connection from now on.
    pub(crate) fn close(&self) {
        self.door.closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn web(&self) -> Endpoints {
        self.organization("anns-access-token").endpoints(ProjectRef::new("Web").unwrap())
    }

    /// The connections of the project that a connection is in.
    pub(crate) fn around(&self, connection: EndpointId) -> Endpoints {
        let others = [REGISTRY, SERVER, CLUSTER].contains(&connection.to_string().as_str());
        let project = if others { "Other kinds" } else { "Web" };
        self.organization("anns-access-token").endpoints(ProjectRef::new(project).unwrap())
    }

    pub(crate) fn assert_known_routes(&self) {
        let truth = self.emulator.truth();
        assert_eq!(truth.unknown_routes, 0, "{:?}", truth.unknown_route_names);
    }

    async fn post(&self, url: &str, headers: &[(&str, &str)], body: String) -> Value {
        let mut request = http::Request::post(url).body(body.into()).unwrap();
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let answer = self.emulator.transport().send(request).await.unwrap();
        assert_eq!(answer.status(), 200, "{url}: {}", String::from_utf8_lossy(answer.body()));
        serde_json::from_slice(answer.body()).unwrap()
    }

    /// Adds a secret to the application, through Graph.
    pub(crate) async fn add_password(&self) -> Minted {
        let form = format!(
            "grant_type=client_credentials&client_id={CALLER}&client_secret=the-callers-secret&scope=https://graph.microsoft.com/.default"
        );
        let url = format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token");
        let token = self.post(&url, &[("content-type", "application/x-www-form-urlencoded")], form).await;
        let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
        let url = format!("https://graph.microsoft.com/v1.0/applications(appId='{APPLICATION}')/addPassword");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = json!({"passwordCredential": {"displayName": "conformance"}}).to_string();
        let added = self.post(&url, &headers, body).await;
        let secret = Secret::new(added["secretText"].as_str().unwrap());
        let ends_at = self.clock.now() + time::Duration::days(90);
        Minted::new(added["keyId"].as_str().unwrap().parse().unwrap(), secret, ends_at)
    }
}

/// Where a connection of the world sends its secret.
pub(crate) fn destination(connection: EndpointId) -> &'static str {
    match connection.to_string().as_str() {
        DOCKER | REGISTRY => "contoso.azurecr.io",
        SERVER => "server.contoso.com",
        CLUSTER => "cluster.contoso.com",
        _ => "management.azure.com",
    }
}

struct SinkWorld {
    world: World,
    sink: Arc<ServiceConnectionSink>,
    connection: EndpointId,
}

impl SinkWorld {
    fn new(connection: &str, settings: Settings) -> Self {
        let world = World::new(settings, connection);
        let connection = connection.parse().unwrap();
        let sink = ServiceConnectionSink::new(world.around(connection), connection)
            .unwrap()
            .with_application(TENANT.parse().unwrap(), APPLICATION.parse().unwrap())
            .with_registry_check(RegistryCheck::new(world.pipeline()))
            .with_destination(destination(connection))
            // The suite pushes secrets that nobody minted.
            .with_candidate_test(CandidateTest::Skip);
        Self { world, sink: Arc::new(sink), connection }
    }
}

#[async_trait]
impl credential_sink::SinkHarness for SinkWorld {
    fn sink(&self) -> Arc<dyn CredentialSink> {
        self.sink.clone()
    }

    fn now(&self) -> OffsetDateTime {
        self.world.clock.now()
    }

    async fn mint(&self) -> Minted {
        self.world.add_password().await
    }

    async fn settle(&self) {
        self.world.clock.sleep(SETTLED).await;
    }

    async fn holds(&self, secret: &Secret) -> bool {
        self.world.holds(self.connection, secret)
    }

    async fn rest(&self) -> String {
        let mut document = self.world.around(self.connection).get(self.connection).await.unwrap().into_document();
        for counter in ["modificationDate", "modifiedBy"] {
            document.shift_remove(counter);
        }
        Value::Object(document).to_string()
    }

    async fn interfere_with_next_push(&self) {
        self.world.door.meddle.store(2, Ordering::SeqCst);
    }

    async fn disconnect(&self) {
        self.world.close();
    }

    async fn reconnect(&self) {
        self.world.door.closed.store(false, Ordering::SeqCst);
    }

    /// Azure DevOps offers no test for these, and nobody else can be asked.
    fn can_verify(&self) -> bool {
        ![SERVER, CLUSTER].contains(&self.connection.to_string().as_str())
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_to_azure_is_a_sink() {
    credential_sink::all(async || SinkWorld::new(AZURE, Settings::default())).await;
    credential_sink::all(async || SinkWorld::new(AZURE, Settings::realistic())).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_to_a_registry_is_a_sink() {
    credential_sink::all(async || SinkWorld::new(DOCKER, Settings::default())).await;
}

#[tokio::test(start_paused = true)]
async fn connections_of_other_kinds_are_sinks() {
    for connection in [REGISTRY, SERVER, CLUSTER] {
        credential_sink::all(async || SinkWorld::new(connection, Settings::default())).await;
    }
}

/// Tokens of a person who signed in.
struct SignedIn {
    emulator: Emulator,
    user: &'static str,
}

#[async_trait]
impl TokenProvider for SignedIn {
    async fn token(&self, scope: &Scope) -> Result<Arc<AccessToken>, Error> {
        let secret = self.emulator.sign_in(self.user, scope).expect("a person of the seed");
        let end = OffsetDateTime::UNIX_EPOCH;
        Ok(Arc::new(AccessToken::new(secret, end, end)))
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}

struct IssuerWorld {
    world: World,
    issuer: Arc<PersonalTokenIssuer>,
}

impl IssuerWorld {
    fn new() -> Self {
        let world = World::new(Settings::default(), AZURE);
        let client = world.signed_in("ann@contoso.com");
        let organization = client.organization(&OrganizationName::new("contoso").unwrap()).unwrap();
        let issuer = PersonalTokenIssuer::new(organization, "ann@contoso.com", "vso.project").unwrap();
        Self { world, issuer: Arc::new(issuer) }
    }

    fn fault(&self, action: FaultAction) {
        self.world.emulator.faults().add(Fault::new(action).with_service(Service::DevOpsIdentity).with_method("POST"));
    }
}

#[async_trait]
impl credential_issuer::IssuerHarness for IssuerWorld {
    fn issuer(&self) -> Arc<dyn CredentialIssuer> {
        self.issuer.clone()
    }

    fn now(&self) -> OffsetDateTime {
        self.world.clock.now()
    }

    async fn settle(&self) {
        self.world.clock.sleep(SETTLED).await;
    }

    async fn works(&self, secret: &Secret) -> bool {
        match self.world.organization(secret.expose()).projects(ProjectState::All).await {
            Ok(projects) => !projects.is_empty(),
            Err(error) if error.kind() == ErrorKind::Unauthenticated => false,
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn lose_next_mint(&self) {
        self.fault(FaultAction::LoseAnswer);
    }

    async fn drop_next_mint(&self) {
        self.fault(FaultAction::DropBefore);
    }
}

#[tokio::test(start_paused = true)]
async fn personal_access_tokens_are_minted_by_an_issuer() {
    credential_issuer::all(async || IssuerWorld::new()).await;
}

#[tokio::test(start_paused = true)]
async fn an_administrator_picks_and_a_contributor_is_told_whom_to_ask() {
    let world = World::new(Settings::default(), AZURE);
    let project = ProjectRef::new("Web").unwrap();
    let picker = world.organization("anns-access-token").picker(&project).await.unwrap();
    assert!(picker.permission.grounds.contains(&Ground::CollectionAdministrator), "{:?}", picker.permission);
    let shown: Vec<_> = picker.choices.iter().map(|choice| (choice.name.as_str(), choice.can_refresh())).collect();
    assert_eq!(shown, [("images", true), ("production", true), ("automatic", false)]);
    let error = world.organization("bobs-access-token").picker(&project).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.advice().contains("[Web]\\Endpoint Administrators"));
    world.assert_known_routes();
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_changed_only_by_whom_the_collection_lets() {
    let world = World::new(Settings::default(), AZURE);
    let project = world.organization("anns-access-token").project(&ProjectRef::new("Web").unwrap()).await.unwrap();
    let id = AZURE.parse().unwrap();
    let ann = world.organization("anns-access-token").connection_permission(&project, id).await.unwrap();
    assert!(ann.change_secret);
    let bob = world.organization("bobs-access-token").connection_permission(&project, id).await.unwrap();
    assert!(!bob.change_secret && !bob.administer);
    world.assert_known_routes();
}

#[tokio::test(start_paused = true)]
async fn a_connection_lives_from_creation_to_deletion() {
    let world = World::new(Settings::realistic(), AZURE);
    let organization = world.organization("anns-access-token");
    let web = organization.project(&ProjectRef::new("Web").unwrap()).await.unwrap();
    let mobile = organization.project(&ProjectRef::new("Mobile").unwrap()).await.unwrap();
    let minted = world.add_password().await;
    world.clock.sleep(SETTLED).await;
    let (tenant, client) = (TENANT.parse().unwrap(), APPLICATION.parse().unwrap());
    let credential = AzureCredential::Secret { tenant, client, secret: &minted.secret };
    let scope = AzureScope::subscription(SUBSCRIPTION.parse().unwrap(), "P");
    let connection =
        AzureConnection::new("fresh", scope, credential).with_description("made here").build(&web).unwrap();
    let created = organization.create_connection(&connection).await.unwrap();
    let ready = world
        .web()
        .wait_until_ready(created.id(), ReadyPolicy::default().with_interval(Duration::from_secs(1)))
        .await
        .unwrap();
    assert!(world.web().verify_stored(&ready, None).await.is_accepted());
    let again = organization.create_connection(&connection).await.unwrap_err();
    assert_eq!((again.kind(), again.http_status()), (ErrorKind::Conflict, Some(500)));

    assert!(world.web().grant_all_pipelines(created.id(), true).await.unwrap().all);
    organization.share(created.id(), &[(&mobile, "fresh")]).await.unwrap();
    let seen = organization.endpoints(mobile.id).get(created.id()).await.unwrap();
    assert_eq!((seen.is_shared(), seen.projects().count()), (Some(true), 2));
    organization.unshare(created.id(), &[mobile.id]).await.unwrap();
    assert_eq!(organization.endpoints(mobile.id).get(created.id()).await.unwrap_err().kind(), ErrorKind::NotFound);
    organization.delete_connection(created.id(), &[web.id], Deletion::ConnectionOnly).await.unwrap();
    world.web().wait_until_deleted(created.id(), ReadyPolicy::default()).await.unwrap();
    world.assert_known_routes();
}

#[tokio::test(start_paused = true)]
async fn an_automatic_connection_is_converted_and_reverted_in_its_window() {
    let world = World::new(Settings::realistic(), AUTOMATIC);
    let web = world.web();
    let before = web.get(AUTOMATIC.parse().unwrap()).await.unwrap();
    world.emulator.faults().add(Fault::new(FaultAction::LoseAnswer).with_service(Service::DevOps).with_method("PUT"));
    let converted =
        web.convert(&before, ConversionRules::new()).await.expect("the answer was lost, and the connection tells");
    let converted = converted.done().unwrap();
    assert!(converted.is_federated());
    let reverted = web.revert(&converted).await.unwrap().done().unwrap();
    assert!(reverted.is_scheme("ServicePrincipal"));
    let converted = web.convert(&reverted, ConversionRules::new()).await.unwrap().done().unwrap();
    world.clock.sleep(Duration::from_secs(8 * 86_400)).await;
    assert_eq!(web.revert(&converted).await.unwrap_err().service_code(), Some("revert-deadline-passed"));
    world.assert_known_routes();
}

#[tokio::test(start_paused = true)]
async fn history_types_tenant_and_organizations_are_read() {
    let world = World::new(Settings::default(), AZURE);
    let organization = world.organization("anns-access-token");
    let executions = world.web().all_executions(AZURE.parse().unwrap(), 1000).await.unwrap();
    assert_eq!(executions.len(), 120);
    let types = organization.endpoint_types(Some("azurerm"), None).await.unwrap();
    assert!(
        types[0].confidential_parameters("serviceprincipal").any(|key| key.eq_ignore_ascii_case("serviceprincipalkey"))
    );
    let client = world.signed_in("ann@contoso.com");
    let search = client.organizations(&[], &[]).await.unwrap();
    assert_eq!(search.groups.len(), 1);
    assert_eq!(search.groups[0].tenant, azconnect_devops::OrganizationTenant::Entra(TENANT.parse().unwrap()));
    assert_eq!(search.groups[0].organizations[0].name.as_str(), "contoso");
    // Her personal access token is of one organization, so it finds that one by its name.
    let search =
        world.client("anns-access-token").organizations(&[], &[OrganizationName::new("contoso").unwrap()]).await;
    let search = search.unwrap();
    assert_eq!(search.groups[0].organizations[0].name.as_str(), "contoso");
    assert_eq!(search.checks.iter().map(|check| check.code.as_str()).collect::<Vec<_>>(), ["organizations-not-listed"]);
    world.assert_known_routes();
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_another_project_is_not_found_and_nothing_is_written() {
    let world = World::new(Settings::default(), AZURE);
    let mobile = world.organization("anns-access-token").endpoints(ProjectRef::new("Mobile").unwrap());
    let sink = ServiceConnectionSink::new(mobile, AZURE.parse().unwrap()).unwrap();
    let secret = Secret::new("new-secret");
    let error = sink.push(&Candidate::new(&secret)).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::NotFound, Effect::None));
    assert_eq!(sink.inspect().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn an_older_collection_is_spoken_to_in_its_own_version() {
    let mut older = seed_text();
    older["organizations"][0]["latestApiVersion"] = "7.0".into();
    let clock = VirtualClock::new();
    let seed = Seed::from_json(&older.to_string()).unwrap();
    let emulator = Emulator::from_seed(seed, Arc::new(clock.clone())).unwrap();
    let token = PersonalAccessToken::new(Secret::new("anns-access-token")).unwrap();
    let pipeline = Pipeline::new(emulator.transport(), Arc::new(clock));
    let client = DevOpsClient::new(pipeline, &emulator.cloud(), Arc::new(token));
    let name = OrganizationName::new("contoso").unwrap();
    assert!(client.organization(&name).unwrap().projects(ProjectState::All).await.is_err(), "7.1 is too new for it");
    let collection = Collection::new("https://dev.azure.com/contoso", ServerVersion::V2022).unwrap();
    let collection = client.collection(&collection);
    assert_eq!(collection.projects(ProjectState::All).await.unwrap().len(), 3);
    let web = collection.endpoints(ProjectRef::new("Web").unwrap());
    let before = web.get(AZURE.parse().unwrap()).await.unwrap();
    let after = web.update(&before, &EndpointChange::new().with_description("on premises")).await.unwrap().endpoint;
    assert_eq!(after.description(), Some("on premises"));
    assert_eq!(after.document()["unknownToUs"], json!({"kept": [1, 2]}));
}
